"""Reference. Oracle: the formats' own definitions, computed by hand for boxes that one can check by eye."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from darknet_py import Detections
from darknet_py.data.formats.coco.names import COCO_IDS, COCO_NAMES
from darknet_py.errors import UsageError

BOXES = np.array([[10, 20, 30, 60], [0, 0, 5.5, 4]], np.float32)
PIXELS = np.zeros((80, 100, 3), np.uint8)


def detections(names: tuple[str, ...] = ("cat", "dog", "emu"), size: tuple[int, int] | None = (80, 100)):
    scores, labels = np.array([0.9, 0.25], np.float32), np.array([2, 0])
    return Detections(BOXES, scores, labels, names, image_size=size)


def test_coco_results_have_corners_sizes_and_categories() -> None:
    assert detections().to_coco() == [
        {"image_id": 0, "category_id": 3, "bbox": [10.0, 20.0, 20.0, 40.0], "score": 0.9},
        {"image_id": 0, "category_id": 1, "bbox": [0.0, 0.0, 5.5, 4.0], "score": 0.25},
    ]
    found = detections(names=()).to_coco("a.jpg", [7, 8, 9])
    assert [(one["image_id"], one["category_id"]) for one in found] == [("a.jpg", 9), ("a.jpg", 7)]
    assert [one["category_id"] for one in detections(names=()).to_coco()] == [3, 1]


def test_cocos_names_have_cocos_categories() -> None:
    assert (len(COCO_IDS), COCO_IDS[0], COCO_IDS[11], COCO_IDS[-1]) == (80, 1, 13, 90)
    labels = np.array([0, 11, 79])
    found = Detections(np.zeros((3, 4)), np.ones(3), labels, COCO_NAMES).to_coco()
    assert [one["category_id"] for one in found] == [1, 13, 90]


def test_yolo_labels_are_fractions_of_the_image() -> None:
    assert detections().to_yolo() == (
        "2 0.200000 0.500000 0.200000 0.500000\n0 0.027500 0.025000 0.055000 0.050000\n"
    )
    assert detections().to_yolo(scores=True).splitlines()[0].endswith(" 0.500000 0.900000")
    with pytest.raises(UsageError, match="whose size is not known"):
        detections(size=None).to_yolo()


def test_supervision_gets_arrays_and_names(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("supervision")
    package.Detections = SimpleNamespace
    monkeypatch.setitem(sys.modules, "supervision", package)
    found = detections().to_supervision()
    np.testing.assert_array_equal(found.xyxy, BOXES)
    assert found.confidence.tolist() == pytest.approx([0.9, 0.25])
    assert found.class_id.tolist() == [2, 0]
    assert found.data["class_name"].tolist() == ["emu", "cat"]


def test_without_supervision_one_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(UsageError) as caught:
        detections().to_supervision()
    assert str(caught.value) == (
        "error: supervision is not installed\n"
        "   = python -m pip install supervision; boxes_xyxy, scores and labels are there without it"
    )


def test_a_supervision_that_lacks_a_package_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "supervision.py").write_text("import nothing_of_this_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "supervision", raising=False)
    with pytest.raises(UsageError, match="with all that it needs: No module named 'nothing_of_this_name'"):
        detections().to_supervision()


def test_drawing_takes_what_a_detector_takes_and_leaves_it_alone(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    drawn = [detections().draw(source) for source in (PIXELS, tmp_path / "a.png", Image.fromarray(PIXELS))]
    assert not PIXELS.any()
    assert drawn[0][40, 10].any()
    assert not drawn[0][40, 20].any()
    for other in drawn[1:]:
        np.testing.assert_array_equal(other, drawn[0])


def test_nothing_found_is_nothing_in_every_format() -> None:
    none = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), (), image_size=(8, 8))
    assert (none.to_coco(), none.to_yolo(), list(none)) == ([], "", [])
    assert not none.draw(PIXELS).any()
