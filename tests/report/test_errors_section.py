"""The errors of detectors in a comparison: recorded once, read with care, and printed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from darknet_py.compare.error_facts import record_errors
from darknet_py.errors import ReportError
from darknet_py.report.page import render_page
from darknet_py.report.section import Report
from darknet_py.report.sections import BODY
from darknet_py.report.sections.errors import ErrorKindsSection
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.train.settings import TrainingPlan
from tests.report.comparison_folder import CLASSES, NAMES
from tests.report.errors.test_error_report import PLAIN, DrawnData
from tests.report.test_report import dom
from tests.scoring.errors.drawn import drawn

KINDS = ("classification", "localisation", "both", "duplicate", "background", "missed")


def content(seed: int) -> dict[str, Any]:
    side = len(CLASSES) + 1
    matrix = [[10 * (row == column) + seed for column in range(side)] for row in range(side)]
    return {
        "detections": "d" * 64,
        "kinds": {kind: {"count": at, "cost": at / 100 + seed / 50} for at, kind in enumerate(KINDS)},
        "confusion": {"score": 0.25, "iou": 0.5, "matrix": matrix},
    }


@pytest.fixture
def recorded(run_folder: Path) -> Path:
    for name in NAMES:
        for seed in (0, 1):
            (run_folder / "runs" / name / f"seed-{seed}" / "errors.json").write_text(
                json.dumps(content(seed))
            )
    return run_folder


def test_the_report_has_costs_and_confusion_of_each_detector(recorded: Path, tmp_path: Path) -> None:
    report, section = Report.of(read_comparison(recorded)), ErrorKindsSection()
    assert ErrorKindsSection in map(type, BODY)
    found = section.json(report)["errors"]
    assert list(found) == list(NAMES)
    both = {"mean": 0.03, "half_range": pytest.approx(0.01), "cost": pytest.approx([0.02, 0.04])}
    assert found[NAMES[0]]["both"] == both | {"count": [2, 2]}
    assert "| both | 3.0 ± 1.0 | 3.0 ± 1.0 | 3.0 ± 1.0 |" in "\n".join(section.markdown(report))
    page = tmp_path / "page.html"
    page.write_text(render_page(report, title="x", command="compare", header=(), body=(section,)))
    parsed = dom(page)
    assert ("h2", {"id": "errors"}) in parsed.tags
    pictures = [found.get("alt") for tag, found in parsed.tags if tag == "img"]
    assert "cost of each kind of error and variant" in pictures
    assert "confusion matrix of each variant" in pictures


def test_without_records_the_report_has_no_such_section(recorded: Path) -> None:
    (recorded / "runs" / NAMES[1] / "seed-0" / "errors.json").unlink()
    assert ErrorKindsSection().applies(Report.of(read_comparison(recorded)))  # the other seed has them
    (recorded / "runs" / NAMES[1] / "seed-1" / "errors.json").unlink()
    report = Report.of(read_comparison(recorded))
    section = ErrorKindsSection()
    assert (section.applies(report), section.json(report), section.markdown(report)) == (False, {}, [])


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("kinds", "missed", "cost"), 1.5, "kinds.missed.cost is 1.5"),
        (("kinds", "missed", "count"), -1, "kinds.missed.count is -1"),
        (("kinds",), [], "kinds is []"),
        (("confusion", "matrix"), [[1]], "it should be 7 rows of 7 whole numbers"),
    ],
)
def test_a_damaged_record_has_one_message(
    recorded: Path, keys: tuple[str, ...], value: Any, message: str
) -> None:
    path = recorded / "runs" / NAMES[2] / "seed-1" / "errors.json"
    changed = part = content(1)
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    path.write_text(json.dumps(changed))
    with pytest.raises(ReportError) as caught:
        read_comparison(recorded)
    assert "seed-1/errors.json: error: " in str(caught.value)
    assert message in str(caught.value)


def plan_of(folder: Path) -> TrainingPlan:
    return cast(TrainingPlan, SimpleNamespace(out=folder, val=DrawnData(PLAIN, ("a.jpg",))))


def test_errors_are_recorded_from_the_detections_once(tmp_path: Path) -> None:
    record_errors(plan_of(tmp_path))
    assert not list(tmp_path.iterdir())  # a run of an earlier version
    (tmp_path / "detections.json").write_text(json.dumps(drawn()[1]))
    record_errors(plan_of(tmp_path))
    found = json.loads((tmp_path / "errors.json").read_text())
    assert found["kinds"]["localisation"] == {"count": 11, "cost": pytest.approx(0.11218709013307603)}
    assert found["confusion"]["matrix"][3] == [15, 16, 14, 0]
    written = (tmp_path / "errors.json").stat().st_mtime_ns
    record_errors(plan_of(tmp_path))
    assert (tmp_path / "errors.json").stat().st_mtime_ns == written
    (tmp_path / "detections.json").write_text("[]")
    record_errors(plan_of(tmp_path))
    assert json.loads((tmp_path / "errors.json").read_text())["kinds"]["localisation"]["count"] == 0


@pytest.mark.parametrize("text", ["", "{", '[{"image_id": 1}]', "[1]", "{}x"])
def test_damaged_detections_have_one_message(tmp_path: Path, text: str) -> None:
    (tmp_path / "detections.json").write_text(text)
    with pytest.raises(ReportError, match=r"is no file of detections"):
        record_errors(plan_of(tmp_path))
    assert not (tmp_path / "errors.json").exists()
