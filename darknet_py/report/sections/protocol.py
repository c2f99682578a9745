"""The protocol: on what data and with what settings the scores were measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from darknet_py.report.markdown import table_section
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import MOST_COLUMNS, ReportTable, group_digits, label
from darknet_py.runs.records import Comparison
from darknet_py.tasks.metrics import NONE


class ProtocolSection(ReportSection):
    """Data, metric, image size, seeds."""

    anchor = "protocol"
    link = "Protocol"
    template = """\
{{ ui.table(table) }}
"""

    def context(self, report: Report) -> dict[str, object]:
        """The table."""
        return {"table": protocol_table(report.comparison)}

    def markdown(self, report: Report) -> list[str]:
        """The table."""
        return table_section("Protocol", protocol_table(report.comparison))

    def json(self, report: Report) -> dict[str, Any]:
        """`protocol`: the rows of the table."""
        return {"protocol": {row[0]: row[1] for row in protocol_table(report.comparison).rows}}


def protocol_table(comparison: Comparison) -> ReportTable:
    """A row per setting; where variants differ, each value with its variants."""
    data, runs = comparison.data, [(v.name, run) for v in comparison.variants for run in v.runs]
    rows = [
        ("data", label(data.name)),
        ("fingerprint of the data", label(data.fingerprint[:16])),
        ("classes", group_digits(len(data.classes))),
        ("images evaluated", group_digits(runs[0][1].scores.images)),
    ]
    for key in dict.fromkeys(key for _, run in runs for key in run.scores.protocol):
        values = [(name, run.scores.protocol.get(key)) for name, run in runs]
        rows.append((label(key.replace("_", " ")), _describe_values(values)))
    if any(run.scores.protocol.get("size") != list(run.network.size) for _, run in runs):
        rows.append(("network size", _describe_values([(name, run.network.size) for name, run in runs])))
    rows.append(("epochs planned", f"{comparison.epochs:g}"))
    rows.append(("seeds", ", ".join(map(str, comparison.seeds))))
    return ReportTable("Sizes are height x width.", ("what", "value"), tuple(rows), numbers=False)


def _describe_values(values: Sequence[tuple[str, Any]]) -> str:
    """The value when all variants agree; else every value with the variants that have it."""
    owners: dict[str, dict[str, None]] = {}
    for name, value in values:
        owners.setdefault(_describe_value(value), {})[name] = None
    if len(owners) == 1:
        return next(iter(owners))
    parts = [f"{value} ({label(', '.join(names))})" for value, names in list(owners.items())[:MOST_COLUMNS]]
    return "differs: " + "; ".join(parts)


def _describe_value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return label(" x ".join(map(str, value)))
    return NONE if value is None else label(str(value), limit=200)
