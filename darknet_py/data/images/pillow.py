"""Images that Pillow decodes, which notices files that end too early; importing it takes 40 ms."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import IMAGELENGTH, IMAGEWIDTH, TiffImageFile

from darknet_py.data.images.ends import IEND
from darknet_py.data.images.kinds import FORMATS, MOST_PIXELS, reason_of, regular_file
from darknet_py.errors import DataError, quoted

_AGAIN = "fetch or export it again"
_ACCEPTED = f"read are {', '.join(FORMATS)} of 8 or 16 bits"
_LIMIT = f"at most {MOST_PIXELS // 1_000_000} million pixels are read; scale it down"
_ORIENTATION = 0x0112  # the EXIF tag
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = (5, 6, 7, 8)  # width and height are exchanged
# Damaged metadata is a warning, and the pixels may be good; sizes are checked here.
for _kind in (UserWarning, Image.DecompressionBombWarning):
    warnings.filterwarnings("ignore", category=_kind, module=r"PIL\.")
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def decoded(path: str | os.PathLike[str]) -> np.ndarray:
    """Decode one image file, upright; see `read.read_image`."""
    with opened_image(path) as (image, file):
        turn = None if image.format == "TIFF" else _UPRIGHT.get(_orientation(image))
        image.load()  # a TIFF is turned by Pillow
        if image.format == "PNG":  # Pillow does not need the last chunk once it has all pixels
            file.seek(0)
            if IEND not in file.read():
                message = "is a damaged image: the PNG ends before its IEND"
                raise DataError(message, where=path, hint=_AGAIN)
        upright = image if turn is None else image.transpose(turn)
        return rgb(upright)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Height and width of an image whose header is read, turned upright."""
    width, height = _stored_size(image)
    return (width, height) if _orientation(image) in _LYING else (height, width)


@contextmanager
def opened_image(path: str | os.PathLike[str]) -> Iterator[tuple[Image.Image, IO[bytes]]]:
    """Open the header, refuse what is too large, and turn whatever fails inside into one DataError.

    Raises: DataError: naming the file and what is wrong with it.
    """
    with regular_file(path) as file:
        try:
            with Image.open(file, formats=FORMATS) as image:
                _refuse(image, path)
                yield image, file
        except DataError:
            raise
        except UnidentifiedImageError:
            raise DataError(_not_an_image(file), where=path, hint=_ACCEPTED) from None
        except _BOMBS:
            most = Image.MAX_IMAGE_PIXELS
            raise DataError(f"is too large: more than {most} pixels", where=path, hint=_LIMIT) from None
        except MemoryError:
            raise DataError("does not fit into memory", where=path) from None
        except Exception as error:  # decoders fail with OSError, ValueError, SyntaxError, struct.error, ...
            raise DataError(f"is a damaged image: {reason_of(error)}", where=path, hint=_AGAIN) from None


def rgb(image: Image.Image) -> np.ndarray:
    """(H, W, 3) uint8 RGB of an image in any mode."""
    if image.mode == "RGB":
        return np.array(image)
    if image.mode.startswith("I"):  # 16 bits; Pillow's own conversion would cut everything above 255
        grey = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    through = image.convert("RGBA") if image.mode in ("P", "PA") else image
    return np.array(through.convert("RGB"))


def _refuse(image: Image.Image, path: object) -> None:
    """Refuse by the header what must not be decoded."""
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise DataError(f"is too large: {width} x {height} pixels", where=path, hint=_LIMIT)
    if image.mode == "F":
        raise DataError("holds floating-point pixels", where=path, hint=_ACCEPTED)


def _stored_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as stored; of a TIFF, newer versions of Pillow give those of the upright image."""
    if isinstance(image, TiffImageFile):
        return int(image.tag_v2[IMAGEWIDTH]), int(image.tag_v2[IMAGELENGTH])
    return image.size


def _orientation(image: Image.Image) -> int:
    """Read the EXIF orientation, 1 where there is none or the EXIF block is damaged.

    Pillow would decode all of a PNG to look for EXIF behind its pixels; what stands before them is enough.
    """
    if image.format == "PNG" and not {"exif", "Raw profile type exif"} & image.info.keys():
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block raises almost anything, and the pixels may be good
        return 1


def _not_an_image(file: IO[bytes]) -> str:
    file.seek(0)
    head = file.read(16)
    text = head.decode("utf-8", errors="ignore")
    if len(text) > len(head) // 2 and all(c.isprintable() or c.isspace() for c in text):
        return f"is not an image: it begins with '{quoted(text)}...'"
    return f"is not an image we read: it begins with {repr(head[:8])[1:]}"
