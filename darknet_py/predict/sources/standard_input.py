"""Standard input as a source: the bytes of one image, or the names of images, one a line."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from darknet_py.data.images.read import read_image
from darknet_py.errors import DataError
from darknet_py.predict.sources.files import MissingImage, PathList

STDIN = "-"
NAME = "standard input"
LARGEST = 256 << 20  # bytes; 64 million pixels of RGB are 192 MB
_IMAGE = re.compile(  # how a file of each format that is read begins
    rb"\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP|BM.{4}\0\0|P[1-6]\s|II\*\0|MM\0\*|\0\0\0\x0cjP|\xff\x4f\xff\x51|....ftyp",
    re.DOTALL,
)


@dataclass(frozen=True)
class GivenImage:
    """An image whose bytes were given on standard input."""

    data: bytes

    def read(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB.

        Raises: DataError: when it is not an image.
        """
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.data)
            file.flush()
            try:
                return read_image(file.name)
            except DataError as error:
                raise DataError(error.message, where=NAME, hint=error.hint) from None


def given_images(given: BinaryIO) -> PathList | MissingImage | GivenImage:
    """The image, or the list of images, that standard input holds; it is read to its end."""
    data = given.read(LARGEST + 1)
    path = Path(STDIN)
    if len(data) > LARGEST:
        error = DataError(f"is larger than {LARGEST >> 20} MB", where=NAME)
        return MissingImage(path, error)
    if _IMAGE.match(data):
        return GivenImage(data)
    if b"\0" in data:
        error = DataError(
            "is neither an image that is read nor a list of names: it has NUL bytes", where=NAME
        )
        return MissingImage(path, error)
    return PathList(Path(NAME), Path(), data)
