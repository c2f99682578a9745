"""Parity: what goes to pycocotools and what comes back, with a network that sees what it is told to see."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from darknet_py.boxes import cxcywh_from_xywh
from darknet_py.data.dataset import Dataset, Record
from darknet_py.distributed.communicator import Communicator
from darknet_py.distributed.process_info import ProcessInfo
from darknet_py.errors import DataError
from darknet_py.predict.nms import NmsSettings, nms
from darknet_py.scoring.coco import coco_figures, coco_results
from darknet_py.tasks.base import EvaluationSettings
from darknet_py.tasks.detection_evaluation import evaluate_detector
from tests.fake_engine import FakeEngine

NAMES, CATEGORIES = ("cat", "dog", "emu"), (3, 17, 90)


class FakeData(Dataset):
    """Images of one colour each: the colour tells the fake network which image it sees."""

    names, category_ids = NAMES, CATEGORIES

    def __init__(self, count: int = 6) -> None:
        draw = np.random.default_rng(0)
        self.records = [self._record(draw, index) for index in range(count)]

    def _record(self, draw: np.random.Generator, index: int) -> Record:
        corners, sizes = draw.uniform(0, 60, size=(4, 2)), draw.uniform(5, 60, size=(4, 2))
        boxes = np.concatenate([corners, sizes], axis=1)
        labels = np.array([0, 0, 1, index % 2])  # an emu there never is
        return Record(100 + index, 160, 120, boxes, labels, np.zeros(4, bool), f"{index}.png")

    def __len__(self) -> int:
        return len(self.records)

    def record(self, index: int) -> Record:
        return self.records[index]

    def pixels(self, index: int) -> np.ndarray:
        return np.full((120, 160, 3), index * 10, np.uint8)


def seeing(rows: list[torch.Tensor], classes: int = 3) -> FakeEngine:
    """An engine that sees `rows[i]` (B, 5 + K) in image i."""
    return FakeEngine(lambda image: rows[round(float(image[0, 0, 0]) * 25.5)], classes)


def perfect_rows(data: FakeData) -> list[torch.Tensor]:
    scale = torch.tensor([160, 120, 160, 120])
    return [
        torch.cat(
            [
                cxcywh_from_xywh(torch.from_numpy(record.boxes_xywh)) / scale,
                torch.full((4, 1), 0.9, dtype=torch.float64),
                torch.eye(3, dtype=torch.float64)[record.labels],
            ],
            dim=1,
        )
        for record in data.records
    ]


def test_perfect_boxes_score_one():
    data = FakeData()
    scores = evaluate_detector(seeing(perfect_rows(data)), data, EvaluationSettings(nms=1.0, batch=4))
    assert scores.ap == scores.ap50 == scores.ap75 == pytest.approx(1)
    assert scores.per_class == {"cat": pytest.approx(1), "dog": pytest.approx(1), "emu": None}
    assert scores.images == 6
    assert len(scores.detections) == 24


def test_results_are_in_pixels_from_the_corner_with_the_categories_of_the_source():
    data = FakeData(1)
    found = evaluate_detector(seeing(perfect_rows(data)), data, EvaluationSettings(nms=1.0)).detections
    boxes = np.array(sorted(entry["bbox"] for entry in found))
    assert boxes == pytest.approx(np.array(sorted(data.records[0].boxes_xywh.tolist())), abs=1e-3)
    assert {entry["category_id"] for entry in found} == {3, 17}
    assert {entry["image_id"] for entry in found} == {100}
    assert set(found[0]) == {"image_id", "category_id", "bbox", "score"}


def test_boxes_are_clamped_to_the_image():
    rows = [torch.tensor([[0.5, 0.5, 3.0, 3.0, 0.9, 1.0, 0.0, 0.0]])]
    (found,) = evaluate_detector(seeing(rows), FakeData(1)).detections
    assert found["bbox"] == [0, 0, 160, 120]


def test_finding_nothing_scores_zero():
    scores = evaluate_detector(seeing([torch.zeros(4, 8)] * 6), FakeData())
    assert scores.ap == scores.ap50 == 0
    assert scores.per_class == {"cat": 0, "dog": 0, "emu": None}
    assert scores.detections == []


def test_no_large_truth_is_no_figure():
    scores = evaluate_detector(seeing([torch.zeros(4, 8)] * 6), FakeData())  # no box is over 96 x 96
    assert scores.ap_large is None
    assert scores.ap_small == 0


def test_the_json_has_the_keys_of_the_contract(capsys):
    data = FakeData()
    network = seeing(perfect_rows(data))
    entry = evaluate_detector(network, data, EvaluationSettings(threshold=0.01)).to_json()
    assert list(entry) == [
        *("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large"),
        *("per_class", "images", "boxes", "precision", "recall", "f1"),
        *("true_positives", "false_positives", "false_negatives", "protocol", "precision_at", "classes"),
    ]
    assert entry["precision_at"] == {"score": 0.25, "iou": 0.5}
    assert [one["name"] for one in entry["classes"]] == [*NAMES]
    assert entry["protocol"] == {
        "metric": "COCO bbox (pycocotools)",
        "engine": "darknet-py",
        "split": "val",
        "score_threshold": 0.01,
        "nms": "default 0.6",
        "most": "100 a class, 1000 an image",
        "size": [64, 64],
        "resize": "stretch",
    }
    assert json.loads(json.dumps(entry, allow_nan=False)) == entry
    assert capsys.readouterr().out == ""


def test_a_hundred_of_each_class_are_kept_which_is_all_that_pycocotools_looks_at():
    data, draw = FakeData(1), torch.Generator().manual_seed(0)
    rows = torch.rand(300, 8, generator=draw, dtype=torch.float64).clamp(min=0.1)
    rows[:, :4] = perfect_rows(data)[0][torch.arange(300) % 4, :4]
    rows[:, :2] += 0.2 * torch.rand(300, 2, generator=draw) ** 4  # near the truth, and next to it
    scores = evaluate_detector(seeing([rows]), data, EvaluationSettings(nms=1.0))
    labels = [entry["category_id"] for entry in scores.detections]
    assert {category: labels.count(category) for category in CATEGORIES} == {3: 100, 17: 100, 90: 100}
    every = nms(
        (rows[:, :4] * torch.tensor([160, 120, 160, 120])).numpy(),
        (rows[:, 4:5] * rows[:, 5:]).numpy(),
        NmsSettings(threshold=1.0),
    )
    assert len(every) == 900
    results = coco_results(every, 100, CATEGORIES)
    assert 0 < scores.ap < 1
    assert coco_figures(data.ground_truth(), results)[0][0] == scores.ap


def test_an_image_keeps_the_best_thousand():
    rows = torch.rand(90, 5 + 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    data = FakeData(1)
    data.names, data.category_ids = tuple("abcdefghijkl"), tuple(range(12))
    found = evaluate_detector(
        seeing([rows], classes=12), data, EvaluationSettings(nms=1.0, threshold=0)
    ).detections
    assert len(found) == 1000
    best = (rows[:, 4:5] * rows[:, 5:]).flatten().sort(descending=True).values[:1000]
    assert [entry["score"] for entry in found] == pytest.approx(best.tolist(), abs=1e-6)


def test_progress_is_told_after_each_image():
    data, told = FakeData(), []
    engine, settings = seeing(perfect_rows(data)), EvaluationSettings(batch=4)
    evaluate_detector(engine, data, settings, progress=lambda done, total: told.append((done, total)))
    assert engine.shapes == [(4, 3, 64, 64), (2, 3, 64, 64)]
    assert told == [(n, 6) for n in range(1, 7)]


def test_other_classes_are_refused():
    with pytest.raises(DataError) as error:
        evaluate_detector(seeing([], classes=80), FakeData())
    assert str(error.value) == (
        "error: the data set has 3 classes, and layer 0 of the network 80\n"
        "   = set classes=3 in every head and train, or evaluate on the data it was trained for"
    )


def test_an_empty_data_set_is_refused():
    with pytest.raises(DataError, match="the data set has no image to evaluate on"):
        evaluate_detector(seeing([]), FakeData(0))


def test_what_is_given_to_be_scored_is_not_written_into():
    data = FakeData()
    truth = data.ground_truth()
    results = evaluate_detector(seeing(perfect_rows(data)), data, EvaluationSettings(nms=1.0)).detections
    before = json.dumps([truth, results])
    coco_figures(truth, results)
    assert json.dumps([truth, results]) == before


class Thread(Communicator):
    """One of two processes that share images; here they are threads."""

    def __init__(self, rank: int, barrier: threading.Barrier, board: dict[int, bytes]) -> None:
        super().__init__(ProcessInfo(rank=rank, size=2))
        self.barrier, self.sent = barrier, board

    def gather(self, data: bytes) -> list[bytes]:
        self.sent[self.rank] = data
        self.barrier.wait(30)
        found = [self.sent[0], self.sent[1]]
        self.barrier.wait(30)
        return found

    def _reduced(self, tensor: torch.Tensor, operation: object) -> torch.Tensor:
        parts = [torch.tensor(json.loads(part)) for part in self.gather(json.dumps(tensor.tolist()).encode())]
        return torch.stack(parts).amax(dim=0)


def noisy_rows(data: FakeData) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    return [rows + 0.02 * torch.rand(rows.shape, generator=draw) for rows in perfect_rows(data)]


def test_two_processes_match_their_shares_and_merge_them_to_the_matches_of_one():
    data = FakeData()
    settings = EvaluationSettings(nms=1.0, batch=2, threshold=0.001)
    alone = evaluate_detector(seeing(noisy_rows(data)), data, settings)
    barrier, board = threading.Barrier(2), {}

    def run(rank: int) -> object:
        network = seeing(noisy_rows(data))
        return evaluate_detector(network, data, settings, communicator=Thread(rank, barrier, board))

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(run, range(2)))
    assert 0 < alone.ap < 1
    for one in both:
        assert one.to_json() == alone.to_json()
        assert one.files()["matches.npz"] == alone.files()["matches.npz"]
        assert one.detections == alone.detections


def test_pycocotools_gives_the_same_figures_and_keeps_no_matches():
    data = FakeData()
    found = {
        engine: evaluate_detector(seeing(noisy_rows(data)), data, EvaluationSettings(nms=1.0, engine=engine))
        for engine in ("darknet-py", "pycocotools")
    }
    ours, theirs = (one.to_json() for one in found.values())
    assert (ours["protocol"].pop("engine"), theirs["protocol"].pop("engine")) == ("darknet-py", "pycocotools")
    assert ours == theirs
    assert set(found["pycocotools"].files()) == {"detections.json"}


def test_detecting_as_darknets_map_keeps_boxes_beyond_the_image():
    rows = [torch.tensor([[0.5, 0.5, 3.0, 3.0, 0.9, 1.0, 0.0, 0.0]])]
    found = evaluate_detector(seeing(rows), FakeData(1), EvaluationSettings(detect_as="map"))
    assert found.detections[0]["bbox"] == [-160, -120, 480, 360]
    assert found.protocol["most"] == "all"
