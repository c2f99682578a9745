"""The images that Python gives: files, PIL images and arrays, all to RGB pixels."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet_py.data.images.read import read_image
from darknet_py.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

    PixelSource = str | Path | Image.Image | np.ndarray


def several_images(source: PixelSource | Iterable[PixelSource]) -> Iterable[PixelSource] | None:
    """The source as several images; None where it is one, or nothing that `pixels_of` accepts."""
    one = isinstance(source, (str, Path, np.ndarray, bytes, bytearray, dict)) or _is_pil(source)
    return source if isinstance(source, Iterable) and not one else None


def pixels_of(image: Any, *, grey: bool = False) -> np.ndarray:
    """An image as an (H, W, 3) uint8 RGB array.

    Args:
        image: a PixelSource.
        grey: an array may also be (H, W) or (H, W, 1), which becomes three equal channels.

    Raises:
        DataError: when the file is not an image, or the array has another shape or type.
    """
    if isinstance(image, (str, Path)):
        return read_image(image)
    if not isinstance(image, np.ndarray):
        return _pixels_of_pil(image)
    pixels: np.ndarray = image
    if grey and pixels.ndim in (2, 3) and pixels.shape[2:] in ((), (1,)):
        pixels = np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        found = f"{' x '.join(map(str, pixels.shape))} {pixels.dtype}"
        expected = "H x W x 3 uint8 (RGB)" + (" or H x W (grey)" if grey else "")
        raise DataError(f"an image is an array of {expected}, and this one is {found}")
    return pixels


def _is_pil(source: Any) -> bool:
    pillow = sys.modules.get("PIL.Image")  # whoever has a PIL image has imported it
    return pillow is not None and isinstance(source, pillow.Image)


def _pixels_of_pil(image: Any) -> np.ndarray:
    if not _is_pil(image):
        hint = "expected a file, an RGB array or a PIL image, or several of them"
        raise DataError(f"an image cannot be of type {type(image).__name__}", hint=hint)
    try:
        from darknet_py.data.images.pillow import rgb

        return rgb(image)
    except (OSError, ValueError) as error:  # Pillow decodes late
        raise DataError(f"the PIL image cannot be decoded: {error}") from None
