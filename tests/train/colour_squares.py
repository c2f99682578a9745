"""Images of coloured squares in three layouts, and weights of one layer that find every square they can.

Each class has a colour. A truth without a square is never found, so that the AP of each class is another one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from darknet_py.model.api import load
from darknet_py.model.weights import save_weights

COLOURS = ("red", "green", "blue")
AP = {"red": 0.504950495049505, "green": 0.7524752475247525, "blue": 1.0}  # of 2, 4 and 4 boxes
SIDE, CELL = 32, 8
CFG = """[net]
width=32
height=32
channels=3
batch=2
learning_rate=0.0000001
max_batches=2
[convolutional]
filters=8
size=8
stride=8
activation=linear
[yolo]
mask=0
anchors=8,8
classes=3
num=1
"""
Content = dict[str, Any]
# of each image: colour, column and row of its cell, and whether the square is there
SQUARES = (
    (("red", 0, 0, True), ("green", 2, 1, True), ("blue", 3, 3, True), ("green", 0, 3, False)),
    (("red", 1, 2, False), ("green", 0, 1, True), ("blue", 2, 2, True)),
    (("green", 3, 0, True), ("blue", 1, 1, True), ("blue", 0, 2, True)),
)


def detector(root: Path, names: Sequence[str] | None = COLOURS) -> list[object]:
    """Write a cfg and its weights, and class names next to them: the options of a command."""
    (root / "net.cfg").write_text(CFG)
    network = load(root / "net.cfg")
    with torch.no_grad():
        convolution = next(module for module in network.modules() if isinstance(module, torch.nn.Conv2d))
        convolution.weight.zero_()
        assert convolution.bias is not None
        convolution.bias.zero_()
        convolution.bias[4:] = -10
        convolution.weight[4] = 20 / CELL**2
        for label in range(3):
            convolution.weight[5 + label, label] = 20 / CELL**2
    save_weights(network, root / "final.weights")
    if names is not None:
        (root / "final.names").write_text("".join(f"{name}\n" for name in names))
    return ["--cfg", root / "net.cfg", "--weights", root / "final.weights"]


def picture(squares: Sequence[tuple[str, int, int, bool]]) -> Image.Image:
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    for colour, x, y, there in squares:
        if there:
            cell = slice(y * CELL, (y + 1) * CELL), slice(x * CELL, (x + 1) * CELL)
            pixels[(*cell, COLOURS.index(colour))] = 255
    return Image.fromarray(pixels)


def coco_content(categories: dict[int, str]) -> Content:
    """The annotation file of a split; `categories` gives the names of the colours, which begin with them."""
    identity = {
        colour: key for key, name in categories.items() for colour in COLOURS if colour in name.casefold()
    }
    boxes = [(image, *square[:3]) for image, squares in enumerate(SQUARES) for square in squares]
    return {
        "images": [
            {"id": 10 + image, "file_name": f"{image}.png", "width": SIDE, "height": SIDE}
            for image in range(len(SQUARES))
        ],
        "annotations": [
            {
                "id": number,
                "image_id": 10 + image,
                "category_id": identity[colour],
                "bbox": [x * CELL, y * CELL, CELL, CELL],
                "area": CELL * CELL,
                "iscrowd": 0,
            }
            for number, (image, colour, x, y) in enumerate(boxes, start=1)
            if colour in identity
        ],
        "categories": [{"id": key, "name": name} for key, name in categories.items()],
    }


def coco(root: Path, *, train: dict[int, str], val: dict[int, str]) -> Path:
    """Write a COCO folder."""
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for split, categories in (("train", train), ("val", val)):
        (root / split).mkdir(exist_ok=True)
        for image, squares in enumerate(SQUARES):
            picture(squares).save(root / split / f"{image}.png")
        file = root / "annotations" / f"instances_{split}.json"
        file.write_text(json.dumps(coco_content(categories)))
    return root


def _label_text(squares: Sequence[tuple[str, int, int, bool]], names: Sequence[str]) -> str:
    cells = SIDE // CELL
    return "".join(
        f"{names.index(colour)} {(x + 0.5) / cells} {(y + 0.5) / cells} {1 / cells} {1 / cells}\n"
        for colour, x, y, _ in squares
    )


def yolo(root: Path, names: Sequence[str] = COLOURS) -> Path:
    """Write a YOLO folder whose classes are in the order of `names`."""
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True, exist_ok=True)
        for image, squares in enumerate(SQUARES):
            picture(squares).save(root / "images" / split / f"{image}.png")
            (root / "labels" / split / f"{image}.txt").write_text(_label_text(squares, names))
    (root / "classes.txt").write_text("".join(f"{name}\n" for name in names))
    return root


def darknet(root: Path, names: Sequence[str] = COLOURS) -> Path:
    """Write a `.data` file whose classes are in the order of `names`."""
    yolo(root, names)
    for split in ("train", "val"):
        lines = (f"{root}/images/{split}/{image}.png\n" for image in range(len(SQUARES)))
        (root / f"{split}.txt").write_text("".join(lines))
        for image in range(len(SQUARES)):
            text = (root / "labels" / split / f"{image}.txt").read_text()
            (root / "images" / split / f"{image}.txt").write_text(text)
    keys = (f"classes={len(names)}", f"train={root}/train.txt", f"valid={root}/val.txt")
    (root / "squares.data").write_text("\n".join((*keys, f"names={root}/classes.txt", "")))
    return root / "squares.data"
