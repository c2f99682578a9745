"""Reference. Oracle: pycocotools' arrays and figures, to the last bit."""

from __future__ import annotations

import io
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from darknet_py.errors import DataError
from darknet_py.scoring.coco import average_precisions, judged
from darknet_py.scoring.coco_figures import coco_arrays
from darknet_py.scoring.matches import Matches, load_matches, matches_from_bytes, merged
from darknet_py.scoring.matching import match
from darknet_py.scoring.operating_point import counts_by_class, matched_counts
from darknet_py.scoring.tables import detection_table, truth_table
from tests.scoring.drawn import Results, Truth, drawn


def matches_of(truth: Truth, results: Results) -> Matches:
    table = truth_table(truth)
    return match(table, detection_table(table, results))


def equal(one: Matches, other: Matches) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(Matches))


def assert_equals_pycocotools(truth: Truth, results: Results, case: object) -> None:
    judge, matches = judged(truth, results), matches_of(truth, results)
    arrays = coco_arrays(matches)
    assert np.array_equal(judge.eval["precision"][..., -1], arrays.precision), case
    assert np.array_equal(judge.eval["recall"], arrays.recall), case
    figures = [-1 if value is None else value for value in arrays.figures().values()]
    assert figures == judge.stats.tolist(), case
    assert arrays.by_class() == average_precisions(judge), case
    assert arrays.by_class(ious=slice(1)) == average_precisions(judge, ious=slice(1)), case
    for score in (0.25, 0.7):  # one that scores of the grid are equal to
        assert matched_counts(matches, score=score) == counts_by_class(judge, score=score), case


def test_R12_figures_of_60_drawn_data_sets_are_pycocotools_to_the_last_bit() -> None:
    for seed in range(60):
        assert_equals_pycocotools(*drawn(seed), seed)


@pytest.mark.soak
def test_R12_figures_of_1000_drawn_data_sets_are_pycocotools_to_the_last_bit() -> None:
    for seed in range(1000, 2000):
        assert_equals_pycocotools(*drawn(seed), seed)


def test_figures_without_a_detection_or_a_truth_are_pycocotools() -> None:
    truth, results = drawn(3)
    assert len(results) > 10
    assert_equals_pycocotools(truth, [], "no detection")
    assert_equals_pycocotools({**truth, "annotations": []}, results, "no truth")
    assert_equals_pycocotools({**truth, "annotations": []}, [], "neither")
    crowds = [{**one, "iscrowd": 1} for one in truth["annotations"]]
    assert_equals_pycocotools({**truth, "annotations": crowds}, results, "crowds alone")


def test_R13_of_a_class_in_an_image_the_best_100_count_and_of_equal_scores_the_first() -> None:
    box, far = [10.0, 10.0, 50.0, 50.0], [500.0, 500.0, 50.0, 50.0]
    truth, _ = drawn(0)
    image, category = truth["images"][0]["id"], truth["categories"][0]["id"]
    one = {"image_id": image, "category_id": category}
    truth["annotations"] = [{**one, "id": 1, "bbox": box, "area": 2500.0, "iscrowd": 0}]
    for before, ap in ((99, 0.01), (100, 0.0)):
        results = [{**one, "bbox": far, "score": 0.5}] * before + [{**one, "bbox": box, "score": 0.5}]
        assert_equals_pycocotools(truth, results, before)
        assert coco_arrays(matches_of(truth, results)).figures()["ap"] == pytest.approx(ap)


def test_a_file_of_matches_holds_all_of_them(tmp_path: Path) -> None:
    for seed in (0, 3, 7):
        matches = matches_of(*drawn(seed))
        matches.save(tmp_path / "matches.npz")
        assert equal(load_matches(tmp_path / "matches.npz"), matches)
    assert matches.to_bytes() == (tmp_path / "matches.npz").read_bytes(), "without the time of writing"
    assert (tmp_path / "matches.npz").read_bytes()[10:14] == b"\0\0!\0", "1980-01-01"
    empty = matches_of({"images": [{"id": 3}], "annotations": [], "categories": [{"id": 1}]}, [])
    assert equal(matches_from_bytes(empty.to_bytes()), empty)


