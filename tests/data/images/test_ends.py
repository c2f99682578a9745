"""Reference: whether Pillow decodes a file that is cut at every place. Story: what may follow an end."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darknet_py.data.images.ends import TAIL, is_complete
from darknet_py.data.images.read import read_image
from darknet_py.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 31, 3), np.uint8)
KINDS = {
    "JPEG": {"quality": 80},
    "JPEG, progressive": {"progressive": True},
    "PNG": {},
    "WEBP": {"lossless": True},
    "BMP": {},
}


def encoded(kind: str, **settings: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, kind, **settings)
    return file.getvalue()


def complete(data: bytes, kind: str) -> bool:
    return is_complete(io.BytesIO(data), kind)


@pytest.mark.parametrize("name", KINDS)
def test_a_file_is_complete_and_cut_anywhere_it_is_not(name: str) -> None:
    kind = name.split(",")[0]
    data = encoded(kind, **KINDS[name])
    assert complete(data, kind)
    cuts = {*range(0, len(data), max(1, len(data) // 60)), *range(len(data) - 12, len(data))}
    assert [cut for cut in cuts if complete(data[:cut], kind)] == []


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("behind", [b"\0", b"\r\n", b"garbage" * 1000], ids=["NUL", "CR LF", "7 kB"])
def test_what_follows_the_end_does_no_harm(name: str, behind: bytes, tmp_path: Path) -> None:
    kind = name.split(",")[0]
    data = encoded(kind, **KINDS[name]) + behind
    (tmp_path / "a").write_bytes(data)
    assert read_image(tmp_path / "a").shape == PIXELS.shape, "decoders read none of it"
    assert complete(data, kind)


def test_the_end_of_a_thumbnail_is_not_that_of_the_image() -> None:
    thumbnail = b"Exif\0\0" + encoded("JPEG", quality=5)
    data = encoded("JPEG", exif=thumbnail)
    start = data.index(thumbnail)
    assert complete(data, "JPEG")
    assert not complete(data[:-1], "JPEG")
    assert not complete(data[: start + len(thumbnail)], "JPEG"), "ends in the thumbnail's EOI"


def test_an_end_far_before_the_last_byte_is_left_to_the_decoder() -> None:
    assert not complete(encoded("JPEG") + bytes(TAIL), "JPEG")


def test_formats_without_a_rule_are_left_to_the_decoder() -> None:
    for kind in ("PPM", "GIF", "TIFF"):
        assert not complete(encoded(kind), kind)


def test_fill_bytes_and_markers_without_a_length_stand_before_a_scan(tmp_path: Path) -> None:
    data = encoded("JPEG")
    padded = data[:2] + b"\xff" * 5 + data[2:]
    (tmp_path / "a.jpg").write_bytes(padded)
    assert read_image(tmp_path / "a.jpg").shape == PIXELS.shape
    assert complete(padded, "JPEG")
    assert complete(data[:2] + b"\xff\x01" + data[2:], "JPEG")


def test_a_png_without_its_end_is_refused_by_the_decoder_too(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG")[:-12])
    with pytest.raises(DataError, match="damaged"):
        read_image(tmp_path / "a.png")
