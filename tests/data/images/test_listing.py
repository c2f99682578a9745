"""Oracle: folders made by hand. Kind: story."""

from __future__ import annotations

from pathlib import Path

import pytest

from darknet_py.data.images.listing import image_files, is_hidden, is_image_name, list_images, passed_over
from darknet_py.errors import DataError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_image_files_are_listed_by_suffix_in_order(tmp_path: Path) -> None:
    touch(tmp_path, "b.JPG", "a.png", "notes.txt", "c.webp")
    assert [path.name for path in image_files(tmp_path)] == ["a.png", "b.JPG", "c.webp"]


def test_D20_a_folder_without_images_is_refused_and_its_files_are_counted(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt", "a.heic", "b.HEIC")
    with pytest.raises(DataError, match=r"holds no image: 2 \.heic, 1 \.txt, and none ending in \.jpg"):
        image_files(tmp_path)


@pytest.mark.parametrize("name", ["._a.jpg", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX", ".git"])
def test_hidden_files_are_no_images(name: str) -> None:
    assert is_hidden(name)
    assert not is_image_name(name)


@pytest.mark.parametrize(
    "name", ["a.tif", "a.TIFF", "a.webp", "a.jfif", "a.JPE", "a.bmp", "a.gif", "a.PNG", "a.pgm", "a.jp2"]
)
def test_formats_that_pillow_reads_are_images(name: str) -> None:
    assert is_image_name(name)


def test_a_folder_is_listed_with_those_inside_but_no_hidden_ones(tmp_path: Path) -> None:
    touch(
        tmp_path, "a.jpg", "in/b.tif", ".cache/c.jpg", "__MACOSX/._a.jpg", "in/._b.tif", "d.heic", "in/e.svg"
    )
    listing = list_images(tmp_path, inside=True)
    assert [path.relative_to(tmp_path).as_posix() for path in listing.images] == ["a.jpg", "in/b.tif"]
    assert listing.unread == {
        "image of a format that is not read (.heic)": 1,
        "image of a format that is not read (.svg)": 1,
    }
    assert [path.name for path in list_images(tmp_path).images] == ["a.jpg"]


def test_what_a_folder_has_besides_images_is_told_with_counts(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.heic", "c.heic", "README", ".DS_Store")
    told = "3 files are no image and are passed over: 2 .heic, 1 without an ending"
    assert passed_over(tmp_path) == f"{tmp_path}: {told}"
    touch(tmp_path / "clean", "a.jpg", "Thumbs.db")
    assert passed_over(tmp_path / "clean") == ""
