"""How much of each variant was carried over from the weights of another cfg."""

from __future__ import annotations

from typing import Any

from darknet_py.report.markdown import table_section
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import ReportTable, group_digits, label
from darknet_py.runs.records import Comparison

CAPTION = (
    "Before the first update. Carried over: the share of the parameters that are those of the weights."
    " Preserved: the network computed the outputs of the one that the weights belong to."
)


class FirstWeightsSection(ReportSection):
    """A row per variant, where weights were carried over."""

    anchor = "first-weights"
    link = "First weights"
    template = """\
{{ ui.table(table, by_variant=true) }}
"""

    def applies(self, report: Report) -> bool:
        """When any run started from weights of another cfg."""
        return any(variant.runs[0].carried for variant in report.comparison.variants)

    def context(self, report: Report) -> dict[str, object]:
        """The table."""
        return {"table": carried_table(report.comparison)}

    def markdown(self, report: Report) -> list[str]:
        """The table."""
        if not self.applies(report):
            return []
        return table_section("First weights", carried_table(report.comparison))

    def json(self, report: Report) -> dict[str, Any]:
        """`carried`: of each variant what was carried over; no key where none was."""
        if not self.applies(report):
            return {}
        facts = [(variant.name, variant.runs[0].carried) for variant in report.comparison.variants]
        return {
            "carried": [
                {"name": name, "share": one.share, "preserving": one.preserving, "why": one.why}
                for name, one in facts
                if one is not None
            ]
        }


def carried_table(comparison: Comparison) -> ReportTable:
    """A row per variant: its parameters, the share that was carried over, and why outputs are others."""
    rows = []
    for variant in comparison.variants:
        found, parameters = variant.runs[0].carried, group_digits(variant.network.parameters)
        if found is None:
            rows.append((label(variant.name), parameters, "0.0 %", "no", "it started from random weights"))
            continue
        preserved = "yes" if found.preserving else "no"
        share = f"{100 * found.share:.1f} %"
        rows.append((label(variant.name), parameters, share, preserved, label(found.why, limit=160)))
    head = ("variant", "parameters", "carried over", "preserved", "why not")
    return ReportTable(CAPTION, head, tuple(rows), numbers=False)
