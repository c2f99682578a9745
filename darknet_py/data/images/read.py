"""Image files to pixels: one decoder, one orientation and one kind of error, wherever images are read.

Pillow decodes, because it notices files that end too early; OpenCV where its result is the same and faster,
and Pillow is not imported then.
The result is always (H, W, 3) uint8 RGB:

| in the file                    | becomes                                            |
|--------------------------------|----------------------------------------------------|
| EXIF orientation 2 to 8        | turned upright                                     |
| grey, 1 bit, palette           | RGB                                                |
| alpha                          | left out, as OpenCV does; colours stay as they are |
| 16 bits a channel              | the upper 8 bits                                   |
| CMYK                           | RGB, without a colour profile                      |
| several frames (GIF, TIFF, ..) | the first                                          |
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from darknet_py.data.images.kinds import FORMATS as FORMATS
from darknet_py.data.images.kinds import MOST_PIXELS, regular_file
from darknet_py.data.images.plain_jpeg import plain_pixels
from darknet_py.errors import DataError, quoted


def read_image(path: str | os.PathLike[str]) -> np.ndarray:
    """Decode one image file, upright.

    Returns: (H, W, 3) uint8 RGB, writable.
    Raises: DataError: naming the file and what is wrong with it.
    """
    pixels = _plain(path)
    if pixels is not None:
        return pixels
    from darknet_py.data.images.pillow import decoded

    return decoded(path)


def image_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Read the size of the upright image, (height, width) in pixels, from the header alone.

    Raises: DataError: naming the file and what is wrong with its header.
    """
    from darknet_py.data.images.pillow import opened_image, upright_size

    with opened_image(path) as (image, _):
        return upright_size(image)


def require_files(paths: Sequence[Path], *, where: object) -> None:
    """Check that all files exist.

    Raises: DataError: with the number of missing files and the first three.
    """
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing:
        first = ", ".join(f"`{quoted(path)}`" for path in missing[:3])
        more = "" if len(missing) <= 3 else f" and {len(missing) - 3} more"
        raise DataError(f"{len(missing)} of {len(paths)} images are missing: {first}{more}", where=where)


def _plain(path: str | os.PathLike[str]) -> np.ndarray | None:
    """The pixels of a JPEG file of the common kind; None where Pillow has to decode it, or to fail."""
    try:
        with regular_file(path) as file:
            head = file.read(2)
            return plain_pixels(head + file.read(), most=MOST_PIXELS) if head == b"\xff\xd8" else None
    except (OSError, MemoryError, cv2.error):
        return None
