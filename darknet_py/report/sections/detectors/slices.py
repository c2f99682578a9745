"""How the variants differ in groups of objects: by size, aspect ratio, crowding and position."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from darknet_py.report.findings.slices import (
    ENOUGH_OBJECTS,
    FIGURES,
    ComparedGroup,
    compared_groups,
)
from darknet_py.report.markdown import escape_markdown, table_to_markdown
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import MOST_COLUMNS, ReportTable, format_points, group_digits, label
from darknet_py.report.verdict_sentence import signed

FEW = "few"


class VariantSlicesSection(ReportSection):
    """Of detectors whose figures by properties were recorded: a table a property."""

    anchor = "slices"
    link = "Slices"
    title = "Figures by property of objects, not judged"
    template = """\
<p>{{ caveat }}</p>
{% for table in tables %}
{{ ui.table(table) }}
{% endfor %}
"""

    def applies(self, report: Report) -> bool:
        """When every variant has a run with such figures."""
        return bool(compared_groups(report.comparison))

    def context(self, report: Report) -> dict[str, object]:
        """The tables, and why they decide nothing."""
        return {"caveat": caveat(report), "tables": tables(report)}

    def markdown(self, report: Report) -> list[str]:
        """The tables."""
        if not self.applies(report):
            return []
        parts = [f"## {self.title}", escape_markdown(caveat(report))]
        for table in tables(report):
            parts += [table_to_markdown(table), *([escape_markdown(table.caption)] if table.caption else [])]
        return parts

    def json(self, report: Report) -> dict[str, Any]:
        """`slices`: of each property, group, variant and figure the values over the seeds, 0..1."""
        groups = compared_groups(report.comparison)
        if not groups:
            return {}
        names = [variant.name for variant in report.comparison.variants]
        properties: dict[str, Any] = {one.title: {} for one in groups}
        for one in groups:
            properties[one.title][one.name] = {
                "objects": one.objects,
                "few_objects": one.few,
                "variants": {name: _variant_json(one, at) for at, name in enumerate(names)},
            }
        return {"slices": {"judged": False, "enough_objects": ENOUGH_OBJECTS, "properties": properties}}


def _variant_json(group: ComparedGroup, variant: int) -> dict[str, Any]:
    return {
        figure: {
            "mean": spread.mean if spread else None,
            "half_range": spread.half_range if spread else None,
            "values": list(spread.values) if spread else [],
            "difference": group.difference(figure, variant) if variant else None,
        }
        for figure in FIGURES
        for spread in [group.spreads[figure][variant]]
    }


def caveat(report: Report) -> str:
    """Why these figures decide nothing, and how objects are counted."""
    return (
        f"{report.metrics.word} of all objects alone is judged. These are many more looks at the same runs,"
        f" and some differ by chance. In parentheses: the difference from {report.baseline}. Recall at"
        " IoU 0.5 and any score; a true detection belongs to the group of its object, a false one to that"
        " of its own box. Matched once among all, so figures by size may differ from COCO's."
    )


def tables(report: Report) -> list[ReportTable]:
    """A table a property: a row each figure of each group with objects, a column a variant."""
    variants = report.comparison.variants[:MOST_COLUMNS]
    names = tuple(label(one.name, limit=40) for one in variants)
    made = []
    for title, found in groupby(compared_groups(report.comparison), key=lambda one: one.title):
        groups = [one for one in found if one.objects]
        rows = [
            (
                f"{word}, {label(one.name, limit=24)}",
                f"{group_digits(one.objects)} ({FEW})" if one.few else group_digits(one.objects),
                *(_cell(one, figure, at) for at in range(len(variants))),
            )
            for figure, word in FIGURES.items()
            for one in groups
        ]
        head = (label(title, limit=40), "objects", *names)
        made.append(ReportTable("", head, tuple(rows)))
    caption = "x 100: mean ± half the range over the seeds. Groups without objects are left out;"
    caption += f" {FEW}: fewer than {ENOUGH_OBJECTS} objects, whose figures say little."
    if len(variants) < len(report.comparison.variants):
        caption += f" The first {len(variants)} variants; report.json has all."
    last = made.pop()
    return [*made, ReportTable(caption, last.head, last.rows)]


def _cell(group: ComparedGroup, figure: str, variant: int) -> str:
    """Mean and half range, and of a variant the difference from the baseline."""
    text, difference = format_points(group.spreads[figure][variant]), group.difference(figure, variant)
    return text if not variant or difference is None else f"{text} ({signed(difference)})"