def test_a_file_takes_at_most_12_bytes_a_detection() -> None:
    truth = drawn(1)[0]
    draw, count = np.random.default_rng(0), 40_000
    ids = {
        "image_id": [one["id"] for one in truth["images"]],
        "category_id": [c["id"] for c in truth["categories"]],
    }
    truth["images"] += [{"id": 2000 + number} for number in range(500)]
    ids["image_id"] = [one["id"] for one in truth["images"]]
    drawn_ids = {key: draw.choice(values, count).tolist() for key, values in ids.items()}
    boxes, scores = draw.uniform(0, 300, (count, 4)).tolist(), draw.random(count).tolist()
    rows = zip(*drawn_ids.values(), boxes, scores, strict=True)
    keys = (*drawn_ids, "bbox", "score")
    matches = matches_of(truth, [dict(zip(keys, row, strict=True)) for row in rows])
    assert len(matches.scores) == count
    assert len(matches.to_bytes()) <= 12 * count


def test_a_damaged_file_of_matches_is_one_message(tmp_path: Path) -> None:
    path, whole = tmp_path / "matches.npz", matches_of(*drawn(3)).to_bytes()
    draw = np.random.default_rng(0)
    other = io.BytesIO()
    np.save(other, np.zeros(3))
    damaged = [b"", b"no file", whole[:-40], whole[: len(whole) // 2], other.getvalue()]
    for _ in range(150):
        data = bytearray(whole)
        data[int(draw.integers(len(data)))] ^= int(draw.integers(1, 256))
        damaged.append(bytes(data))
    refused = []
    for data in damaged:
        path.write_bytes(data)
        try:
            load_matches(path)  # a byte that nothing reads may be any
        except DataError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert {text.partition("damaged: ")[0] for text in refused} == {
        f"{path}: error: is no file of matches, or is "
    }


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("images", np.zeros(2, np.uint32), "images has 2 numbers, expected {count}"),
        ("starts", np.array([0, 9, 4]), "starts has 3 numbers, expected {starts}"),
        ("truth_labels", None, "truth_labels has an index of {classes} or more"),
        ("scores", np.zeros((2, 2), np.uint8), "scores has another form"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(
    tmp_path: Path, name: str, value: np.ndarray | None, message: str
) -> None:
    matches, path = matches_of(*drawn(3)), tmp_path / "matches.npz"
    with np.load(io.BytesIO(matches.to_bytes())) as file:
        arrays = dict(file)
    arrays[name] = arrays[name] + 50 if value is None else value
    np.savez(path, **arrays)
    with pytest.raises(DataError) as error:
        load_matches(path)
    classes = len(matches.category_ids)
    said = message.format(count=len(matches.scores), starts=classes + 1, classes=classes)
    assert said in str(error.value)


def test_a_file_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "matches.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("scores.npy", bytes(1000))
    data = path.read_bytes()
    path.write_bytes(data.replace((1000).to_bytes(4, "little"), (3 << 30).to_bytes(4, "little")))
    with pytest.raises(DataError, match="it unpacks to more than 1073741824 bytes"):
        load_matches(path)


def test_shares_of_the_images_are_merged_to_the_matches_of_all() -> None:
    for seed in range(30):
        truth, results = drawn(seed)
        ids = [one["id"] for one in truth["images"]]
        parts = []
        for start, stop in ((0, 2), (2, 2), (2, 6), (6, 12)):
            share = [one for one in results if one["image_id"] in ids[start:stop]]
            parts.append(matches_from_bytes(matches_of(truth, share).to_bytes()))
        assert equal(merged(parts), matches_of(truth, results)), seed
