"""`[crop]`: a window of the image, at random in training, from the middle in evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes

GPU_ONLY = "only Darknet's GPU code honours it"


class Crop(Layer, section="crop"):
    """A window of crop_height x crop_width, mirrored half of the time if `flip`; then 2 x - 1.

    Sampled for each image in training; the centre, never mirrored, in evaluation. `noadjust` leaves the
    numbers in 0..1. As in Darknet's CPU code.

        [crop]
        crop_width = 2
        crop_height = 2
        flip = 0
    """

    crop_height: int = key(1, at_least=1, at_most=8192, doc="rows of the window", unit="cells")
    crop_width: int = key(1, at_least=1, at_most=8192, doc="columns of the window", unit="cells")
    flip: bool = key(False, doc="mirror half of the images in training")
    noadjust: bool = key(False, doc="leave the numbers as they are, without 2 x - 1")
    angle: float = key(0.0, doc="range of random rotation", unit="degrees", ignored=GPU_ONLY)
    saturation: float = key(1.0, doc="range of the random factor of saturation", ignored=GPU_ONLY)
    exposure: float = key(1.0, doc="range of the random factor of brightness", ignored=GPU_ONLY)
    shift: float = key(0.0, doc="range of a random addition to each channel", ignored=GPU_ONLY)

    def shape(self, *maps: Shape) -> Shape:
        """The window, all channels."""
        (source,) = maps
        if self.crop_height > source.height or self.crop_width > source.width:
            window = f"{self.crop_height} x {self.crop_width}"
            message = f"a window of {window} does not fit on a map of {source.height} x {source.width}"
            raise Refused(Complaint(message, key="crop_height", code="too-small"))
        return Shape(source.channels, self.crop_height, self.crop_width)

    def window(self, *maps: Shape) -> Window:
        """One cell, counted from the middle window's corner."""
        top, left = ((maps[0].height - self.crop_height) // 2, (maps[0].width - self.crop_width) // 2)
        return Window(Axis(1, 1, -top), Axis(1, 1, -left))

    @property
    def channelwise(self) -> bool:
        """Yes."""
        return True

    def module(self, *maps: Shape) -> nn.Module:
        """Keyed like every stochastic layer."""
        from darknet_py.ops.crop import KeyedRandomCrop

        return KeyedRandomCrop((self.crop_height, self.crop_width), flip=self.flip, adjust=not self.noadjust)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """The centre, and 2 x - 1 unless `noadjust`."""
        from darknet_py.onnx_ops.map import centre, scaled

        cropped = centre(nodes, maps[0], self.crop_height, self.crop_width)
        if self.noadjust:
            return cropped
        return nodes.add("Sub", scaled(nodes, cropped, 2), nodes.constant(1))
