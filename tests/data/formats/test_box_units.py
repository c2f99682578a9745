"""Oracle: random boxes written in each unit; data sets that are known to be right. Kind: property, story."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from darknet_py.__main__ import main
from darknet_py.data.check.run import check
from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.box_units import (
    COCO_UNITS,
    LABEL_UNITS,
    ORDERS,
    SCALES,
    VOC_UNITS,
    BoxUnits,
    judge_units,
    option_of,
    units_of,
)
from darknet_py.data.formats.registry import open_data
from darknet_py.data.formats.voc.corners import CONTINUOUS, FROM_ONE, FROM_ZERO, corner_offsets
from darknet_py.data.formats.voc.folder import VocFolder
from darknet_py.errors import DataError, UsageError
from tests.data.check.damaged import darknet, noise, put
from tests.paths import SHARED_DATA

Boxes = tuple[np.ndarray, np.ndarray]  # corners as fractions, and sizes of the images
ALL_UNITS = [BoxUnits(order, scale) for order in ORDERS for scale in SCALES]
FORMATS = [COCO_UNITS, LABEL_UNITS, VOC_UNITS]


def random_boxes(seed: int, number: int) -> Boxes:
    """Valid boxes of images of several sizes; some touch the edges."""
    draw = np.random.default_rng(seed)
    sizes = draw.choice([[320, 240], [640, 480], [480, 640], [1280, 720]], number).astype(float)
    sides = np.clip(draw.lognormal(-1.8, 0.7, (number, 2)), 0.01, 1)
    first = draw.random((number, 2)) * (1 - sides)
    first = np.where(draw.random((number, 2)) < 0.1, 0, first)
    return np.concatenate([first, first + sides], axis=1), sizes


def written(boxes: Boxes, units: BoxUnits) -> np.ndarray:
    corners, sizes = boxes
    first, second = corners[:, :2], corners[:, 2:]
    a = (first + second) / 2 if units.order == "centre" else first
    b = second if units.order == "corners" else second - first
    scale = {"pixels": sizes, "fractions": np.ones_like(sizes), "percent": np.full_like(sizes, 100)}
    return np.concatenate([a * scale[units.scale], b * scale[units.scale]], axis=1)


@pytest.mark.parametrize("units", ALL_UNITS, ids=str)
def test_units_read_back_what_was_written(units: BoxUnits) -> None:
    boxes = random_boxes(1, 50)
    np.testing.assert_allclose(units.corners(written(boxes, units), boxes[1]), boxes[0], atol=1e-12)
    x, y, w, h = units.box_xywh(written(boxes, units)[0].tolist(), tuple(boxes[1][0]))
    width, height = boxes[1][0]
    np.testing.assert_allclose([x / width, y / height, (x + w) / width, (y + h) / height], boxes[0][0])


@pytest.mark.parametrize("expected", FORMATS, ids=str)
def test_valid_boxes_give_no_alarm(expected: BoxUnits) -> None:
    draw = np.random.default_rng(7)
    for seed in range(300):
        boxes = random_boxes(seed, int(draw.integers(1, 80)))
        assert judge_units(written(boxes, expected), boxes[1], expected) is None


@pytest.mark.parametrize("expected", FORMATS, ids=str)
def test_boxes_that_reach_over_all_edges_as_of_hidden_persons_give_no_alarm(expected: BoxUnits) -> None:
    for seed in range(50):
        corners, sizes = random_boxes(seed, 60)
        corners += np.random.default_rng(seed).normal(0, 0.15, corners.shape).clip(-0.3, 0.3) * [1, 1, 1, 1]
        corners[:, 2:] = np.maximum(corners[:, 2:], corners[:, :2] + 0.02)
        verdict = judge_units(written((corners, sizes), expected), sizes, expected)
        assert verdict is None or not verdict.sure


@pytest.mark.parametrize("expected", FORMATS, ids=str)
@pytest.mark.parametrize("units", ALL_UNITS, ids=str)
def test_other_units_are_surely_found(expected: BoxUnits, units: BoxUnits) -> None:
    if units == expected:
        return
    for seed in range(30):
        boxes = random_boxes(seed, 60)
        verdict = judge_units(written(boxes, units), boxes[1], expected)
        assert verdict is not None
        assert (verdict.units, verdict.others, verdict.sure) == (units, (), True)
        assert units_of(option_of(units, expected), expected) == units


def test_units_of_a_person_are_orders_and_scales() -> None:
    assert units_of("fractions", COCO_UNITS) == BoxUnits("xywh", "fractions")
    assert units_of("corners,fractions", COCO_UNITS) == BoxUnits("corners", "fractions")
    with pytest.raises(UsageError, match="`inches` is no unit of boxes"):
        units_of("inches", COCO_UNITS)


def test_boxes_in_one_corner_of_all_images_may_be_logos() -> None:
    sizes = np.full((40, 2), 640.0)
    numbers = np.random.default_rng(1).normal([40, 40, 30, 20], 2, (40, 4))
    assert judge_units(numbers, sizes, COCO_UNITS) is None


def coco_of(root: Path, rows: list[list[float]], size: tuple[int, int] = (320, 240)) -> Path:
    """A COCO folder of one image a split with these boxes."""
    for split in ("train", "val"):
        put(root / split / "a.png", noise(1, size))
        content = {
            "images": [{"id": 1, "file_name": "a.png", "width": size[0], "height": size[1]}],
            "annotations": [
                {"id": at, "image_id": 1, "category_id": 1, "bbox": row} for at, row in enumerate(rows)
            ],
            "categories": [{"id": 1, "name": "cell"}],
        }
        put(root / "annotations" / f"instances_{split}.json", json.dumps(content))
    return root


CORNERS = [
    [10, 20, 110, 60],
    [200, 100, 280, 220],
    [150, 130, 310, 230],
    [5, 90, 60, 200],
    [100, 40, 220, 90.0],
]


@pytest.mark.parametrize(
    ("rows", "found", "option"),
    [
        ([[0.41, 0.73, 0.17, 0.21]], "1 of 1 boxes are fractions of the image", "fractions"),
        (
            [[0.41, 0.73, 0.17, 0.21], [0, 0, 1, 1], [0.2, 0.2, 0.1, 0.1]],
            "3 of 3 boxes are frac",
            "fractions",
        ),
        (CORNERS, "5 of 5 boxes are two corners (x1, y1, x2, y2), not x, y, width", "corners"),
        (
            [[x1 / 320, y1 / 240, x2 / 320, y2 / 240] for x1, y1, x2, y2 in CORNERS],
            "5 of 5 boxes are two corners (x1, y1, x2, y2) in fractions of the image, not x, y, width",
            "corners,fractions",
        ),
    ],
)
def test_A4_a_coco_file_in_other_units_is_refused_with_the_command_that_converts_it(
    tmp_path: Path, rows: list[list[float]], found: str, option: str
) -> None:
    root = coco_of(tmp_path, rows)
    with pytest.raises(DataError) as caught:
        open_data(str(root), split="train")
    assert str(caught.value).startswith(f"{root}/annotations/instances_train.json: error: {found}")
    command = f"`darknet-py data convert DATA --boxes {option} --to coco --out NEW` converts them"
    assert str(caught.value).endswith(command)
    errors = [finding for finding in check(str(root)).all if finding.severity == "error"]
    assert [error.code for error in errors] == ["box-units"] * 2  # and nothing that follows from it


def test_A4_corners_that_are_only_likely_are_a_note(tmp_path: Path) -> None:
    root = coco_of(tmp_path, CORNERS[:3])
    data = open_data(str(root), split="train")
    note = next(note for note in data.adjusted if "boxes" in note)
    assert note.startswith("2 of 3 boxes look like two corners (x1, y1, x2, y2), not x, y, width, height")
    assert "box-units-likely" in {finding.code for finding in check(str(root)).all}


def labels_of(root: Path, units: BoxUnits) -> Dataset:
    """A Darknet data set of images of 320 x 240 whose label files are in these units."""
    file = darknet(root)
    corners, sizes = random_boxes(3, 40)
    rows = written((corners, np.full_like(sizes, 1) * [320, 240]), units)
    for at, name in enumerate("ab"):
        put(root / "train" / f"{name}.png", noise(at, (320, 240)))
        lines = (f"0 {' '.join(map(repr, row))}\n" for row in rows[at::2].tolist())
        put(root / "train" / f"{name}.txt", "".join(lines))
    return open_data(str(file), split="train")


@pytest.mark.parametrize(
    ("units", "option"),
    [
        (BoxUnits("centre", "pixels"), "pixels"),
        (BoxUnits("corners", "pixels"), "corners,pixels"),
        (BoxUnits("centre", "percent"), "percent"),
        (BoxUnits("corners", "fractions"), "corners"),
        (BoxUnits("xywh", "fractions"), "xywh"),
    ],
    ids=str,
)
def test_A4_label_files_in_other_units_are_refused(tmp_path: Path, units: BoxUnits, option: str) -> None:
    with pytest.raises(DataError) as caught:
        labels_of(tmp_path, units)
    assert "40 of 40 boxes are " in str(caught.value)
    assert f"data convert DATA --boxes {option} --to darknet --out NEW` converts them" in str(caught.value)


def test_label_files_in_fractions_give_no_note(tmp_path: Path) -> None:
    assert labels_of(tmp_path, LABEL_UNITS).adjusted == {}


def converted(spec: Path, root: Path, boxes: str) -> Dataset:
    """Convert to COCO as the message of the error says."""
    out = root / "converted"
    assert main(["data", "convert", str(spec), "--boxes", boxes, "--to", "coco", "--out", str(out)]) == 0
    return open_data(str(out), split="train")


def test_A4_the_command_of_the_message_converts_fractions_and_corners(tmp_path: Path) -> None:
    fractions = coco_of(tmp_path / "one", [[0.4, 0.7, 0.2, 0.25]])
    found = converted(fractions, tmp_path / "one", "fractions").record(0)
    np.testing.assert_allclose(found.boxes_xywh, [[128, 168, 64, 60]])
    assert found.areas is not None
    np.testing.assert_allclose(found.areas, [64 * 60])
    corners = coco_of(tmp_path / "two", CORNERS)
    found = converted(corners, tmp_path / "two", "corners").record(0)
    np.testing.assert_allclose(found.boxes_xywh[:2], [[10, 20, 100, 40], [200, 100, 80, 120]])


def test_A4_the_command_of_the_message_converts_label_files(tmp_path: Path) -> None:
    units = BoxUnits("corners", "percent")
    with pytest.raises(DataError, match="--boxes corners,percent"):
        labels_of(tmp_path, units)
    for name in "ab":
        put(tmp_path / "val" / f"{name}.txt", "0 10 10 50 60\n")
    found = converted(tmp_path / "obj.data", tmp_path, "corners,percent").record(0)
    corners, _ = random_boxes(3, 40)
    expected = corners[::2] * [320, 240, 320, 240]
    np.testing.assert_allclose(found.boxes_xywh[:, :2], expected[:, :2], atol=1e-9)
    np.testing.assert_allclose(found.boxes_xywh[:, 2:], expected[:, 2:] - expected[:, :2], atol=1e-9)


def test_A4_the_command_of_the_message_converts_voc(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--boxes fractions"):
        voc_of(tmp_path, [[0.25, 0.2, 0.5, 0.9], [0.3, 0.1, 0.7, 0.4]])
    found = converted(tmp_path, tmp_path, "fractions").record(0)
    np.testing.assert_allclose(found.boxes_xywh, [[10, 6, 10, 21]])


def test_units_of_data_without_box_files_are_refused() -> None:
    with pytest.raises(UsageError, match=r"--boxes corners: .* has no files of boxes"):
        open_data("scenes:val=20", split="val", boxes="corners")


def voc_of(root: Path, corners: list[list[float]]) -> VocFolder:
    """A VOC tree of images of 40 x 30 with a box each."""
    for at, values in enumerate(corners):
        names = ("xmin", "ymin", "xmax", "ymax")
        box = "".join(f"<{name}>{value}</{name}>" for name, value in zip(names, values, strict=True))
        size = "<size><width>40</width><height>30</height></size>"
        xml = f"<annotation>{size}<object><name>a</name><bndbox>{box}</bndbox></object></annotation>"
        put(root / "Annotations" / f"{at}.xml", xml)
        put(root / "JPEGImages" / f"{at}.png", noise(at))
    return VocFolder(root, split="train")


@pytest.mark.parametrize(
    ("corners", "offsets", "first"),
    [
        ([[1, 3, 10, 30], [5, 1, 40, 9]], FROM_ONE, [0, 2, 10, 28]),
        ([[0, 3, 10, 30], [5, 0, 40, 9]], CONTINUOUS, [0, 3, 10, 27]),
        ([[0, 3, 10, 29], [5, 0, 39, 9]], FROM_ZERO, [0, 3, 11, 27]),
        ([[1.5, 3, 10, 30], [5, 1, 40, 9]], CONTINUOUS, [1.5, 3, 8.5, 27]),
        ([[1, 1, 10, 30], [1, 1, 40, 9], [0, 2, 9, 9]], FROM_ONE, [0, 0, 10, 30]),
    ],
)
def test_A4_voc_that_counts_from_0_is_read_so(
    tmp_path: Path, corners: list[list[float]], offsets: tuple[int, int], first: list[float]
) -> None:
    assert corner_offsets(np.array(corners, float), np.full((len(corners), 2), [40.0, 30.0])) == offsets
    data = voc_of(tmp_path, corners)
    assert data.record(0).boxes_xywh.tolist() == [first]
    assert bool(data.adjusted) == (offsets != FROM_ONE)


def test_A4_voc_in_fractions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"2 of 2 boxes are fractions of the image, not pixels; .* --boxes frac"
    ):
        voc_of(tmp_path, [[0.1, 0.2, 0.5, 0.9], [0.3, 0.1, 0.7, 0.4]])


@pytest.mark.parametrize("name", ["bccd", "coco-mini"])
@pytest.mark.parametrize("split", ["train", "val"])
def test_real_data_gives_no_alarm(name: str, split: str) -> None:
    if not (SHARED_DATA / name).is_dir():
        pytest.skip(f"{name} is not beside this checkout")
    assert dict(open_data(str(SHARED_DATA / name), split=split).adjusted) == {}
