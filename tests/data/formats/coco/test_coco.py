"""Oracle: small annotation files written by hand, one error each; pycocotools; a real subset of COCO.

Kind: story, and property (Hypothesis) for the claim that any mutation ends in a DataError or a data set.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.coco.folder import CocoFolder
from darknet_py.data.formats.registry import open_data
from darknet_py.errors import DataError
from tests.paths import SHARED

TWO_IMAGES: dict[str, Any] = {
    "images": [
        {"id": 7, "file_name": "b.png", "width": 40, "height": 30},
        {"id": 3, "file_name": "a.png", "width": 40, "height": 30},
    ],
    "annotations": [
        {"id": 0, "image_id": 3, "category_id": 9, "bbox": [1, 2, 10, 5], "area": 20.5, "iscrowd": 0},
        {"id": 5, "image_id": 7, "category_id": 2, "bbox": [0.5, 0, 4, 4], "iscrowd": 1},
        {"id": 4, "image_id": 3, "category_id": 2, "bbox": [30, 20, 20, 20]},
    ],
    "categories": [{"id": 9, "name": "dog"}, {"id": 2, "name": "cat"}],
}


def folder(root: Path, content: object) -> Path:
    """Write a COCO folder whose validation split says this; text is written as it is."""
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    (root / "val2017").mkdir(exist_ok=True)
    for name in ("a.png", "b.png"):
        Image.new("RGB", (40, 30)).save(root / "val2017" / name)
    text = content if isinstance(content, str) else json.dumps(content)
    annotation_file(root).write_text(text, encoding="utf-8")
    return root


def annotation_file(root: Path) -> Path:
    return root / "annotations" / "instances_val2017.json"


def changed(*path: Any, to: Any) -> dict[str, Any]:
    """TWO_IMAGES with one value replaced."""
    content = copy.deepcopy(TWO_IMAGES)
    place: Any = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return content


def complaint(root: Path, content: object) -> str:
    """What a folder is refused with, without the name of the annotation file, line and column."""
    with pytest.raises(DataError) as caught:
        CocoFolder(folder(root, content), split="val")
    return re.sub(r"^(:\d+){0,2}(?=: error)", "", str(caught.value).removeprefix(f"{annotation_file(root)}"))


def test_records_keep_the_order_of_images_and_labels_follow_category_ids(tmp_path: Path) -> None:
    data = open_data(str(folder(tmp_path, TWO_IMAGES)), split="val")
    assert data.names == ("cat", "dog")
    assert data.category_ids == (2, 9)
    assert [data.record(index).image_id for index in range(len(data))] == [7, 3]
    second = data.record(1)
    assert (second.name, second.width, second.height) == ("a.png", 40, 30)
    np.testing.assert_array_equal(second.boxes_xywh, [[1, 2, 10, 5], [30, 20, 20, 20]])
    np.testing.assert_array_equal(second.labels, [1, 0])
    assert data.pixels(1).shape == (30, 40, 3)


def test_D07_a_crowd_stays_a_crowd_and_areas_stay_the_sources(tmp_path: Path) -> None:
    truth = CocoFolder(folder(tmp_path, TWO_IMAGES), split="val2017").ground_truth()
    assert truth["annotations"] == [
        {"image_id": 7, "category_id": 2, "bbox": [0.5, 0.0, 4.0, 4.0], "area": 16.0, "iscrowd": 1, "id": 1},
        {"image_id": 3, "category_id": 9, "bbox": [1.0, 2.0, 10.0, 5.0], "area": 20.5, "iscrowd": 0, "id": 2},
        {
            "image_id": 3,
            "category_id": 2,
            "bbox": [30.0, 20.0, 20.0, 20.0],
            "area": 400.0,
            "iscrowd": 0,
            "id": 3,
        },
    ]
    assert truth["categories"] == [{"id": 2, "name": "cat"}, {"id": 9, "name": "dog"}]
    assert truth["images"][0] == {"id": 7, "file_name": "b.png", "width": 40, "height": 30}


def test_D07_a_malformed_segmentation_is_not_read(tmp_path: Path) -> None:
    content = changed("annotations", 0, "segmentation", to={"counts": "\x00broken", "size": -1})
    assert len(CocoFolder(folder(tmp_path, content), split="val")) == 2


ERRORS = [
    (("images", 1, "id"), "3a", 'images[1].id is `"3a"`, not a whole number'),
    (("images", 1, "id"), True, "images[1].id is `true`, not a whole number"),
    (("images", 1, "id"), 2**63, f"images[1].id is {2**63}, not 0 to {2**63 - 1}"),
    (("images", 0), None, "images[0] is `null`, not an object"),
    (("images", 0, "width"), 0, "images[0].width is 0, not 1 to 1000000 pixels"),
    (("images", 0, "height"), 2.5, "images[0].height is `2.5`, not a whole number"),
    (("annotations", 2, "bbox"), {"x": 1}, "annotations[2].bbox is an object, not a list"),
    (("annotations", 2, "bbox", 1), "1", 'annotations[2].bbox[1] is `"1"`, not a number'),
    (("annotations", 2, "area"), -1, "annotations[2].area is -1.0, not 0 or more square pixels"),
    (("annotations", 1, "iscrowd"), 2, "annotations[1].iscrowd is 2, not 0 or 1"),
    (("categories", 1, "name"), 5, "categories[1].name is `5`, not text"),
    (("categories", 1, "name"), "dog", "categories[1].name is `dog`, the name of categories[0]"),
    (("categories",), {}, "`categories` is an object, not a list"),
    (("categories",), [], "`categories` is empty: there is nothing to learn"),
    (("images",), [], "`images` is empty"),
]


@pytest.mark.parametrize(("path", "value", "told"), ERRORS)
def test_D02_a_wrong_type_is_refused_with_its_json_path(
    tmp_path: Path, path: tuple[Any, ...], value: object, told: str
) -> None:
    assert complaint(tmp_path, changed(*path, to=value)) == f": error: {told}"


@pytest.mark.parametrize(("path", "value", "told"), ERRORS[:12])
def test_D02_a_wrong_type_is_refused_with_its_line_and_column(
    tmp_path: Path, path: tuple[Any, ...], value: object, told: str
) -> None:
    line = json.dumps(changed(*path, to=value))
    with pytest.raises(DataError) as caught:
        CocoFolder(folder(tmp_path, line), split="val")
    place = re.match(rf"{re.escape(str(annotation_file(tmp_path)))}:1:(\d+): error: ", str(caught.value))
    assert place is not None
    expected = f'"{path[2]}": ' if len(path) > 2 else json.dumps(value)
    assert line[int(place[1]) - 1 :].startswith(expected)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
PLACES = [
    *((name,) for name in TWO_IMAGES),
    *((name, at) for name, rows in TWO_IMAGES.items() for at in range(len(rows))),
    *((name, at, key) for name, rows in TWO_IMAGES.items() for at, row in enumerate(rows) for key in row),
    *(("annotations", 0, "bbox", at) for at in range(4)),
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_D02_a_mutated_file_gives_a_data_set_or_a_data_error(
    tmp_path: Path, place: tuple[Any, ...], value: object
) -> None:
    try:
        data = CocoFolder(folder(tmp_path, changed(*place, to=value)), split="val")
    except DataError:
        return
    assert all(np.isfinite(data.record(index).boxes_xywh).all() for index in range(len(data)))


@pytest.mark.parametrize(("name", "last"), [("images", 1), ("categories", 1)])
def test_D03_an_id_is_used_once(tmp_path: Path, name: str, last: int) -> None:
    content = changed(name, 0, "id", to=7)
    content[name][last]["id"] = 7
    assert complaint(tmp_path, content) == f": error: {name}[{last}].id is 7, which {name}[0] has already"


def test_D04_an_annotation_of_an_unknown_image_or_category_is_refused(tmp_path: Path) -> None:
    for key, noun in (("image_id", "image"), ("category_id", "category")):
        told = complaint(tmp_path, changed("annotations", 1, key, to=99))
        assert told == f": error: annotations[1].{key} is 99, and no {noun} has that id"


BOXES = [
    ([214.15, 41.29, 348.26, 0.0], "no width or no height"),  # annotation 2206849 of COCO train2017
    ([1, 1, -3, 5], "no width or no height"),
    ([40, 0, 5, 5], "outside the image"),
    ([-5, 0, 5, 5], "outside the image"),
    ([0, 30.5, 5, 5], "outside the image"),
    ([1, 1, 5], "not four numbers"),
    ([1, 1, 10**400, 5], "not finite"),
]


@pytest.mark.parametrize(("box", "reason"), BOXES)
def test_D05_a_box_that_cannot_be_a_truth_is_dropped_and_counted(
    tmp_path: Path, box: list[float], reason: str
) -> None:
    data = CocoFolder(folder(tmp_path, changed("annotations", 0, "bbox", to=box)), split="val")
    assert data.dropped == {reason: 1}
    assert [len(data.record(index).labels) for index in range(2)] == [1, 1]


NAMES = ["../a.png", "/etc/passwd", "x/../../a.png", "", "..\\a.png"]
NAMES += ["a\0.png", "a\n.png", "\ud800.png"]


@pytest.mark.parametrize("name", NAMES)
def test_D08_a_file_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    told = complaint(tmp_path, changed("images", 0, "file_name", to=name))
    assert told.startswith(": error: images[0].file_name is `")
    assert told.endswith("`, not a name inside the image folder")


@pytest.mark.parametrize("name", ["$(rm a.png)", "a;b.png", "x" * 300])
def test_D08_a_strange_name_is_only_a_missing_file(tmp_path: Path, name: str) -> None:
    assert "1 of 2 images are missing" in complaint(tmp_path, changed("images", 0, "file_name", to=name))


def test_D08_a_link_out_of_the_folder_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    root = folder(tmp_path / "data", TWO_IMAGES)
    (root / "val2017" / "a.png").rename(tmp_path / "outside.png")
    (root / "val2017" / "a.png").symlink_to(tmp_path / "outside.png")
    data = CocoFolder(root, split="val")
    with pytest.raises(DataError, match="is a link that leaves the image folder"):
        data.pixels(1)


def test_D09_missing_images_are_named_when_the_folder_is_opened(tmp_path: Path) -> None:
    told = complaint(tmp_path, changed("images", 1, "file_name", to="c.png"))
    missing = tmp_path / "val2017" / "c.png"
    assert told == f": error: 1 of 2 images are missing: `{missing}`"


def test_D14_a_size_that_differs_from_the_file_is_refused_when_the_image_is_opened(tmp_path: Path) -> None:
    data = CocoFolder(folder(tmp_path, changed("images", 1, "width", to=60)), split="val")
    with pytest.raises(DataError) as caught:
        data.pixels(1)
    assert str(caught.value) == (
        f"{tmp_path / 'val2017' / 'a.png'}: error: is 40 x 30 pixels upright, "
        "but instances_val2017.json says 60 x 30\n"
        "   = the boxes belong to another size or another EXIF orientation of this image"
    )


def test_D20_images_without_any_box_are_a_data_set(tmp_path: Path) -> None:
    data = CocoFolder(folder(tmp_path, changed("annotations", to=[])), split="val")
    assert data.record(0).boxes_xywh.shape == (0, 4)
    assert data.ground_truth()["annotations"] == []


def test_D19_the_fingerprint_follows_boxes_and_not_spaces(tmp_path: Path) -> None:
    def fingerprint(content: object) -> str:
        return CocoFolder(folder(tmp_path, content), split="val").fingerprint

    plain = fingerprint(TWO_IMAGES)
    assert plain == fingerprint(json.dumps(TWO_IMAGES, indent=3))
    assert plain != fingerprint(changed("annotations", 0, "bbox", 0, to=1.5))
    assert plain != fingerprint(changed("categories", 0, "name", to="wolf"))


def test_a_split_that_fits_two_files_is_refused_and_both_are_named(tmp_path: Path) -> None:
    root = folder(tmp_path, TWO_IMAGES)
    (root / "annotations" / "instances_val2014.json").write_text("{}")
    with pytest.raises(DataError) as caught:
        CocoFolder(root, split="val")
    assert str(caught.value) == (
        f"{root}: error: one annotations/instances_val*.json was expected, "
        "found instances_val2014.json, instances_val2017.json\n"
        "   = name one of them exactly: its part between `instances_` and `.json`"
    )
    assert len(CocoFolder(root, split="val2017")) == 2


def test_a_folder_without_the_split_says_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected, found instances_val2017\.json"):
        CocoFolder(folder(tmp_path, TWO_IMAGES), split="train")
    with pytest.raises(DataError, match="has no split `train`; it has val"):
        CocoFolder(tmp_path / "annotations", split="train")
    with pytest.raises(DataError, match=r"expected, found no instances_\*\.json"):
        CocoFolder(tmp_path / "val2017", split="train")


def perfect_ap(data: Dataset, capsys: pytest.CaptureFixture[str]) -> float:
    """COCO's AP of the truths themselves, taken as detections."""
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    truth = coco.COCO()
    truth.dataset = data.ground_truth()
    truth.createIndex()
    results = [
        {key: annotation[key] for key in ("image_id", "category_id", "bbox")} | {"score": 1.0}
        for annotation in truth.dataset["annotations"]
    ]
    scored = evaluation.COCOeval(truth, truth.loadRes(results), "bbox")
    scored.evaluate()
    scored.accumulate()
    scored.summarize()
    capsys.readouterr()
    return float(scored.stats[0])


def test_D06_perfect_boxes_score_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert perfect_ap(CocoFolder(folder(tmp_path, TWO_IMAGES), split="val"), capsys) == pytest.approx(1.0)


@pytest.mark.skipif(
    not (SHARED / "data/coco-mini").is_dir(), reason="needs the subset of COCO beside the project"
)
def test_D06_a_real_subset_of_coco_keeps_its_category_ids(capsys: pytest.CaptureFixture[str]) -> None:
    data = CocoFolder(SHARED / "data/coco-mini", split="val")
    assert (len(data), len(data.names), data.names[0]) == (128, 80, "person")
    assert data.category_ids[-1] == 90
    assert data.dropped == {}
    assert data.pixels(0).shape == (data.record(0).height, data.record(0).width, 3)
    assert perfect_ap(data, capsys) == pytest.approx(1.0)
