"""Story: what verdicts need is written for runs that lack it; the oracles are the evaluation's figures."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from darknet_py.compare.verdict_facts import record_hits, record_matches
from darknet_py.data.formats.labelled.base import LabelledFiles
from darknet_py.errors import ReportError
from darknet_py.scoring.coco import coco_figures
from darknet_py.scoring.coco_figures import coco_arrays
from darknet_py.scoring.matches import load_matches
from darknet_py.train.settings import TrainingPlan
from tests.scoring.drawn import drawn


def plan_of(out: Path, val: object) -> TrainingPlan:
    return cast(TrainingPlan, SimpleNamespace(out=out, val=val))


def labelled() -> LabelledFiles:
    files = [(Path(f"{at}.png"), at % 2) for at in range(4)]
    return LabelledFiles(("a", "b"), files, [f"{at}.png" for at in range(4)])


def detected(out: Path) -> tuple[TrainingPlan, dict[str, Any]]:
    truth, results = drawn(3)
    (out / "detections.json").write_text(json.dumps(results))
    return plan_of(out, SimpleNamespace(ground_truth=lambda: truth)), truth


def test_a_run_without_matches_gets_those_of_its_detections(tmp_path: Path) -> None:
    plan, truth = detected(tmp_path)
    record_matches(plan)
    found = load_matches(tmp_path / "matches.npz")
    assert len(found.image_ids) == len(truth["images"])
    expected, _ = coco_figures(truth, json.loads((tmp_path / "detections.json").read_bytes()))
    assert coco_arrays(found).figures()["ap"] == pytest.approx(expected[0], abs=1e-12)


def test_matches_that_are_there_stay(tmp_path: Path) -> None:
    plan, _ = detected(tmp_path)
    (tmp_path / "matches.npz").write_bytes(b"those of the run")
    record_matches(plan)
    assert (tmp_path / "matches.npz").read_bytes() == b"those of the run"


def test_damaged_detections_are_refused(tmp_path: Path) -> None:
    plan, _ = detected(tmp_path)
    (tmp_path / "detections.json").write_text("[{")
    with pytest.raises(ReportError, match="is no file of detections"):
        record_matches(plan)


def test_hits_are_where_predictions_are_the_labels(tmp_path: Path) -> None:
    (tmp_path / "predictions.json").write_text("[0, 1, 1, 1]")
    record_hits(plan_of(tmp_path, labelled()))
    content = json.loads((tmp_path / "hits.json").read_text())
    assert content["hits"] == [1, 1, 0, 1]
    written = (tmp_path / "hits.json").stat().st_mtime_ns
    record_hits(plan_of(tmp_path, labelled()))
    assert (tmp_path / "hits.json").stat().st_mtime_ns == written
    (tmp_path / "predictions.json").write_text("[1, 1, 1, 1]")  # of a training that was repeated
    record_hits(plan_of(tmp_path, labelled()))
    assert json.loads((tmp_path / "hits.json").read_text())["hits"] == [0, 1, 0, 1]


def test_predictions_of_other_images_are_refused(tmp_path: Path) -> None:
    (tmp_path / "predictions.json").write_text("[0, 1]")
    with pytest.raises(ReportError, match="is no file of predictions"):
        record_hits(plan_of(tmp_path, labelled()))


def test_detectors_have_no_hits(tmp_path: Path) -> None:
    record_hits(plan_of(tmp_path, SimpleNamespace(labels=np.zeros(1))))
    assert list(tmp_path.iterdir()) == []
