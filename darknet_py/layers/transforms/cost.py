"""`[cost]`: the end of a classifier's cfg."""

from __future__ import annotations

from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer

ONE_LOSS = "a classifier is trained by the cross entropy of its [softmax] alone"


class CostLayer(Layer, section="cost"):
    """Passes its map on. After a `[softmax]` it changes nothing here, in training or in evaluation.

    Darknet adds its own gradient of the squared error to that of the softmax, t - p twice, which doubles the
    learning rate of the whole classifier; the loss here is the cross entropy alone.

        [cost]
        type = sse
    """

    type: str = key("sse", one_of=("sse", "masked", "smooth", "l1", "seg", "wgan"), doc="kind of the error")
    scale: float = key(1.0, doc="weight of its gradient", ignored=ONE_LOSS)
    ratio: float = key(0.0, doc="share of the gradient that is kept", ignored=ONE_LOSS)
    noobj: float = key(1.0, doc="weight of masked errors", ignored=ONE_LOSS)
    thresh: float = key(0.0, doc="least error that counts", ignored=ONE_LOSS)
