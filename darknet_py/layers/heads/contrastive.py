"""`[contrastive]`: the contrastive loss of embeddings in AlexeyAB's Darknet."""

from __future__ import annotations

from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer

NO_LOSS = "its loss is not implemented; the layer returns its input"


class Contrastive(Layer, section="contrastive"):
    """Returns its input, the embeddings of the objects that the `[yolo]` layer detects.

    In Darknet it has a loss that makes embeddings of one object similar; it is not implemented. Chen,
    Kornblith, Norouzi and Hinton, "A simple framework for contrastive learning of visual representations",
    ICML 2020, arXiv:2002.05709.

        [contrastive]
    """

    classes: int = key(1000, doc="number of classes", ignored=NO_LOSS)
    yolo_layer: int = key(0, doc="the head whose boxes are embedded", ignored=NO_LOSS, refers=True)
    temperature: float = key(1.0, doc="divides similarities", ignored=NO_LOSS)
    cls_normalizer: float = key(1.0, doc="weight of the loss", ignored=NO_LOSS)
    max_delta: float = key(3.4e38, doc="limit of the gradients", ignored=NO_LOSS)
    contrastive_neg_max: int = key(3, doc="most pairs of different objects", ignored=NO_LOSS)
