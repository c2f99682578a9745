"""`[cost]`: the last section of a classifier."""

from __future__ import annotations

from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer

ONE_LOSS = "a classifier is trained only by the cross entropy of its [softmax]"


class CostLayer(Layer, section="cost"):
    """Returns its input. After a `[softmax]` it has no effect, in training or in evaluation.

    Darknet adds its own gradient of the squared error to that of the softmax, t - p twice, which doubles the
    learning rate of the complete classifier; the loss here is only the cross entropy.

        [cost]
        type = sse
    """

    other_names = "loss"

    type: str = key("sse", one_of=("sse", "masked", "smooth", "l1", "seg", "wgan"), doc="kind of the error")
    scale: float = key(1.0, doc="weight of its gradient", ignored=ONE_LOSS)
    ratio: float = key(0.0, doc="share of the gradient that is kept", ignored=ONE_LOSS)
    noobj: float = key(1.0, doc="weight of masked errors", ignored=ONE_LOSS)
    thresh: float = key(0.0, doc="least error that counts", ignored=ONE_LOSS)
