"""Story: figures that are not judged, in the report; the oracles are the intervals themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from darknet_py.report.report import report_json, report_markdown
from darknet_py.report.section import Report
from darknet_py.report.sections.others import tables
from darknet_py.report.verdict_sentence import signed
from darknet_py.runs.read_comparison import read_comparison
from tests.report.comparison_folder import NAMES


@pytest.fixture
def report(run_folder: Path) -> Report:
    return Report.of(read_comparison(run_folder))


def test_the_json_has_an_interval_for_each_figure_and_class_and_says_that_none_is_judged(
    report: Report,
) -> None:
    found = report_json(report)["not_judged"]
    assert {one["judged"] for one in found} == {False}
    assert [one.get("metric", one.get("class")) for one in found] == [
        *("ap50", "ap50", "ap75", "ap75", "disc", "disc")  # the stored matches have one class, of no size
    ]
    assert [one["variant"] for one in found] == 3 * list(NAMES[1:])
    for one in found:
        assert one["low"] < one["effect"] < one["high"]
        assert (one["images"], one["few_images"]) == (200, False)


def test_the_tables_have_the_numbers_of_the_json(report: Report) -> None:
    figures, classes = tables(report)
    assert [row[0] for row in (*figures.rows, *classes.rows)] == ["AP50", "AP75", "disc"]
    found = report_json(report)["not_judged"]
    cells = [cell for row in (*figures.rows, *classes.rows) for cell in row[2:]]
    assert cells == [f"{signed(o['effect'])} [{signed(o['low'])}, {signed(o['high'])}]" for o in found]
    text = report_markdown(report)
    assert "## Other figures, not judged" in text
    assert "AP alone is judged. These are 3 more looks at the same runs" in text


def test_classes_of_few_images_are_marked(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darknet_py.stats.unjudged.ENOUGH_IMAGES", 201)
    assert {row[1] for table in tables(report) for row in table.rows} == {"200 (few)"}
