"""Story: groups of objects in the report of a comparison. Oracle: `group_figures` of the detections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from darknet_py.compare.error_facts import record_errors
from darknet_py.errors import ReportError
from darknet_py.report.page import report_page
from darknet_py.report.section import Report
from darknet_py.report.sections import BODY
from darknet_py.report.sections.detectors.slices import VariantSlicesSection
from darknet_py.report.sections.notes import NotesSection
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.scoring.slices.figures import GroupFigures, StoredOutcomes, group_figures
from darknet_py.scoring.slices.grouping import by_aspect, by_size
from darknet_py.scoring.tables import detection_table, truth_table
from tests.report.comparison_folder import CLASSES, NAMES
from tests.report.large_folder import errors_of
from tests.report.test_errors_section import plan_of
from tests.scoring.errors.drawn import drawn

SIZE, SMALL = "size in square pixels", "small: up to 32²"


def home(folder: Path, name: str, seed: int) -> Path:
    return folder / "runs" / name / f"seed-{seed}"


def detections_of(variant: int, seed: int) -> list[dict[str, Any]]:
    """Every variant and seed lacks others of the same detections."""
    return [one for at, one in enumerate(drawn()[1]) if at % (3 + variant) != seed]


@pytest.fixture
def recorded(run_folder: Path) -> Path:
    """Figures computed from detections of another data set, of fewer classes than the comparison's."""
    for variant, name in enumerate(NAMES):
        for seed in (0, 1):
            run = home(run_folder, name, seed)
            (run / "detections.json").write_text(json.dumps(detections_of(variant, seed)))
            record_errors(plan_of(run))
            found = json.loads((run / "errors.json").read_text())
            found["confusion"] = errors_of(len(CLASSES), seed)["confusion"]
            (run / "errors.json").write_text(json.dumps(found))
    return run_folder


def expected(variant: int, seed: int, divide: Any = by_size) -> dict[str, GroupFigures]:
    table = truth_table(drawn()[0])
    stored = StoredOutcomes.of(table, detection_table(table, detections_of(variant, seed)))
    return {one.name: one for one in group_figures(stored, divide(table, stored.found))}


def test_figures_of_groups_are_means_over_seeds_with_differences(recorded: Path) -> None:
    report, section = Report.of(read_comparison(recorded)), VariantSlicesSection()
    found = section.json(report)["slices"]
    assert found["judged"] is False
    assert list(found["properties"]) == [
        SIZE, "width over height", "objects in the image", "position in the image"
    ]  # fmt: skip
    for title, divide in ((SIZE, by_size), ("width over height", by_aspect)):
        runs = [[expected(variant, seed, divide) for seed in (0, 1)] for variant in range(3)]
        for name, group in found["properties"][title].items():
            assert group["objects"] == runs[0][0][name].objects
            assert group["few_objects"]
            for figure in ("recall", "ap50", "ap"):
                values = [[getattr(one[name], figure) for one in two] for two in runs]
                for variant, two in enumerate(values):
                    part = group["variants"][NAMES[variant]][figure]
                    assert part["values"] == pytest.approx(two)
                    assert part["mean"] == pytest.approx(sum(two) / 2)
                    assert part["half_range"] == pytest.approx(abs(two[0] - two[1]) / 2)
                    difference = sum(two) / 2 - sum(values[0]) / 2
                    assert part["difference"] == (pytest.approx(difference) if variant else None)


def test_the_tables_of_markdown_and_page_have_the_printed_figures(recorded: Path) -> None:
    assert VariantSlicesSection in map(type, BODY)
    report = Report.of(read_comparison(recorded))
    first, other = ([expected(at, seed)[SMALL] for seed in (0, 1)] for at in (0, 2))
    means = [50 * sum(one.ap50 or 0 for one in runs) for runs in (first, other)]
    half = 50 * abs((other[0].ap50 or 0) - (other[1].ap50 or 0))
    cell = f"{means[1]:.1f} ± {half:.1f} ({means[1] - means[0]:+.1f})".replace("-", "\N{MINUS SIGN}")
    text = "\n".join(VariantSlicesSection().markdown(report))
    (row,) = (line for line in text.splitlines() if line.startswith(f"| AP50, {SMALL} |"))
    assert row.split(" | ")[1] == f"{first[0].objects} (few)"
    assert row.removesuffix(" |").split(" | ")[4] == cell
    assert "AP of all objects alone is judged" in text
    assert "none |" not in text  # a group without objects
    mean, _, rest = cell.partition(" ± ")
    spread, _, difference = rest.partition(" ")
    assert f'{mean}<span class="spread"> ± {spread}</span> {difference}</td>' in report_page(report)


def test_runs_of_an_earlier_version_are_named_and_have_no_section(recorded: Path) -> None:
    assert "Figures by size" not in str(NotesSection().json(Report.of(read_comparison(recorded))))
    old = {key: value for key, value in errors_of(len(CLASSES), 0).items() if key != "slices"}
    for seed, named in ((1, "1 of 6 runs"), (0, "2 of 6 runs")):
        (home(recorded, NAMES[1], seed) / "errors.json").write_text(json.dumps(old))
        report, section = Report.of(read_comparison(recorded)), VariantSlicesSection()
        assert section.applies(report) is bool(seed)  # the other seed has them
        (note,) = (one for one in NotesSection().json(report)["notes"] if "Figures by size" in one)
        assert f"not recorded for {named}, the first {NAMES[1]}, seed {seed}." in note
    assert (section.json(report), section.markdown(report)) == ({}, [])
    record_errors(plan_of(home(recorded, NAMES[1], 0)))  # as when the same `compare` is started again
    found = json.loads((home(recorded, NAMES[1], 0) / "errors.json").read_text())
    assert found["slices"][0]["title"] == SIZE


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("ap50", 1.5, "slices.0.groups.0.ap50 is 1.5"),
        ("objects", -1, "slices.0.groups.0.objects is -1"),
        ("name", None, "slices.0.groups.0.name is null"),
    ],
)
def test_damaged_figures_have_one_message(recorded: Path, key: str, value: Any, message: str) -> None:
    path = home(recorded, NAMES[2], 1) / "errors.json"
    changed = json.loads(path.read_text())
    changed["slices"][0]["groups"][0][key] = value
    path.write_text(json.dumps(changed))
    with pytest.raises(ReportError) as caught:
        read_comparison(recorded)
    assert message in str(caught.value)
