"""How an image is fitted to the network's input, and how boxes are mapped back to the image.

Two ways: `stretch` (AlexeyAB's default) fills the input and bends the aspect ratio; `letterbox` (pjreddie's,
and `[net] letter_box=1`) keeps it, and pads with grey. Both resize as Darknet's `resize_image` does:
bilinear, corner pixels on the corners. Its black last row (a rounding error, at some sizes) is not copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from darknet_py.ops.cells import Floats
from darknet_py.predict.resize import resize

if TYPE_CHECKING:
    from darknet_py.layers.net import Net

GREY = 0.5  # Darknet's letterbox_image fills the canvas with it


@dataclass(frozen=True)
class Fit:
    """One image size fitted to one input size: all sizes are (height, width) in pixels.

    >>> Fit.letterbox((480, 640), (416, 416)).inner_size
    (312, 416)

    Args:
        inner_size: the part of the input that the image covers; `net_size` when stretched.
    """

    image_size: tuple[int, int]
    net_size: tuple[int, int]
    inner_size: tuple[int, int]

    @classmethod
    def stretch(cls, image_size: tuple[int, int], net_size: tuple[int, int]) -> Fit:
        """The image fills the input, each side scaled on its own."""
        return cls(image_size, net_size, net_size)

    @classmethod
    def letterbox(cls, image_size: tuple[int, int], net_size: tuple[int, int]) -> Fit:
        """The image keeps its shape, touches two sides of the input and is centred; sizes round down."""
        (image_height, image_width), (height, width) = image_size, net_size
        if width * image_height < height * image_width:
            inner = (max(1, image_height * width // image_width), width)
        else:
            inner = (height, max(1, image_width * height // image_height))
        return cls(image_size, net_size, inner)

    def apply(self, pixels: np.ndarray, out: Floats | None = None) -> Floats:
        """Resize the image, and pad it where it is letterboxed.

        Args:
            pixels: (H, W, C) uint8, of `image_size`.
            out: where to write the result; without, a new array.

        Returns:
            (C, H, W) float32, 0..1.
        """
        assert pixels.shape[:2] == self.image_size, (pixels.shape, self.image_size)
        (height, width), (rows, columns) = self.net_size, self.inner_size
        canvas = np.empty((pixels.shape[2], height, width), np.float32) if out is None else out
        if self.inner_size != self.net_size:
            canvas.fill(GREY)
        top, left = (height - rows) // 2, (width - columns) // 2
        resize(pixels, canvas[:, top : top + rows, left : left + columns])
        return canvas

    def correct(self, boxes_cxcywh_fraction: Floats) -> Floats:
        """Boxes in fractions of the input -> in fractions of the image, as Darknet's `correct_yolo_boxes`.

        The padding is halved as a float here, and as an integer in `apply`, so they may differ by half a
        pixel, in Darknet too.

        Args:
            boxes_cxcywh_fraction: (B, 4).
        """
        (height, width), (rows, columns) = self.net_size, self.inner_size
        covered = np.array([columns / width, rows / height], boxes_cxcywh_fraction.dtype)
        centre, size = boxes_cxcywh_fraction[:, :2], boxes_cxcywh_fraction[:, 2:]
        return np.concatenate([(centre - (1 - covered) / 2) / covered, size / covered], axis=1)

    def to_pixels(self, boxes_fraction: Floats) -> Floats:
        """Boxes in fractions of the image (B, 4), in any format -> the same in its pixels."""
        height, width = self.image_size
        with np.errstate(over="ignore"):  # an untrained network's box may be infinite, as its exponential is
            return boxes_fraction * np.array([width, height, width, height], boxes_fraction.dtype)


def fit_for(net: Net, image_size: tuple[int, int], *, letterbox: bool | None = None) -> Fit:
    """The fit that `[net]` asks for: letterboxed with `letter_box=1`, else stretched.

    Args:
        image_size: (height, width) in pixels.
        letterbox: whether it is letterboxed, whatever `[net]` says.
    """
    make = Fit.letterbox if (net.letter_box if letterbox is None else letterbox) else Fit.stretch
    return make(image_size, (net.height, net.width))
