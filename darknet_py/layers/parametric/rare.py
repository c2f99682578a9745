"""Keys of `[convolutional]` that Darknet reads and no published cfg needs."""

from __future__ import annotations

from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer

GPU_ONLY = "only Darknet's GPU training honours it"


class RareKeys(Layer):
    """Training experiments and GPU scheduling of Darknet; none is honoured here."""

    cbn: int = key(0, doc="batch normalisation across iterations", ignored=GPU_ONLY)
    grad_centr: int = key(0, doc="subtract the mean of each filter's gradient", ignored=GPU_ONLY)
    assisted_excitation: float = key(
        0.0,
        doc="excite the positions of objects in training",
        ignored="an experiment no published cfg sets",
    )
    bin_output: int = key(0, doc="pack the outputs of an xnor layer into bits; changes no result")
    flipped: int = key(0, doc="transposed weights", refused="the weights would be read in the wrong order")
    antialiasing: int = key(
        0,
        doc="blur after a strided convolution",
        refused="stride=1 and a blur pool of size=1 with the stride behind it are equal inside the map, not "
        "at its border, where Darknet blurs with zeros; for 2, a mean of size=2 with padding=0 is equal",
    )
    coordconv: int = key(0, doc="overwrite channels by coordinates", refused="Darknet has it only on GPUs")
    sway: int = key(0, doc="deformed filters in training", ignored=GPU_ONLY)
    rotate: int = key(0, doc="rotated filters in training", ignored=GPU_ONLY)
    stretch: int = key(0, doc="stretched filters in training", ignored=GPU_ONLY)
    stretch_sway: int = key(0, doc="stretched and swayed filters in training", ignored=GPU_ONLY)
    angle: float = key(15.0, doc="angle of rotated filters", ignored=GPU_ONLY)
    reverse: float = key(0.0, doc="invert updates", ignored=GPU_ONLY)
    dot: float = key(0.0, doc="a regulariser of old", ignored="Darknet reads it and does not use it")
    stream: int = key(-1, doc="CUDA stream", ignored="only for CUDA scheduling")
    wait_stream: int = key(-1, doc="CUDA stream to wait for", ignored="only for CUDA scheduling")
