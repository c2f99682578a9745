"""One image file: what its header and its pixels say of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from darknet_py.data.images.read import FORMATS, MOST_PIXELS, image_size, read_image
from darknet_py.errors import DataError

SUFFIXES_OF = {
    "JPEG": (".jpg", ".jpeg"),
    "MPO": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "PPM": (".ppm", ".pgm"),
}
MODES = {
    "1": "image-grey", "L": "image-grey", "LA": "image-grey", "La": "image-grey",
    "P": "image-palette", "PA": "image-palette", "RGBA": "image-alpha", "RGBa": "image-alpha",
    "CMYK": "image-cmyk",
}  # fmt: skip
THIN_PX, THIN_RATIO = 8, 20
_ORIENTATION = 0x0112
_DEPTH_AT = 24  # of the bits a channel in a PNG's header; Pillow does not tell them


@dataclass(frozen=True)
class Picture:
    """What was found in an image: code and message of each damage, the upright size, a digest."""

    damages: tuple[tuple[str, str], ...]
    size: tuple[int, int] | None = None
    digest: str = ""


def look_at(path: Path) -> Picture:
    """Read and decode one image file that exists."""
    if not path.is_file():
        return Picture((("not-a-file", "is a folder, a pipe or a device, not an image"),))
    try:
        size = path.stat().st_size
        if size == 0:
            return Picture((("image-empty", "has 0 bytes"),))
        digest = _digest(path)
        grave, odd = _header(path)
        if not grave:
            height, width = image_size(path)
            read_image(path)
            return Picture(tuple(odd + _shape(width, height)), (width, height), digest)
    except DataError as error:
        return Picture((("image-damaged", error.message),), digest=digest)
    except OSError as error:
        return Picture((("unreadable", f"cannot be read: {error.strerror}"),))
    return Picture((grave,), digest=digest)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _header(path: Path) -> tuple[tuple[str, str] | None, list[tuple[str, str]]]:
    """What forbids to decode the file, and what is odd about it."""
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
    odd = []
    suffix, kind = path.suffix.lower(), str(image.format)
    if suffix not in SUFFIXES_OF.get(kind, (suffix,)):
        odd.append(("wrong-extension", f"is a {kind}, and is called {suffix or 'nothing'}"))
    if _is_deep(path, image):
        odd.append(("image-16-bit", f"has 16 bits a channel, mode {image.mode}"))
    elif image.mode in MODES:
        odd.append((MODES[image.mode], f"is of mode {image.mode}"))
    if image.mode in ("LA", "La", "PA"):
        odd.append(("image-alpha", f"is of mode {image.mode}"))
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        odd.append(("image-frames", f"has {frames} frames"))
    orientation = _orientation(image)
    if orientation in range(2, 9):
        odd.append(("exif-rotated", f"is turned upright by EXIF orientation {orientation}"))
    return odd


def _is_deep(path: Path, image: Image.Image) -> bool:
    if image.format != "PNG":
        return image.mode.startswith("I")
    with path.open("rb") as file:
        return file.read(_DEPTH_AT + 1)[-1] == 16


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block says nothing of the pixels
        return 1


def _shape(width: int, height: int) -> list[tuple[str, str]]:
    short, long = sorted((width, height))
    if short < THIN_PX or long >= THIN_RATIO * short:
        return [("image-thin", f"is {width} x {height} pixels")]
    return []
