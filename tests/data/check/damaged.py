"""Small data sets without damage, in every layout, for tests that damage them in one way."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from PIL import Image

Content = dict[str, Any]


def noise(seed: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
    """An RGB image that no other seed gives."""
    draw = random.Random(seed)
    return Image.frombytes("RGB", size, draw.randbytes(3 * size[0] * size[1]))


def put(path: Path, content: bytes | str | Image.Image) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, Image.Image):
        content.save(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def coco_content(split: str) -> Content:
    """Two images, three boxes, two categories; each row of the lists stands on a line of its own."""
    return {
        "images": [
            {"id": 7, "file_name": f"{split}-a.png", "width": 40, "height": 30},
            {"id": 3, "file_name": f"{split}-b.png", "width": 40, "height": 30},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 9, "bbox": [1, 2, 10, 5], "area": 50, "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 2, "bbox": [0, 0, 4, 4], "area": 16, "iscrowd": 1},
            {"id": 3, "image_id": 3, "category_id": 2, "bbox": [20, 10, 20, 20], "area": 400, "iscrowd": 0},
        ],
        "categories": [{"id": 9, "name": "dog"}, {"id": 2, "name": "cat"}],
    }


def as_text(content: Content) -> str:
    """JSON with a line for each row: `images` begins in line 2, its rows in line 3."""
    parts = []
    for key, rows in content.items():
        lines = ",\n".join(json.dumps(row) for row in rows) if isinstance(rows, list) else json.dumps(rows)
        parts.append(f'"{key}": [\n{lines}\n]' if isinstance(rows, list) else f'"{key}": {lines}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def coco(root: Path) -> Path:
    """A COCO folder without damage."""
    for number, split in enumerate(("train", "val")):
        put(root / "annotations" / f"instances_{split}.json", as_text(coco_content(split)))
        for at, name in enumerate("ab"):
            put(root / split / f"{split}-{name}.png", noise(10 * number + at))
    return root


def annotations(root: Path, split: str = "train") -> Path:
    return root / "annotations" / f"instances_{split}.json"


LABELS = "0 0.5 0.5 0.5 0.25\n1 0.25 0.75 0.1 0.1\n"


def darknet(root: Path) -> Path:
    """A `.data` file with lists of absolute paths, without damage."""
    for number, split in enumerate(("train", "val")):
        for at, name in enumerate("ab"):
            put(root / split / f"{name}.png", noise(10 * number + at))
            put(root / split / f"{name}.txt", LABELS)
        put(root / f"{split}.txt", "".join(f"{root}/{split}/{name}.png\n" for name in "ab"))
    put(root / "obj.names", "cat\ndog\n")
    text = f"classes = 2\ntrain = {root}/train.txt\nvalid = {root}/val.txt\nnames = {root}/obj.names\n"
    return put(root / "obj.data", text)


def classifier(root: Path) -> Path:
    """A classifier's `.data` file, without damage."""
    for number, split in enumerate(("train", "val")):
        for at, name in enumerate(("cat", "dog")):
            put(root / split / f"{name}.png", noise(10 * number + at))
        put(root / f"{split}.txt", "".join(f"{root}/{split}/{name}.png\n" for name in ("cat", "dog")))
    put(root / "words.txt", "cat\ndog\n")
    text = f"classes = 2\ntrain = {root}/train.txt\nvalid = {root}/val.txt\nlabels = {root}/words.txt\n"
    return put(root / "obj.data", text)


def yolo(root: Path) -> Path:
    """A YOLO folder without damage."""
    for number, split in enumerate(("train", "val")):
        for at, name in enumerate("ab"):
            put(root / "images" / split / f"{name}.png", noise(10 * number + at))
            put(root / "labels" / split / f"{name}.txt", LABELS)
    put(root / "classes.txt", "cat\ndog\n")
    return root


def class_folders(root: Path) -> Path:
    """Folders of classes without damage."""
    for number, split in enumerate(("train", "val")):
        for at, name in enumerate(("cat", "dog")):
            put(root / split / name / "a.png", noise(10 * number + at))
    return root


VOC = """<annotation>
  <filename>{name}.png</filename>
  <size><width>40</width><height>30</height><depth>3</depth></size>
  <object>
    <name>dog</name><difficult>0</difficult>
    <bndbox><xmin>1</xmin><ymin>3</ymin><xmax>10</xmax><ymax>30</ymax></bndbox>
  </object>
  <object>
    <name>cat</name><difficult>1</difficult>
    <bndbox><xmin>21</xmin><ymin>1</ymin><xmax>40</xmax><ymax>30</ymax></bndbox>
  </object>
</annotation>
"""


def voc(root: Path) -> Path:
    """A VOC folder without damage."""
    for number, (split, name) in enumerate((("train", "a"), ("train", "b"), ("val", "c"))):
        put(root / "JPEGImages" / f"{name}.png", noise(number))
        put(root / "Annotations" / f"{name}.xml", VOC.format(name=name))
        file = root / "ImageSets" / "Main" / f"{split}.txt"
        put(file, (file.read_text() if file.exists() else "") + f"{name}\n")
    return root
