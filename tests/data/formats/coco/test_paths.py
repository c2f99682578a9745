"""Oracle: one COCO folder, and file names as other machines and tools write them. Kind: story."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from darknet_py.data.formats.coco.folder import CocoFolder
from darknet_py.errors import DataError

STORED, LISTED = (unicodedata.normalize(form, "caf\u00e9.png") for form in ("NFD", "NFC"))


def coco(root: Path, name: str, *files: str) -> CocoFolder:
    """Open a folder with these files, and one image of this name."""
    for file in files:
        (root / "val2017" / file).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), "white").save(root / "val2017" / file, "PNG")
    content = {
        "images": [{"id": 3, "width": 40, "height": 30, "file_name": name}],
        "annotations": [
            {"id": 1, "image_id": 3, "category_id": 1, "bbox": [1, 2, 10, 5], "area": 50, "iscrowd": 0}
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    (root / "annotations").mkdir()
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(content), encoding="utf-8")
    return CocoFolder(root, split="val")


FOUND = [  # file_name, the file, and how often it is counted
    ("a.png", "a.png", 0),
    ("./a.png", "a.png", 0),
    ("x/../a.png", "a.png", 0),
    ("in//a.png", "in/a.png", 0),
    ("/content/data/val2017/a.png", "a.png", 1),
    ("val2017/a.png", "a.png", 0),
    ("images/val2017/a.png", "a.png", 1),
    ("C:\\Users\\ann\\val2017\\a.png", "a.png", 1),
    ("in\\a.png", "in/a.png", 1),
    ("A.PNG", "a.png", 1),
    (LISTED, STORED, 1),
    (STORED, LISTED, 1),
]


@pytest.mark.parametrize(("name", "file", "count"), FOUND)
def test_an_image_is_found_by_a_name_of_another_machine(
    tmp_path: Path, name: str, file: str, count: int
) -> None:
    data = coco(tmp_path, name, file)
    assert data.path(0) == tmp_path / "val2017" / file
    assert data.record(0).name == name
    assert sum(data.adjusted.values()) == count
    assert (data.pixels(0) == 255).all()


def test_a_file_outside_of_the_folder_is_not_read_though_it_exists(tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere" / "val2017" / "a.png"
    outside.parent.mkdir(parents=True)
    Image.new("RGB", (40, 30), "black").save(outside)
    data = coco(tmp_path, str(outside), "a.png")
    assert data.path(0) == tmp_path / "val2017" / "a.png"


@pytest.mark.parametrize("name", ["/content/train2017/b.png", "../a.png", "/content/val2017/a.jpg"])
def test_a_name_without_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="not a name inside the image folder"):
        coco(tmp_path, name, "a.png")


def test_an_image_of_another_split_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a name inside the image folder"):
        coco(tmp_path, "/content/train2017/a.png", "a.png")
