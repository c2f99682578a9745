"""Oracle: folders that lack one thing, and what a person would say they are. Kind: story."""

from __future__ import annotations

from pathlib import Path

import pytest

from darknet_py.data.formats.closest import MOST_ENTRIES, look_at
from darknet_py.data.formats.registry import open_data
from darknet_py.errors import DataError
from tests.data.check.damaged import noise, put, yolo

FOLDERS = [
    (
        ("images/train/a.png", "classes.txt"),
        "looks like a YOLO folder: here is images/train (images/train), a file of class names (classes.txt, "
        "*.names, data.yaml) (classes.txt); missing is labels/train",
    ),
    (("train/images/a.png", "data.yaml"), "missing is train/labels"),
    (
        ("Annotations/a.xml",),
        "like a Pascal VOC folder: here is XML files (Annotations); missing is their images",
    ),
    (("annotations/notes.json", "img/a.png"), "missing is an annotation file of COCO"),
    (("a.png", "b.png"), "looks like images without annotations: here is images (.)"),
    (("train/_annotations.txt", "train/a.png"), "train/_annotations.txt is Roboflow's Keras text format"),
    (("train/_annotations.csv", "train/a.png"), "train/_annotations.csv is a table of boxes"),
    (("train/a.tfrecord",), "is in a format that is not read: train has .tfrecord: TFRecords"),
    ((), "is not a data set: found no folder, and no image or annotation file"),
]


@pytest.mark.parametrize(("files", "message"), FOLDERS)
def test_11_a_folder_that_nothing_reads_is_described(
    tmp_path: Path, files: tuple[str, ...], message: str
) -> None:
    for name in files:
        put(tmp_path / name, noise(1) if name.endswith(".png") else "names: [a]\n")
    with pytest.raises(DataError) as caught:
        open_data(str(tmp_path), split="train")
    assert message in caught.value.message


def test_11_a_data_set_inside_is_named(tmp_path: Path) -> None:
    yolo(tmp_path / "repo" / "pets")
    with pytest.raises(DataError, match="is not a data set, but one is inside") as caught:
        open_data(str(tmp_path / "repo"), split="train")
    assert caught.value.hint == f"give --data {tmp_path}/repo/pets"


def test_a_large_folder_is_not_listed_to_its_end(tmp_path: Path) -> None:
    for at in range(MOST_ENTRIES // 5 + 5):
        (tmp_path / f"{at}.bin").touch()
    assert sum(look_at(tmp_path).suffixes["."].values()) == MOST_ENTRIES // 5
