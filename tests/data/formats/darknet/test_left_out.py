"""Oracle: small data sets written by hand, some of it unusable, and counted by eye. Kind: story."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darknet_py.data.formats.darknet.image_lists import DarknetLists
from darknet_py.data.formats.registry import open_data

GOOD = "0 0.5 0.5 0.5 0.25\n1 0.25 0.75 0.1 0.1\n"


def image(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 20), "white").save(path)
    return path


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def lists(root: Path, *lines: str) -> DarknetLists:
    """Open lists of these lines; images and labels are there already."""
    written(root / "val.txt", "".join(f"{line}\n" for line in lines))
    written(root / "obj.names", "cat\ndog\n")
    file = written(root / "obj.data", "classes=2\ntrain=val.txt\nvalid=val.txt\nnames=obj.names\n")
    return DarknetLists(file, split="val")


def yolo(root: Path, *names: str) -> Path:
    """Write a folder of one split for both; every image has labels."""
    written(root / "classes.txt", "cat\ndog\n")
    for name in names:
        image(root / "images/train" / name)
        written((root / "labels/train" / name).with_suffix(".txt"), GOOD)
    for kind in ("images", "labels"):
        (root / kind / "val").symlink_to(root / kind / "train")
    return root


def test_formats_that_pillow_reads_are_part_of_a_folder(tmp_path: Path) -> None:
    names = ("a.jpg", "b.tif", "c.webp", "d.jfif", "e.bmp", "f.gif", "g.PNG", "h.TIFF", "i.jpe")
    data = open_data(str(yolo(tmp_path, *names)), split="train")
    assert [data.record(index).name for index in range(9)] == [f"images/train/{name}" for name in names]
    assert all((data.pixels(index) > 240).all() for index in range(9))
    assert (data.summary.boxes, data.summary.left_out) == (18, {})


def test_of_eight_images_five_in_a_format_that_is_not_read_are_counted(tmp_path: Path) -> None:
    root = yolo(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    for number in range(5):
        written(root / f"images/train/{number}.heic", "x")
        written(root / f"labels/train/{number}.txt", GOOD)
    written(root / "images/train/._a.jpg", "x")
    written(root / "labels/train/._a.txt", "x")
    summary = open_data(str(root), split="train").summary
    assert summary.lines("train") == [
        "train: 3 images, 6 boxes of 2 classes (3 each)",
        "  left out: 5 x image of a format that is not read (.heic)",
    ]


def test_of_twelve_images_ten_without_a_label_file_are_counted(tmp_path: Path) -> None:
    for number in range(12):
        image(tmp_path / f"{number}.jpg")
    for number in range(2):
        written(tmp_path / f"{number}.txt", GOOD)
    written(tmp_path / "99.txt", GOOD)
    written(tmp_path / "1.txt", f"{GOOD}0 0.5 0.5 0 0.1\n{GOOD}")
    summary = lists(tmp_path, *(f"{number}.jpg" for number in range(12))).summary
    assert summary.to_json() == {
        "images": 12,
        "boxes": 4,
        "boxes_per_class": {"cat": 2, "dog": 2},
        "crowd": 0,
        "images_without_boxes": 10,
        "left_out": {
            "image without a label file": 10,
            "no width or no height": 1,
            "line given twice": 2,
            "label file without an image": 1,
        },
        "adjusted": {},
        "notes": (),
    }


def test_labels_of_the_other_split_in_the_same_folder_are_not_without_an_image(tmp_path: Path) -> None:
    for name in ("a", "b"):
        image(tmp_path / f"{name}.jpg")
        written(tmp_path / f"{name}.txt", GOOD)
    assert lists(tmp_path, "a.jpg").dropped == {}


def test_a_line_that_names_a_hidden_file_is_left_out_and_counted(tmp_path: Path) -> None:
    written(image(tmp_path / "a.jpg").with_suffix(".txt"), GOOD)
    written(tmp_path / "._a.jpg", "x")
    data = lists(tmp_path, "a.jpg", "._a.jpg", "x\\Thumbs.db")
    assert (len(data), data.dropped) == (1, {"line that names a hidden file": 2})


def test_two_images_with_one_label_file_are_noted(tmp_path: Path) -> None:
    image(tmp_path / "a.jpg"), image(tmp_path / "a.png")
    written(tmp_path / "a.txt", GOOD)
    data = lists(tmp_path, "a.jpg", "a.png")
    assert data.summary.boxes == 4
    assert data.adjusted == {"two images with one label file, such as `a.jpg` and `a.png`": 1}


PATHS = [  # the line, and the labels
    ("/content/data/images/train/a.jpg", "labels/train/a.txt"),
    ("/content/data/images/train/a.jpg", "images/train/a.txt"),
    ("C:\\Users\\ann\\images\\train\\a.jpg", "labels/train/a.txt"),
    ("images\\train\\a.jpg", "labels/train/a.txt"),
    ("images/train/A.JPG", "labels/train/a.txt"),
    ("images/train/a.jpg", "labels/train/A.txt"),
    ("data/images/train/a.jpg", "labels/train/a.txt"),
]


@pytest.mark.parametrize(("line", "label"), PATHS)
def test_labels_follow_an_image_that_was_found_elsewhere(tmp_path: Path, line: str, label: str) -> None:
    root = tmp_path / "pets"
    image(root / "images/train/a.jpg")
    written(root / label, GOOD)
    data = lists(root, line)
    assert data.dropped == {}
    assert data.record(0).name == line
    np.testing.assert_array_equal(data.record(0).labels, [0, 1])
    assert list(data.adjusted.values()) == [1]


def test_labels_follow_a_name_in_another_unicode_form(tmp_path: Path) -> None:
    stored, listed = (unicodedata.normalize(form, "caf\u00e9") for form in ("NFD", "NFC"))
    image(tmp_path / f"{stored}.jpg")
    written(tmp_path / f"{listed}.txt", GOOD)
    data = lists(tmp_path, f"{listed}.jpg")
    assert data.summary.boxes == 2
    assert data.adjusted == {
        "name that differs from its file in case or Unicode form": 1,
        "label file that differs from its image in case or Unicode form": 1,
    }


def test_labels_of_another_image_whose_name_differs_in_case_are_not_taken(tmp_path: Path) -> None:
    image(tmp_path / "a.jpg"), image(tmp_path / "A.jpg")
    if len(list(tmp_path.glob("*.jpg"))) == 1:
        pytest.skip("this file system ignores case")
    written(tmp_path / "a.txt", GOOD)
    data = lists(tmp_path, "a.jpg", "A.jpg")
    assert data.dropped == {"image without a label file": 1}


def test_a_list_is_read_from_its_own_folder(tmp_path: Path) -> None:
    written(image(tmp_path / "data/obj/a.jpg").with_suffix(".txt"), GOOD)
    written(tmp_path / "data/val.txt", "obj/a.jpg\n")
    written(tmp_path / "cfg/obj.names", "cat\ndog\n")
    file = written(
        tmp_path / "cfg/obj.data",
        "classes=2\nvalid=../data/val.txt\ntrain=../data/val.txt\nnames=obj.names\n",
    )
    data = DarknetLists(file, split="val")
    assert (data.summary.boxes, data.adjusted) == (2, {})


def test_a_classifiers_images_are_found_by_the_ends_of_their_paths(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        image(tmp_path / f"train/{name}.jpg")
    written(tmp_path / "list.txt", "/content/train/cat.jpg\n/content/train/dog.jpg\n/content/._dog.jpg\n")
    written(tmp_path / "labels.txt", "cat\ndog\n")
    written(tmp_path / "x.data", "classes=2\ntrain=list.txt\nvalid=list.txt\nlabels=labels.txt\n")
    data = open_data(str(tmp_path / "x.data"), split="train")
    assert data.summary.boxes_per_class == {"cat": 1, "dog": 1}
    assert data.summary.left_out == {"line that names a hidden file": 1}
    reason = f"path of another machine or folder, found by its end under `{tmp_path}`"
    assert data.summary.adjusted == {reason: 2}


def test_class_folders_count_pictures_that_are_not_read(tmp_path: Path) -> None:
    for name in ("train/cat/a.tif", "train/dog/b.webp", "val/cat/c.gif", "val/dog/d.png"):
        image(tmp_path / name)
    for name in ("train/cat/a.heic", "train/dog/._b.webp", "train/dog/Thumbs.db", "train/.git/a.jpg"):
        written(tmp_path / name, "x")
    data = open_data(str(tmp_path), split="train")
    assert (len(data), data.names) == (2, ("cat", "dog"))
    assert data.summary.left_out == {"image of a format that is not read (.heic)": 1}


def test_scenes_are_not_drawn_to_be_counted() -> None:
    summary = open_data("scenes:train=10000", split="train").summary
    assert summary.lines("train") == ["train: 10,000 images"]
    assert summary.to_json()["boxes"] is None
