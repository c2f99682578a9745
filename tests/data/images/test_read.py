"""Oracle: arrays written by Pillow and read back; damage made by hand. Kind: story and reference."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darknet_py.data.images.read import FORMATS, image_size, read_image, require_files
from darknet_py.errors import DataError


def ramp(height: int = 20, width: int = 30) -> np.ndarray:
    """Three channels that rise in different directions, so that turns and swaps show."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 12, columns * 8, (rows + columns) * 5], axis=2).astype(np.uint8)


def encoded(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(ramp(60, 90) if kind == "WEBP" else ramp()).save(buffer, kind, **options)
    return buffer.getvalue()


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def complaint(path: str | os.PathLike[str]) -> str:
    with pytest.raises(DataError) as caught:
        read_image(path)
    return str(caught.value)


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM"])
def test_a_lossless_file_is_read_as_it_was_written(tmp_path: Path, kind: str) -> None:
    pixels = read_image(written(tmp_path / "a.img", encoded(kind)))
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    np.testing.assert_array_equal(pixels, ramp())


CUTS = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("PNG", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("BMP", {}),
    ("PPM", {}),
]


@pytest.mark.parametrize(("kind", "options"), CUTS)
def test_D10_a_truncated_jpeg_png_or_webp_is_refused_wherever_it_is_cut(
    tmp_path: Path, kind: str, options: dict[str, object]
) -> None:
    whole = encoded(kind, **options)
    read_image(written(tmp_path / "whole.jpg", whole))
    for percent in range(10, 100):
        cut = written(tmp_path / "cut.jpg", whole[: min(len(whole) * percent // 100, len(whole) - 3)])
        assert complaint(cut).startswith(f"{cut}: error: is "), percent


def test_D10_a_png_that_lacks_only_its_last_chunk_is_refused(tmp_path: Path) -> None:
    cut = written(tmp_path / "cut.png", encoded("PNG")[:-1])
    assert complaint(cut) == (
        f"{cut}: error: is a damaged image: the PNG ends before its IEND\n   = fetch or export it again"
    )


@pytest.mark.parametrize("side", [8001, 10_000, 20_000, 60_000])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_D11_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    path = written(tmp_path / "bomb.png", bomb(side, side))
    assert complaint(path).startswith(f"{path}: error: is too large: ")
    assert complaint(path).endswith("\n   = at most 64 million pixels are read; scale it down")


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("1", "png"), ("L", "png"), ("LA", "png"), ("L", "jpg"), ("L", "webp"), ("1", "bmp"), ("L", "ppm")],
)
def test_D12_grey_becomes_three_equal_channels(tmp_path: Path, mode: str, suffix: str) -> None:
    grey = Image.fromarray(ramp()).convert(mode)
    grey.save(tmp_path / f"a.{suffix}", quality=95)
    pixels = read_image(tmp_path / f"a.{suffix}").astype(int)
    assert pixels.shape == (20, 30, 3)
    assert np.ptp(pixels, axis=2).max() <= (2 if suffix == "webp" else 0)
    assert np.abs(pixels[:, :, 0] - np.asarray(grey.convert("L"))).max() <= 6


def test_D12_alpha_is_left_out_and_its_colours_stay(tmp_path: Path) -> None:
    layered = np.dstack([ramp(), np.zeros((20, 30), dtype=np.uint8)])
    Image.fromarray(layered).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), ramp())


@pytest.mark.parametrize("transparency", [None, 0, bytes(100)])
def test_D12_a_palette_is_looked_up(tmp_path: Path, transparency: object) -> None:
    palette = Image.fromarray(ramp()).convert("P")
    options = {} if transparency is None else {"transparency": transparency}
    palette.save(tmp_path / "a.png", **options)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.asarray(palette.convert("RGB")))


def test_D12_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.fromarray(ramp()).convert("CMYK").save(tmp_path / "a.jpg", quality=98)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - ramp()).mean() < 4


@pytest.mark.parametrize("suffix", ["png", "pgm"])
def test_D12_sixteen_bits_become_their_upper_eight(tmp_path: Path, suffix: str) -> None:
    deep = (np.arange(600).reshape(20, 30) * 109).astype(np.uint16)
    if suffix == "png":
        Image.fromarray(deep).save(tmp_path / "a.png")
    else:
        written(tmp_path / "a.pgm", b"P5 30 20 65535\n" + deep.astype(">u2").tobytes())
    np.testing.assert_array_equal(read_image(tmp_path / f"a.{suffix}")[:, :, 1], deep >> 8)


