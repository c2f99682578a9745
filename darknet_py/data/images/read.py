"""Image files to pixels: one decoder, one orientation and one kind of error, wherever images are read.

Pillow decodes, because it notices files that end too early; OpenCV where its result is the same and faster.
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
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import IMAGELENGTH, IMAGEWIDTH, TiffImageFile

from darknet_py.data.images.ends import IEND
from darknet_py.data.images.plain_jpeg import plain_pixels
from darknet_py.errors import DataError, quoted

SUFFIXES_OF = {  # of each format, by Pillow's name for it
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx"),
} | ({"AVIF": (".avif",)} if find_spec("PIL._avif") else {})  # Pillow reads it from 11.3 on
FORMATS = tuple(SUFFIXES_OF)
SUFFIXES = tuple(suffix for suffixes in SUFFIXES_OF.values() for suffix in suffixes)
MOST_PIXELS = 64_000_000  # 192 MB of RGB; a photograph has 12 to 50 million

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
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def read_image(path: str | os.PathLike[str]) -> np.ndarray:
    """Decode one image file, upright.

    Returns: (H, W, 3) uint8 RGB, writable.
    Raises: DataError: naming the file and what is wrong with it.
    """
    pixels = _plain(path)
    if pixels is not None:
        return pixels
    with opened_image(path) as (image, file):
        turn = None if image.format == "TIFF" else _UPRIGHT.get(_orientation(image))
        image.load()  # a TIFF is turned by Pillow
        if image.format == "PNG":  # Pillow does not need the last chunk once it has all pixels
            file.seek(0)
            if IEND not in file.read():
                message = "is a damaged image: the PNG ends before its IEND"
                raise DataError(message, where=path, hint=_AGAIN)
        upright = image if turn is None else image.transpose(turn)
        return _rgb(upright)


def image_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Read the size of the upright image, (height, width) in pixels, from the header alone.

    Raises: DataError: naming the file and what is wrong with its header.
    """
    with opened_image(path) as (image, _):
        return upright_size(image)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Height and width of an image whose header is read, turned upright."""
    width, height = _stored_size(image)
    return (width, height) if _orientation(image) in _LYING else (height, width)


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
        with _regular(path) as file:
            head = file.read(2)
            return plain_pixels(head + file.read(), most=MOST_PIXELS) if head == b"\xff\xd8" else None
    except (OSError, MemoryError, cv2.error):
        return None


@contextmanager
def opened_image(path: str | os.PathLike[str]) -> Iterator[tuple[Image.Image, IO[bytes]]]:
    """Open the header, refuse what is too large, and turn whatever fails inside into one DataError.

    Raises: DataError: naming the file and what is wrong with it.
    """
    with _regular(path) as file:
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
            raise DataError(f"is a damaged image: {_reason(error)}", where=path, hint=_AGAIN) from None


def _regular(path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a regular file of at least one byte; a pipe would block, a folder would raise something else."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
            raise DataError(f"is {kind}, not an image file", where=path)
        if status.st_size == 0:
            raise DataError("is empty: 0 bytes", where=path)
        return open(path, "rb")
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {_reason(error)}", where=path) from None


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


def _rgb(image: Image.Image) -> np.ndarray:
    if image.mode == "RGB":
        return np.array(image)
    if image.mode.startswith("I"):  # 16 bits; Pillow's own conversion would cut everything above 255
        grey = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    through = image.convert("RGBA") if image.mode in ("P", "PA") else image
    return np.array(through.convert("RGB"))


def _not_an_image(file: IO[bytes]) -> str:
    file.seek(0)
    head = file.read(16)
    text = head.decode("utf-8", errors="ignore")
    if len(text) > len(head) // 2 and all(c.isprintable() or c.isspace() for c in text):
        return f"is not an image: it begins with '{quoted(text)}...'"
    return f"is not an image we read: it begins with {repr(head[:8])[1:]}"


def _reason(error: BaseException) -> str:
    return quoted(getattr(error, "strerror", None) or error or type(error).__name__)
