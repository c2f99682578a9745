"""Property: the report is its sections; the oracles are the folder of their files and html.parser."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import darknet_py.report.sections as sections
from darknet_py.report.report import report_json, report_markdown
from darknet_py.report.section import Report, ReportSection
from darknet_py.runs.read_comparison import read_comparison


def sections_in(module: str) -> list[type]:
    found = vars(importlib.import_module(f"{sections.__name__}.{module}")).values()
    return [
        c for c in found if isinstance(c, type) and issubclass(c, ReportSection) and c is not ReportSection
    ]


def test_each_file_holds_one_section_and_each_is_in_the_page() -> None:
    folder = Path(sections.__file__).parent
    paths = (path.relative_to(folder).with_suffix("") for path in sorted(folder.rglob("[!_]*.py")))
    files = [".".join(path.parts) for path in paths]
    written = [cls for file in files for cls in sections_in(file)]
    assert len(written) == len(files)
    listed = [type(section) for section in (*sections.HEADER, *sections.BODY)]
    assert sorted(listed, key=str) == sorted(written, key=str)
    assert {type(section) for section in sections.MARKDOWN} == {*listed}


def test_anchors_are_unique_and_sections_of_the_body_have_one() -> None:
    anchors = [section.anchor for section in sections.BODY]
    assert len({*anchors}) == len(anchors)
    assert all(anchors)
    assert all(section.link for section in sections.BODY)


def test_the_markdown_has_the_paragraphs_of_each_section(run_folder: Path) -> None:
    report = Report.of(read_comparison(run_folder))
    text = report_markdown(report)
    assert all(part in text for section in sections.MARKDOWN for part in section.markdown(report))
    assert re.findall(r"^## (\w+)", text, re.MULTILINE) == [
        "Verdicts", "Results", "Classes", "Other", "What", "What", "Which", "Protocol", "To", "Training",
    ]  # fmt: skip


def test_no_two_sections_write_one_key_of_the_json(run_folder: Path) -> None:
    report = Report.of(read_comparison(run_folder))
    own = ["format", "task", "data", "seeds"]
    keys = [key for section in (*sections.HEADER, *sections.BODY) for key in section.json(report)]
    assert list(report_json(report)) == own + keys
    assert len({*own, *keys}) == len(own + keys)
