"""The check of one image file: its header and its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from darknet_py.data.images.kinds import FORMATS, MOST_PIXELS, SUFFIXES_OF
from darknet_py.data.images.read import image_size, read_image
from darknet_py.errors import DataError
from darknet_py.files.digest import sha256_of

MODES = {
    "1": "image-grey", "L": "image-grey", "LA": "image-grey", "La": "image-grey",
    "P": "image-palette", "PA": "image-palette", "RGBA": "image-alpha", "RGBa": "image-alpha",
    "CMYK": "image-cmyk",
}  # fmt: skip
THIN_PX, THIN_RATIO = 8, 20
_ORIENTATION = 0x0112
_DEPTH_AT = 24  # of the bits a channel in a PNG's header; Pillow does not report it


@dataclass(frozen=True)
class ImageReport:
    """What was found in an image: code and message of each problem, the upright size, a digest."""

    problems: tuple[tuple[str, str], ...]
    size: tuple[int, int] | None = None
    digest: str = ""


def inspect_image(path: Path) -> ImageReport:
    """Read and decode one image file that exists."""
    if not path.is_file():
        return ImageReport((("not-a-file", "is a folder, a pipe or a device, not an image"),))
    try:
        size = path.stat().st_size
        if size == 0:
            return ImageReport((("image-empty", "has 0 bytes"),))
        digest = sha256_of(path)
        error, odd = _header(path)
        if not error:
            height, width = image_size(path)
            read_image(path)
            short, long = sorted((width, height))
            if short < THIN_PX or long >= THIN_RATIO * short:
                odd.append(("image-thin", f"is {width} x {height} pixels"))
            return ImageReport(tuple(odd), (width, height), digest)
    except DataError as failure:
        return ImageReport((("image-damaged", failure.message),), digest=digest)
    except OSError as failure:
        return ImageReport((("unreadable", f"cannot be read: {failure.strerror}"),))
    return ImageReport((error,), digest=digest)


def _header(path: Path) -> tuple[tuple[str, str] | None, list[tuple[str, str]]]:
    """Return the error that forbids decoding the file, and the warnings about its header."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                return ("image-too-large", f"has {width} x {height} pixels"), []
            if image.mode == "F":
                return ("image-float", "holds floating-point pixels"), []
            return None, _odd(path, image)
    except UnidentifiedImageError:
        head = path.open("rb").read(8)
        return ("not-an-image", f"is of no format that is read: it begins with {head!r}"), []
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return ("image-too-large", f"has more than {MOST_PIXELS} pixels"), []
    except Exception as error:  # decoders fail with almost anything
        return ("image-damaged", f"is a damaged image: {error}"), []


def _odd(path: Path, image: Image.Image) -> list[tuple[str, str]]:
    """Warnings about suffix, pixel mode, frames and orientation."""
    odd = []
    suffix, kind = path.suffix.lower(), str(image.format)
    usual = SUFFIXES_OF["JPEG" if kind == "MPO" else kind]  # an MPO is a JPEG with further ones behind it
    if suffix not in usual:
        odd.append(("wrong-extension", f"is a {kind}, and is called {suffix or 'nothing'}"))
    deep = image.mode.startswith("I")
    if image.format == "PNG":
        with path.open("rb") as file:
            deep = file.read(_DEPTH_AT + 1)[-1] == 16
    if deep:
        odd.append(("image-16-bit", f"has 16 bits a channel, mode {image.mode}"))
    elif image.mode in MODES:
        odd.append((MODES[image.mode], f"is of mode {image.mode}"))
    if image.mode in ("LA", "La", "PA"):
        odd.append(("image-alpha", f"is of mode {image.mode}"))
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        odd.append(("image-frames", f"has {frames} frames"))
    try:
        orientation = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # the pixels may be intact although the EXIF block is damaged
        orientation = 1
    if orientation in range(2, 9):
        odd.append(("exif-rotated", f"is turned upright by EXIF orientation {orientation}"))
    return odd
