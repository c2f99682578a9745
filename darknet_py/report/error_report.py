"""The errors of one detector on a data set as a page, a Markdown file and a JSON file.

The page contains its pictures: of the images with the greatest loss and of suspicious labels, at most
50 x 2 + 2 x 24 small JPEGs, some 3 MB.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from darknet_py.data.dataset import Dataset
from darknet_py.errors import UsageError
from darknet_py.files.atomic import publish_bytes
from darknet_py.files.json_text import json_text
from darknet_py.report.errors import ERROR_BODY, ERROR_HEADER
from darknet_py.report.errors.content import ErrorReport
from darknet_py.report.errors.summary import headline
from darknet_py.report.page import render_page
from darknet_py.scoring.slices.properties import Property
from darknet_py.scoring.tables import DetectionTable, TruthTable

SUFFIXES = (".html", ".htm")


def write_error_report(
    path: Path,
    truth: TruthTable,
    found: DetectionTable,
    dataset: Dataset,
    *,
    title: str,
    properties: Sequence[Property] = (),
) -> Path:
    """Write the page, and next to it the same without pictures as `.report.md` and `.report.json`.

    These names do not overwrite `found.json` where the page of it is `found.html`.

    Args:
        path: of the page; it ends in .html.
        truth: of the data set.
        title: what was scored, such as the network and the data.
        properties: that figures are divided by, after size, aspect, crowding and position.

    Returns: the path of the page.

    Raises: DarknetPyError: when the path is none of a page, or an image cannot be read; then nothing is
        written.
    """
    check_path(path)
    report = ErrorReport.of(truth, found, dataset, title, properties)
    sections = (*ERROR_HEADER, *ERROR_BODY)
    page = render_page(report, title=headline(report), command="score", header=ERROR_HEADER, body=ERROR_BODY)
    markdown = "\n\n".join(text for section in sections for text in section.markdown(report)) + "\n"
    publish_bytes(path.with_suffix(".report.json"), (json_text(error_json(report), indent=1) + "\n").encode())
    publish_bytes(path.with_suffix(".report.md"), markdown.encode())
    publish_bytes(path, page.encode())
    return path


def error_json(report: ErrorReport) -> dict[str, Any]:
    """The page as JSON: all figures and texts; scores are 0..1."""
    value = report.to_json()
    for section in (*ERROR_HEADER, *ERROR_BODY):
        value |= section.json(report)
    return value


def check_path(path: Path) -> None:
    """Check the path of a page.

    Raises: UsageError: when it does not end in .html, or its folder does not exist.
    """
    if path.suffix.lower() not in SUFFIXES:
        hint = "next to it the same is written as Markdown and JSON"
        raise UsageError(f"the name of a report ends in {SUFFIXES[0]}", where=path, hint=hint)
    if not path.absolute().parent.is_dir():
        raise UsageError("is in a folder that does not exist", where=path, hint="create the folder first")