def test_D12_text_that_is_called_jpg_is_quoted(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jpg", b"hello")
    assert complaint(path) == (
        f"{path}: error: is not an image: it begins with 'hello...'\n"
        f"   = read are {', '.join(FORMATS)} of 8 or 16 bits"
    )


def test_D12_an_icon_that_is_called_jpg_is_refused_by_its_content(tmp_path: Path) -> None:
    Image.fromarray(ramp()).save(tmp_path / "a.ico")
    path = (tmp_path / "a.ico").rename(tmp_path / "a.jpg")
    assert complaint(path).startswith(f"{path}: error: is not an image we read: it begins with '\\x00\\x00")


def test_D12_a_jpeg_that_is_called_png_is_read_by_its_content(tmp_path: Path) -> None:
    assert read_image(written(tmp_path / "a.png", encoded("JPEG"))).shape == (20, 30, 3)


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_D13_the_exif_orientation_is_applied_to_pixels_and_size(
    tmp_path: Path, orientation: int, kind: str
) -> None:
    upright = np.zeros((20, 30, 3), dtype=np.uint8)
    upright[:8, :8] = 255  # a white corner, top left
    upright[:8, -8:] = 120  # a grey one, top right
    stored = {  # EXIF 2.3, tag 274: where row 0 and column 0 of the stored array are in the scene
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{kind}"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, quality=95)
    assert image_size(path) == (20, 30)
    assert np.abs(read_image(path).astype(int) - upright).mean() < 3


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_D13_an_unknown_orientation_turns_nothing(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(ramp()).save(tmp_path / "a.jpg", exif=exif)
    assert image_size(tmp_path / "a.jpg") == read_image(tmp_path / "a.jpg").shape[:2] == (20, 30)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_D13_a_damaged_exif_block_turns_nothing(tmp_path: Path) -> None:
    Image.fromarray(ramp()).save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*junk")
    assert read_image(tmp_path / "a.jpg").shape == (20, 30, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1)])
def test_D15_extreme_sizes_are_read(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.fromarray(np.full((*size, 3), 7, dtype=np.uint8)).save(tmp_path / "a.png")
    assert image_size(tmp_path / "a.png") == size
    assert read_image(tmp_path / "a.png").shape == (*size, 3)


def test_D09_missing_empty_folder_and_pipe_are_told_apart(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    written(tmp_path / "empty.jpg", b"")
    told = {
        "none.jpg": "cannot be read: No such file or directory",
        "": "is a folder, not an image file",
        "pipe.jpg": "is a pipe or a device, not an image file",
        "empty.jpg": "is empty: 0 bytes",
    }
    for name, reason in told.items():
        assert complaint(tmp_path / name) == f"{tmp_path / name}: error: {reason}"


def test_D09_missing_files_are_counted_and_the_first_three_named(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(6)]
    written(paths[0], b"x")
    with pytest.raises(DataError) as caught:
        require_files(paths, where="list.txt")
    names = ", ".join(f"`{path}`" for path in paths[1:4])
    assert str(caught.value) == f"list.txt: error: 5 of 6 images are missing: {names} and 2 more"


def test_a_name_with_a_nul_is_one_data_error() -> None:
    assert complaint("a\0b.jpg") == "a\\x00b.jpg: error: cannot be read: embedded null byte"


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ppm", b"Pf\n2 1\n-1.0\n" + bytes(8))
    assert "holds floating-point pixels" in complaint(path)


def test_the_size_is_read_without_the_pixels(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jpg", encoded("JPEG")[:-20])
    assert image_size(path) == (20, 30)
    assert "truncated" in complaint(path)


def test_a_tiff_of_any_compression_is_read(tmp_path: Path) -> None:
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        Image.fromarray(ramp()).save(tmp_path / "a.tif", compression=compression)
        np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), ramp())


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP"])
def test_of_several_frames_the_first_is_read(tmp_path: Path, kind: str) -> None:
    first, second = (Image.new("RGB", (30, 20), colour) for colour in ("red", "blue"))
    options = {"lossless": True} if kind == "WEBP" else {}
    first.save(tmp_path / "a.img", kind, save_all=True, append_images=[second], **options)
    np.testing.assert_array_equal(read_image(tmp_path / "a.img")[5, 5], [255, 0, 0])
    assert image_size(tmp_path / "a.img") == (20, 30)


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "CMYK", "LA"])
def test_a_tiff_of_any_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    Image.new("RGB", (30, 20), "white").convert(mode).save(tmp_path / "a.tif")
    pixels = read_image(tmp_path / "a.tif")
    assert pixels.shape == (20, 30, 3)
    assert (pixels == 255).all()


def test_of_16_bits_in_a_tiff_the_upper_8_are_read(tmp_path: Path) -> None:
    deep = np.arange(600, dtype=np.uint16).reshape(20, 30) * 100
    Image.fromarray(deep).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[:, :, 1], deep >> 8)


def test_floating_point_in_a_tiff_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    assert "holds floating-point pixels" in complaint(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", ["JPEG2000", "AVIF"])
def test_newer_formats_of_pillow_are_read(tmp_path: Path, kind: str) -> None:
    if kind not in FORMATS:
        pytest.skip(f"this Pillow does not read {kind}")
    Image.new("RGB", (30, 20), (200, 100, 50)).save(tmp_path / "a.img", kind)
    assert np.abs(read_image(tmp_path / "a.img")[5, 5].astype(int) - (200, 100, 50)).max() <= 3
