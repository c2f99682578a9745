"""Story: pictures of the images that decide; the oracles are the boxes that were written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from darknet_py.compare.pictures import SIDE, record_pictures
from darknet_py.compare.verdict_facts import record_matches
from darknet_py.data.dataset import Dataset, Record
from darknet_py.errors import ReportError
from darknet_py.runs.folders import ComparisonFolder
from darknet_py.runs.pictures_file import StoredPicture, read_pictures
from darknet_py.train.settings import TrainingPlan

IMAGES = 6
OBJECTS = np.array([[10.0, 20.0, 100.0, 80.0], [300.0, 200.0, 60.0, 60.0]])


class Plain(Dataset):
    """Grey images of 640 x 480, each with a disc and a ring, with falling ids."""

    names, category_ids, dropped = ("disc", "ring"), (3, 7), {}

    def __len__(self) -> int:
        return IMAGES

    def record(self, index: int) -> Record:
        labels, crowd = np.array([0, 1]), np.zeros(2, bool)
        return Record(90 - index, 640, 480, OBJECTS, labels, crowd, f"{index}.png")

    def pixels(self, index: int) -> np.ndarray:
        return np.full((480, 640, 3), 40 * index, np.uint8)


def found(image: int, category: int, box: np.ndarray, score: float) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": box.tolist(), "score": score}


def write_run(out: Path, val: Dataset, misses: int) -> TrainingPlan:
    """A run that misses the disc of one image, and has a false ring there."""
    results = []
    for index in range(IMAGES):
        identity = val.record(index).image_id
        results.append(found(identity, 7, OBJECTS[1], 0.8))
        if index != misses:
            results.append(found(identity, 3, OBJECTS[0], 0.7))
    results.append(found(val.record(misses).image_id, 7, OBJECTS[0], 0.9))
    results.append(found(val.record(misses).image_id, 7, OBJECTS[0] + 9, 0.1))  # too unsure to be drawn
    out.mkdir(parents=True)
    (out / "detections.json").write_text(json.dumps(results))
    name, seed = out.parent.name, int(out.name[-1])
    plan = cast(TrainingPlan, SimpleNamespace(out=out, val=val, name=name, seed=seed))
    record_matches(plan)
    (out / "result.json").write_text(json.dumps({"scores": {"ap": 0.9 - 0.1 * (name == "b")}}))
    return plan


@pytest.fixture
def plans(tmp_path: Path) -> list[TrainingPlan]:
    val, folder = Plain(), ComparisonFolder(tmp_path)
    return [
        write_run(folder.run(name, seed).path, val, misses)
        for name, misses in (("a", 1), ("b", 4))
        for seed in (0, 1)
    ]


def stored(plans: list[TrainingPlan], folder: Path) -> dict[int, StoredPicture]:
    record_pictures(plans, ComparisonFolder(folder))
    return read_pictures(folder / "pictures", classes=2)


def test_the_images_on_which_the_variants_differ_are_kept(plans: list[TrainingPlan], tmp_path: Path) -> None:
    pictures = stored(plans, tmp_path)
    assert {89, 86} <= pictures.keys()
    one = pictures[86]
    assert (one.name, one.size) == ("4.png", (640, 480))
    assert [(box.box_xywh, box.label, box.crowd) for box in one.truths] == [
        ((10.0, 20.0, 100.0, 80.0), 0, False),
        ((300.0, 200.0, 60.0, 60.0), 1, False),
    ]
    ours, theirs = one.found["b", 0], one.found["a", 1]
    assert (ours.missed, theirs.missed) == ((0,), ())
    assert [(box.label, box.score, box.true) for box in ours.boxes] == [(1, 0.8, True), (1, 0.9, False)]
    assert [box.true for box in theirs.boxes] == [True, True]


def test_an_image_is_stored_small_and_once(plans: list[TrainingPlan], tmp_path: Path) -> None:
    pictures = stored(plans, tmp_path)
    files = sorted(one.jpeg for one in pictures.values())
    assert files == sorted((tmp_path / "pictures").glob("*.jpg"))
    with Image.open(pictures[86].jpeg) as image:
        assert image.size == (SIDE, SIDE * 3 // 4)
        assert image.getpixel((5, 5)) == (160, 160, 160)  # the fifth image: ids and positions differ


def test_pictures_are_written_again_only_for_other_runs(plans: list[TrainingPlan], tmp_path: Path) -> None:
    stored(plans, tmp_path)
    file = tmp_path / "pictures" / "pictures.json"
    before = file.stat().st_mtime_ns
    stored(plans, tmp_path)
    assert file.stat().st_mtime_ns == before
    assert set(json.loads(file.read_bytes())["sources"]) == {"a/seed-0", "a/seed-1", "b/seed-0", "b/seed-1"}
    (plans[0].out / "matches.npz").write_bytes((plans[2].out / "matches.npz").read_bytes())
    stored(plans, tmp_path)
    assert file.stat().st_mtime_ns != before


def test_one_variant_alone_has_no_pictures(plans: list[TrainingPlan], tmp_path: Path) -> None:
    assert stored(plans[:2], tmp_path) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one.update(size=[0, 480]), "images.0.size is 0 x 480"),
        (lambda one: one["truths"].pop(), '"images.0.truths" is'.replace('"', "")),
        (lambda one: one["truths"].__setitem__(4, 2), "an object of class 2, and there are 2 classes"),
        (lambda one: one["truths"].__setitem__(0, "x"), "finite numbers, 6 for each row"),
    ],
)
def test_a_damaged_file_is_refused(
    plans: list[TrainingPlan], tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    stored(plans, tmp_path)
    file = tmp_path / "pictures" / "pictures.json"
    content = json.loads(file.read_bytes())
    change(content["images"][0])
    file.write_text(json.dumps(content))
    with pytest.raises(ReportError) as caught:
        read_pictures(file.parent, classes=2)
    assert message in caught.value.message
