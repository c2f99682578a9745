"""Keys of the kernel of a convolution."""

from __future__ import annotations

from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer


class KernelKeys(Layer):
    """What `[convolutional]` shares with the layers that are made of convolutions."""

    size: int = key(1, at_least=1, at_most=1024, doc="side of the kernel", unit="cells")
    pad: bool = key(False, doc="pad by size // 2 on every side, and ignore `padding`")
    padding: int = key(0, at_least=0, at_most=1024, doc="zeros on every side", unit="cells")
    dilation: int = key(
        1, at_least=1, at_most=1024, doc="distance between the kernel's taps; 1 when size is 1", unit="cells"
    )
    groups: int = key(1, at_least=1, doc="channels are divided into this many groups with separate filters")
    batch_normalize: bool = key(False, doc="normalise each channel over the batch")

    @property
    def around(self) -> int:
        """Zeros on every side of the map, before dilation."""
        return self.size // 2 if self.pad else self.padding

    @property
    def spread(self) -> int:
        """Dilation as Darknet uses it: a kernel of one tap has none."""
        return self.dilation if self.size > 1 else 1
