"""Oracle: rows as tools export them, next to the same rows as COCO and Darknet have them. Kind: story."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darknet_py.data.check.run import check
from darknet_py.data.formats.darknet.label_lines import LooseLines
from darknet_py.data.formats.registry import open_data
from darknet_py.errors import DataError
from tests.data.check.damaged import annotations, as_text, coco, coco_content, darknet, put

Row = dict[str, Any]


def exported(root: Path, **changes: Callable[[Row], Row]) -> str:
    """A COCO folder whose rows in train are changed, by table."""
    content = copy.deepcopy(coco_content("train"))
    for table, change in changes.items():
        content[table] = [change(row) for row in content[table]]
    put(annotations(coco(root)), as_text(content))
    return str(root)


def texts(row: Row) -> Row:
    return {key: str(value) if key == "id" or key.endswith("_id") else value for key, value in row.items()}


def set_to(**values: Any) -> Callable[[Row], Row]:
    return lambda row: {**row, **values}


def without(*keys: str) -> Callable[[Row], Row]:
    return lambda row: {key: value for key, value in row.items() if key not in keys}


def polygon(row: Row) -> Row:
    x, y, w, h = row["bbox"]
    points = [[x, y, x + w, y, x + w, y + h], [x, y + h, x, y, x + w, y + h]]
    return {**without("bbox")(row), "segmentation": points}


HARMLESS: list[tuple[str, dict[str, Callable[[Row], Row]], dict[str, int]]] = [
    ("iscrowd false", {"annotations": lambda row: {**row, "iscrowd": bool(row["iscrowd"])}},
     {"annotations.iscrowd like `false`, read as 0": 3}),
    ("iscrowd text", {"annotations": lambda row: {**row, "iscrowd": str(row["iscrowd"])}},
     {'annotations.iscrowd like `"0"`, read as 0': 3}),
    ("sizes 40.0", {"images": set_to(width=40.0, height=30.0)},
     {"images.width like `40.0`, read as 40": 2, "images.height like `30.0`, read as 30": 2}),
    ("sizes text", {"images": set_to(width="40")}, {'images.width like `"40"`, read as 40': 2}),
    ("area null", {"annotations": set_to(area=None)},
     {"annotations.area like none, read as the area of the box": 3}),
    ("area 0", {"annotations": set_to(area=0)}, {"annotations.area like 0, read as the area of the box": 3}),
    ("area 0.0", {"annotations": set_to(area=0.0)},
     {"annotations.area like 0, read as the area of the box": 3}),
    ("no area", {"annotations": without("area")},
     {"annotations.area like none, read as the area of the box": 3}),
    ("ids repeated", {"annotations": set_to(id=5)},
     {"annotations.id like 5, given before, numbered anew": 2}),
    ("no ids", {"annotations": without("id")}, {"annotations.id like none, numbered anew": 3}),
    ("ids of uuid", {"annotations": set_to(id="a-1")}, {'annotations.id like `"a-1"`, numbered anew': 3}),
    ("polygons alone", {"annotations": polygon},
     {"annotations.bbox like none, read as that of the polygons": 3}),
    ("ids text", {"images": texts, "annotations": texts, "categories": texts},
     {'images.id like `"7"`, read as 7': 2, 'categories.id like `"9"`, read as 9': 2,
      'annotations.image_id like `"7"`, read as 7': 3, 'annotations.category_id like `"9"`, read as 9': 3,
      'annotations.id like `"1"`, numbered anew': 3}),
    ("category_id text", {"annotations": lambda row: {**row, "category_id": str(row["category_id"])}},
     {'annotations.category_id like `"9"`, read as 9': 3}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "notes"), HARMLESS, ids=[case[0] for case in HARMLESS])
def test_11_a_harmless_row_of_coco_is_read_and_counted(
    tmp_path: Path, name: str, changes: dict[str, Callable[[Row], Row]], notes: dict[str, int]
) -> None:
    plain = open_data(str(coco(tmp_path / "plain")), split="train")
    spec = exported(tmp_path / "exported", **changes)
    data = open_data(spec, split="train")
    assert data.ground_truth() == plain.ground_truth()
    assert dict(data.adjusted) == notes
    found = [finding for finding in check(spec).all if finding.file == annotations(Path(spec))]
    assert {finding.severity for finding in found} == {"warning"}
    assert len(found) == len(notes)  # each kind once, not once a row


@pytest.mark.parametrize("points", ["0.1 0.2 0.5 0.2 0.5 0.6", "0.1 0.4 0.3 0.2 0.5 0.4 0.3 0.6"])
def test_11_polygons_and_oriented_boxes_of_yolo_become_boxes(tmp_path: Path, points: str) -> None:
    file = darknet(tmp_path)
    put(tmp_path / "train" / "a.txt", f"1 {points}\n0 0.5 0.5 0.5 0.25\n0 {points}\n")
    data = open_data(str(file), split="train")
    np.testing.assert_allclose(data.record(0).boxes_xywh[[0, 2]], [[4, 6, 16, 12]] * 2)
    assert data.record(0).labels.tolist() == [1, 0, 0]
    assert dict(data.adjusted) == {"a polygon or an oriented box, read as the box around it": 2}


@pytest.mark.parametrize(
    "points",
    [
        ".72 .72 .78 .72 .75 .8 .75 .72",  # x, y
        ".72 .72 0 0 .75 .8 .7 .79 .8 .8",  # one that is not known
        ".72 .72 2 .78 .72 1 0 0 0",  # x, y, visibility
        ".72 .72 2.0 .78 .72 1.0",
        "0 0 0 0 0 0",
    ],
)
def test_11_key_points_after_a_box_are_left_out(tmp_path: Path, points: str) -> None:
    file = darknet(tmp_path)
    put(tmp_path / "train" / "a.txt", f"1 .75 .75 .1 .2 {points}\n0 .5 .5 .1 .1\n")
    data = open_data(str(file), split="train")
    np.testing.assert_allclose(data.record(0).boxes_xywh[0], [28, 19.5, 4, 6])
    assert dict(data.adjusted) == {"a box with key points, read without them": 1}


def test_11_random_polygons_are_not_taken_for_key_points() -> None:
    draw = np.random.default_rng(1)
    lines = LooseLines(None)
    for at in range(500):
        number = draw.integers(3, 12)
        angles = (np.arange(number) + draw.random(number)) * 2 * np.pi / number
        radii = draw.uniform(0.3, 1, len(angles)) * draw.uniform(0.02, 0.3)
        points = (
            draw.uniform(0.3, 0.7, 2) + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None]
        )
        words = ["0", *(f"{value:.6f}" for value in points.clip(0, 1).ravel())]
        _, x, y, w, h = lines.read(words, at)
        expected = [*(points.min(axis=0) + points.max(axis=0)) / 2, *np.ptp(points, axis=0)]
        np.testing.assert_allclose([x, y, w, h], expected, atol=2e-6)
    assert lines.counts == {"label-polygon": 500}


def test_11_polygons_in_pixels_are_converted(tmp_path: Path) -> None:
    file = darknet(tmp_path)
    for split in ("train", "val"):
        for name in "ab":
            put(tmp_path / split / f"{name}.txt", "1 4 6 20 6 20 18\n0 10 10 14 22\n")
    with pytest.raises(DataError, match=r"8 of 8|4 of 4 boxes are pixels"):
        open_data(str(file), split="train")
    data = open_data(str(file), split="train", boxes="pixels,corners")
    np.testing.assert_allclose(data.record(0).boxes_xywh, [[4, 6, 16, 12], [10, 10, 4, 12]])


def test_11_classes_written_as_1_0_are_read(tmp_path: Path) -> None:
    file = darknet(tmp_path)
    put(tmp_path / "train" / "a.txt", "1.000000 .5 .5 .5 .25\n0.0 .5 .5 .1 .1\n")
    data = open_data(str(file), split="train")
    assert data.record(0).labels.tolist() == [1, 0]
    assert dict(data.adjusted) == {"a class like 1.0, read as 1": 2}
