"""Reference. Oracle: a two-way analysis of variance and numpy's correlation, on numbers that were made so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from darknet_py.errors import ReportError
from darknet_py.report.report import write_report
from darknet_py.report.sections.pairing import differences
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.stats.shared_seeds import pairing_of


def test_the_shared_part_of_the_variance_is_found_again() -> None:
    draw = np.random.default_rng(0)
    common = draw.normal(0, 3, (1, 4000))
    values = 0.4 + common + draw.normal(0, 1, (3, 4000))  # 9 of 10 parts are common
    found = pairing_of(values)
    assert found is not None
    assert found.shared == pytest.approx(0.9, abs=0.01)
    assert found.correlation == pytest.approx(np.corrcoef(values)[np.triu_indices(3, 1)].mean(), abs=1e-6)


def test_seeds_without_anything_in_common_share_nothing() -> None:
    found = pairing_of(np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]]))
    assert found is not None
    assert (found.correlation, found.shared) == (-1.0, 0.0)
    assert pairing_of(np.array([[0.1], [0.2]])) is None
    assert pairing_of(np.array([[0.1, 0.1], [0.2, 0.2]])) is None
    two = pairing_of(np.array([[0.1, 0.2], [0.2, 0.31]]))
    assert two is not None
    assert two.correlation is None, "two points always lie on a line"


def test_the_report_has_the_sentence_and_its_figures(run_folder: Path) -> None:
    write_report(run_folder)
    report = json.loads((run_folder / "report.json").read_text())
    facts = report["pairing"]
    assert facts["seeds"] == 2
    assert 0 < facts["shared"] < 1
    assert (
        f"{100 * facts['shared']:.0f} % of the variance between seeds is common to all" in facts["sentence"]
    )
    for name in ("report.html", "report.md"):
        assert "of the variance between seeds is common to all" in (run_folder / name).read_text()
    assert len(report["fingerprints"]) == 6


def test_what_runs_differ_in_is_noted(run_folder: Path, change: Callable[..., Path]) -> None:
    result = "runs/yolov3-tiny-spp/seed-1/result.json"
    facts = {"torch": "2.14", "device": "cpu AVX2", "threads": 2}
    for file in sorted(run_folder.glob("runs/*/seed-*/result.json")):
        change(str(file.relative_to(run_folder)), "environment", to=facts)
        change(
            str(file.relative_to(run_folder)), "fingerprint", to={"cfg": file.parent.name, "weights": None}
        )
    assert differences(read_comparison(run_folder)) == []
    change(result, "environment", "threads", to=1)
    change(result, "fingerprint", "weights", to="5e" * 32)
    change("runs/yolov3-tiny/seed-0/result.json", "fingerprint", "first weights like", to="of a variant")
    others = "yolov3-tiny seed 0, yolov3-tiny seed 1, yolov3-tiny-stochpool seed 0 and 2 more"
    assert differences(read_comparison(run_folder)) == [
        f"Runs differ in weights: None in {others}; 5e5e5e5e5e5e5e5e5e5e5e5… in yolov3-tiny-spp seed 1.",
        f"Runs differ in threads: 2 in {others}; 1 in yolov3-tiny-spp seed 1.",
    ]
    write_report(run_folder)
    assert "Runs differ in threads" in (run_folder / "report.html").read_text()


def test_runs_on_other_training_images_are_refused(run_folder: Path, change: Callable[..., Path]) -> None:
    for at, file in enumerate(sorted(run_folder.glob("runs/*/seed-*/result.json"))):
        change(str(file.relative_to(run_folder)), "fingerprint", to={"train data": "ab" if at else "cd"})
    with pytest.raises(ReportError, match=r"train data is .* cannot be compared"):
        read_comparison(run_folder)


def test_a_training_that_was_not_finite_is_told(run_folder: Path) -> None:
    for name, seed in (("yolov3-tiny", 1), ("yolov3-tiny-spp", 0), ("yolov3-tiny-spp", 1)):
        home = run_folder / "runs" / name / f"seed-{seed}"
        (home / "result.json").unlink()
        text = json.dumps({"message": "the loss is not finite", "fingerprint": {}})
        (home / "not-finite.json").write_text(text)
    write_report(run_folder)
    report = json.loads((run_folder / "report.json").read_text())
    assert report["notes"][:4] == [
        "Not finite, and left out: yolov3-tiny, seed 1: the loss is not finite.",
        "Not finished, and left out: yolov3-tiny-spp, every seed.",
        "Not finite: yolov3-tiny-spp, seed 0: the loss is not finite.",
        "Not finite: yolov3-tiny-spp, seed 1: the loss is not finite.",
    ]
    assert report["variants"][0]["not_finite"] == {"1": "the loss is not finite"}
