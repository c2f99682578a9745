"""Oracle: small YOLO folders written by hand, and the same data as Darknet's lists. Kind: story, parity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from darknet_py.data.formats.darknet.yolo_folder import YoloFolder
from darknet_py.data.formats.registry import open_data
from darknet_py.errors import DataError
from tests.data.check.damaged import LABELS, darknet, noise, put, yolo


def test_a_folder_says_what_darknets_lists_say(tmp_path: Path) -> None:
    folder = open_data(str(yolo(tmp_path / "yolo")), split="val")
    lists = open_data(str(darknet(tmp_path / "lists")), split="val")
    assert isinstance(folder, YoloFolder)
    assert (folder.names, folder.category_ids) == (("cat", "dog"), (1, 2))
    for index in range(2):
        mine, theirs = folder.record(index), lists.record(index)
        np.testing.assert_array_equal(mine.boxes_xywh, theirs.boxes_xywh)
        np.testing.assert_array_equal(mine.labels, theirs.labels)
        np.testing.assert_array_equal(folder.pixels(index), lists.pixels(index))
    assert folder.record(0).name == "images/val/a.png"


def test_the_other_order_of_folders_is_read(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        put(tmp_path / split / "images" / "a.png", noise(1))
        put(tmp_path / split / "labels" / "a.txt", LABELS)
    put(tmp_path / "pets.names", "cat\ndog\n")
    data = open_data(str(tmp_path), split="val")
    assert data.record(0).name == "valid/images/a.png"
    assert len(data.record(0).labels) == 2


REFUSED = [
    ("classes.txt", None, "one file of class names was expected, found none"),
    ("classes.txt", "cat\n\ndog\n", "classes.txt:2:1: error: is blank"),
    ("labels/train/a.txt", "7 .5 .5 .1 .1\n", "a.txt:1:1: class 7 is not one of the 2, 0 to 1"),
]


@pytest.mark.parametrize(("name", "text", "told"), REFUSED)
def test_what_cannot_be_used_is_refused(tmp_path: Path, name: str, text: str | None, told: str) -> None:
    root = yolo(tmp_path)
    (root / name).unlink()
    if text is not None:
        put(root / name, text)
    with pytest.raises(DataError) as caught:
        open_data(str(root), split="train")
    assert told in str(caught.value)


def test_a_split_that_is_not_there_is_refused(tmp_path: Path) -> None:
    root = yolo(tmp_path)
    (root / "images" / "val").rename(root / "images" / "dev")
    with pytest.raises(DataError, match="has no split `val`; it has train"):
        open_data(str(root), split="val")
    with pytest.raises(DataError, match="has no split `test`"):
        open_data(str(root), split="test")


def test_two_files_of_names_are_refused(tmp_path: Path) -> None:
    root = yolo(tmp_path)
    (root / "classes.txt").rename(root / "a.names")
    put(root / "b.names", "x\n")
    with pytest.raises(DataError, match=r"found a\.names, b\.names"):
        open_data(str(root), split="train")
