"""The options of `score` about errors: figures by properties of objects and images, and the page."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darknet_py.cli.options import add_cfg, document_of
from darknet_py.errors import quoted, quoted_path

if TYPE_CHECKING:
    from darknet_py.data.dataset import Dataset
    from darknet_py.scoring.slices.properties import Property
    from darknet_py.scoring.tables import DetectionTable, TruthTable

BY_HELP = (
    "figures by size, aspect, crowding, position, field (with --cfg) or FILE.csv:COLUMN; may be repeated"
)
REPORT_HELP = "write a page: kinds of errors, confusion, calibration, images, labels to check"
COLUMNS = {"objects": "objects", "recall": "recall", "ap50": "AP50", "ap": "AP"}


def add_error_options(parser: argparse.ArgumentParser) -> None:
    """`--by`, `--report` and `--cfg`."""
    parser.add_argument("--by", action="append", default=[], metavar="PROPERTY", help=BY_HELP)
    parser.add_argument("--report", type=Path, metavar="FILE.html", help=REPORT_HELP)
    add_cfg(parser, option=True, required=False)


def properties_of(args: argparse.Namespace, dataset: Dataset) -> list[Property]:
    """The properties that `--by` names, before anything is computed.

    Raises: DarknetPyError: as `property_of`; and when `--report` names no page.
    """
    from darknet_py.lint.check import compile_checked
    from darknet_py.scoring.slices.properties import property_of

    if args.report:
        from darknet_py.report.error_report import check_path

        check_path(args.report)
    graph = compile_checked(document_of(args)) if args.cfg else None
    return [property_of(name, dataset, graph) for name in args.by]


def error_figures(
    args: argparse.Namespace,
    properties: Sequence[Property],
    truth: TruthTable,
    found: DetectionTable,
    dataset: Dataset,
) -> dict[str, Any]:
    """What `--by` and `--report` add to the figures: `slices`, and the path of the page that is written."""
    figures: dict[str, Any] = {}
    if properties:
        figures["slices"] = _slices(properties, truth, found)
    if args.report:
        from darknet_py.report.error_report import write_error_report
        from darknet_py.scoring.slices.properties import OF_ALL

        more = [one for name, one in zip(args.by, properties, strict=True) if name not in OF_ALL]
        title = f"{args.results.name} on {args.data} ({args.split})"
        write_error_report(args.report, truth, found, dataset, title=title, properties=more)
        figures["report"] = str(args.report)
    return figures


def error_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """The slices, a block a property and a line a group; and the page."""
    for title, groups in figures.get("slices", {}).items():
        yield ""
        yield from _block(title, groups)
    if "report" in figures:
        yield ""
        yield f"report: {quoted_path(figures['report'])}"


def _slices(properties: Sequence[Property], truth: TruthTable, found: DetectionTable) -> dict[str, Any]:
    from darknet_py.scoring.slices.figures import StoredOutcomes, group_figures

    stored = StoredOutcomes.of(truth, found)
    groupings = [divide(truth, stored.found) for divide in properties]
    return {
        one.title: {group.name: group.to_json() for group in group_figures(stored, one)} for one in groupings
    }


def _block(title: str, groups: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    from darknet_py.tasks.metrics import in_percent

    head, names = quoted(title, limit=40), {quoted(name, limit=40): found for name, found in groups.items()}
    width = max(map(len, (*names, head)))
    yield f"{head:<{width}}" + "".join(f"{word:>9}" for word in COLUMNS.values())
    for name, found in names.items():
        shares = "".join(f"{in_percent(found[key]):>9}" for key in COLUMNS if key != "objects")
        yield f"{name:<{width}}{found['objects']:>9,}{shares}"
