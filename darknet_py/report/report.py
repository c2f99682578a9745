"""Run folders become one page, one Markdown file and one JSON file.

The report is a pure function of the folder: no clock, no host name, no absolute path. Equal folders give
equal bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from darknet_py.files.atomic import publish_bytes
from darknet_py.report.page import report_page
from darknet_py.report.section import Report
from darknet_py.report.sections import BODY, HEADER, MARKDOWN
from darknet_py.runs.read_comparison import read_comparison


def write_report(folder: Path) -> Path:
    """Write report.json, report.md and report.html into a folder of finished runs.

    Returns: the path of the page.
    Raises:  ReportError: when the runs are missing, or not comparable.
    """
    return publish_report(Report.of(read_comparison(folder)), folder)


def publish_report(report: Report, folder: Path) -> Path:
    """Write report.json, report.md and report.html of a report into a folder.

    Returns: the path of the page.
    """
    page = folder / "report.html"
    text = json.dumps(report_json(report), indent=1, allow_nan=False) + "\n"
    publish_bytes(folder / "report.json", text.encode())
    publish_bytes(folder / "report.md", report_markdown(report).encode())
    publish_bytes(page, report_page(report).encode())
    return page


def report_json(report: Report) -> dict[str, Any]:
    """The report as JSON: scores are 0..1, and null without ground truth."""
    data = report.comparison.data
    value: dict[str, Any] = {
        "format": 1,
        "task": report.metrics.task,
        "data": {
            "name": data.name,
            "fingerprint": data.fingerprint,
            "images": data.images,
            "classes": data.classes,
        },
        "seeds": report.comparison.seeds,
    }
    for section in (*HEADER, *BODY):
        value |= section.json(report)
    return value


def report_markdown(report: Report) -> str:
    """The report as Markdown, without its pictures."""
    paragraphs = [text for section in MARKDOWN for text in section.markdown(report)]
    return "\n\n".join(paragraphs) + "\n"
