"""Story: whether scores were still rising; the oracle is the arithmetic of the written logs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from darknet_py.report.findings.rising import describe_rises, last_rise, rises
from darknet_py.report.report import report_json, report_markdown
from darknet_py.report.section import Report
from darknet_py.runs.read_comparison import read_comparison
from tests.report.comparison_folder import NAMES


def write_curves(
    folder: Path, ends: dict[str, tuple[float, float]], epochs: tuple[int, ...] = (2, 4, 6, 8)
) -> None:
    """AP of 0.2 up to the last evaluation, which is higher by a number for each seed."""
    for name, rises_of in ends.items():
        for seed, rise in enumerate(rises_of):
            lines = [
                {"iteration": 10 * at, "epoch": at, "loss": 1.0, "ap": 0.2, "ap50": 0.4} for at in epochs
            ]
            lines[-1]["ap"] = 0.2 + rise
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (folder / "runs" / name / f"seed-{seed}" / "log.jsonl").write_text(text)


def test_the_rise_is_that_of_the_last_quarter() -> None:
    assert last_rise(((2.0, 0.1), (4.0, 0.2), (6.0, 0.3), (8.0, 0.35))) == pytest.approx(0.05)
    assert last_rise(((1.0, 0.1), (5.9, 0.2), (7.0, 0.3), (8.0, 0.35))) == pytest.approx(0.15)
    assert last_rise(((7.0, 0.3), (8.0, 0.35))) is None  # no evaluation before the last quarter
    assert last_rise(()) is None


def test_a_rise_counts_beyond_the_margin_and_twice_its_error(run_folder: Path) -> None:
    write_curves(run_folder, {NAMES[0]: (0.04, 0.05), NAMES[1]: (-0.02, 0.04), NAMES[2]: (0.004, 0.004)})
    found = rises(read_comparison(run_folder))
    deviation = ((2 * 0.005**2 + 2 * 0.03**2) / 3) ** 0.5  # 3 degrees of freedom
    assert [one.error for one in found] == pytest.approx([deviation / 2**0.5] * 3)
    assert [one.rise for one in found] == pytest.approx([0.045, 0.01, 0.004])
    assert [one.rising for one in found] == [True, False, False]
    text = describe_rises(read_comparison(run_folder))
    assert text == (
        "AP was still rising in the last quarter of the training: yolov3-tiny (+4.5). This is a comparison of"
        " unfinished trainings: longer ones may come out otherwise."
    )


def test_trainings_that_have_levelled_off_are_told(run_folder: Path, change: Callable[..., Path]) -> None:
    write_curves(run_folder, dict.fromkeys(NAMES, (0.004, -0.001)))
    expected = "In the last quarter of the training, AP of no variant rose beyond the margin and its noise."
    assert describe_rises(read_comparison(run_folder)) == expected
    change("compare.json", "margin", to=0.0)
    assert not any(one.rising for one in rises(read_comparison(run_folder)))  # the noise is left


def test_a_single_evaluation_is_too_few(run_folder: Path) -> None:
    write_curves(run_folder, dict.fromkeys(NAMES, (0.1, 0.1)), epochs=(8,))
    expected = "AP was evaluated too seldom to know whether it was still rising at the end."
    assert describe_rises(read_comparison(run_folder)) == expected


def test_the_sentence_and_its_numbers_are_in_the_report(run_folder: Path) -> None:
    report = Report.of(read_comparison(run_folder))
    assert describe_rises(report.comparison) in report_markdown(report).replace("&#43;", "+")
    assert report_json(report)["rises"] == [one.to_json() for one in rises(report.comparison)]
