"""Parity. Oracle: Pillow, on JPEG files of every kind, whole and damaged."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image

from darknet_py.data.images.plain_jpeg import plain_pixels
from tests.paths import SHARED

COCO = SHARED / "data" / "coco-mini"
MOST = 10**7


def picture(height: int = 60, width: int = 83) -> Image.Image:
    rows, columns = np.mgrid[:height, :width]
    waves = [128 + 60 * np.sin(rows / (5 + k)) + 50 * np.cos(columns / (4 + k) + k) for k in range(3)]
    noise = np.random.default_rng(0).normal(0, 12, (height, width, 3))
    return Image.fromarray((np.stack(waves, axis=-1) + noise).clip(0, 255).astype(np.uint8))


def encoded(mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture().convert(mode).save(buffer, "JPEG", quality=85, **options)
    return buffer.getvalue()


PLAIN = {
    "4:4:4": encoded(subsampling=0),
    "4:2:2": encoded(subsampling=1),
    "4:2:0": encoded(subsampling=2),
    "restarts": encoded(restart_marker_blocks=3),
    "restarts, 4:4:4": encoded(restart_marker_blocks=1, subsampling=0),
    "RGB": encoded(keep_rgb=True),
    "optimised": encoded(optimize=True),
}
exif = Image.Exif()
exif[0x0112] = 6
OTHERS = {
    "progressive": encoded(progressive=True),
    "grey": encoded("L"),
    "CMYK": encoded("CMYK"),
    "to be turned": encoded(exif=exif),
    "cut": PLAIN["4:2:0"][:-40],
    "without its end": PLAIN["4:2:0"][:-2],
    "cut, and ended again": PLAIN["restarts"][:-300] + b"\xff\xd9\xff\xd9",
    "with more behind it": PLAIN["4:2:0"] + b"\0",
    "two in one": PLAIN["4:2:0"] * 2,
    "a marker among the pixels": PLAIN["4:2:0"][:-100] + b"\xff\xc4" + PLAIN["4:2:0"][-100:],
    "a header alone": PLAIN["4:2:0"][:20],
    "two bytes": b"\xff\xd8",
    "no JPEG": b"\x89PNG\r\n\x1a\n" + bytes(40),
}


def pillows(data: bytes) -> np.ndarray | None:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            return np.array(image)
    except Exception:  # it raises almost anything
        return None


@pytest.mark.parametrize("kind", PLAIN)
def test_plain_files_have_pillows_pixels(kind: str) -> None:
    found = plain_pixels(PLAIN[kind], most=MOST)
    assert found is not None
    np.testing.assert_array_equal(found, pillows(PLAIN[kind]))


@pytest.mark.parametrize("kind", OTHERS)
def test_other_files_are_left_to_pillow(kind: str) -> None:
    assert plain_pixels(OTHERS[kind], most=MOST) is None


def test_a_file_with_too_many_pixels_is_not_decoded() -> None:
    assert plain_pixels(PLAIN["4:2:0"], most=60 * 83) is not None
    assert plain_pixels(PLAIN["4:2:0"], most=60 * 83 - 1) is None


def damaged(draw: random.Random) -> bytes:
    """A file with bits turned over, bytes left out or put in, cut and ended, or with a marker in it."""
    data = bytearray(draw.choice(list(PLAIN.values())))
    at, kind = draw.randrange(2, len(data) - 2), draw.randrange(5)
    if kind == 0:
        for _ in range(draw.randrange(1, 4)):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    elif kind == 1:
        del data[at : at + draw.randrange(1, 200)]
    elif kind == 2:
        data[at:] = b"\xff\xd9"
    elif kind == 3:
        data[at:at] = draw.randbytes(draw.randrange(1, 20))
    else:
        data[at : at + 2] = bytes([255, draw.randrange(256)])
    return bytes(data)


def test_D10_a_damaged_file_gives_pillows_pixels_or_is_left_to_it() -> None:
    draw, decoded, refused = random.Random(3), 0, 0
    for _ in range(1500):
        data = damaged(draw)
        found, theirs = plain_pixels(data, most=MOST), pillows(data)
        refused += theirs is None
        if found is not None:
            decoded += 1
            np.testing.assert_array_equal(found, theirs)
    assert min(decoded, refused) > 100, "the draws show both"


@pytest.mark.skipif(not COCO.is_dir(), reason="no shared/data/coco-mini beside the checkout")
def test_photographs_have_pillows_pixels() -> None:
    files = sorted(COCO.glob("val2017/*.jpg"))
    plain = [data for path in files if plain_pixels(data := path.read_bytes(), most=MOST) is not None]
    assert len(plain) > 0.9 * len(files)
    for data in plain:
        np.testing.assert_array_equal(plain_pixels(data, most=MOST), pillows(data))
