"""Oracle: folders that lack one thing, and what a person would say they are. Kind: story."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from darknet_py.data.formats.closest import MOST_ENTRIES, look_at
from darknet_py.data.formats.registry import open_data
from darknet_py.data.formats.voc.layouts import find_voc
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


def test_11_some_data_sets_inside_are_named_and_none_is_opened(tmp_path: Path) -> None:
    yolo(tmp_path / "repo" / "pets")
    (tmp_path / "repo" / "cells" / "Annotations").mkdir(parents=True)
    shutil.copytree(tmp_path / "repo" / "pets", tmp_path / "repo" / "birds")
    put(tmp_path / "repo" / "beans" / "train" / "_annotations.txt", "a.jpg 1,2,3,4,0\n")
    with pytest.raises(DataError, match="is not a data set, but some are inside") as caught:
        open_data(str(tmp_path / "repo"), split="train")
    assert caught.value.hint == f"give --data {tmp_path}/repo/birds or --data {tmp_path}/repo/pets"


def test_11_a_voc_tree_among_other_folders_is_not_taken_for_all(tmp_path: Path) -> None:
    for name in ("Annotations", "JPEGImages"):
        (tmp_path / "cells" / name).mkdir(parents=True)
    (tmp_path / "other").mkdir()
    put(tmp_path / "cells" / "JPEGImages" / "a.png", noise(1))
    put(tmp_path / "cells" / "Annotations" / "a.xml", "<annotation/>")
    assert find_voc(tmp_path) == {}
    assert len(find_voc(tmp_path / "cells")) == 1
    (tmp_path / "other").rmdir()
    assert len(find_voc(tmp_path)) == 1


def test_a_large_folder_is_not_listed_to_its_end(tmp_path: Path) -> None:
    for at in range(MOST_ENTRIES // 5 + 5):
        (tmp_path / f"{at}.bin").touch()
    assert sum(look_at(tmp_path).suffixes["."].values()) == MOST_ENTRIES // 5
