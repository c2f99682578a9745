"""Figures by properties of objects and images."""

from __future__ import annotations

from darknet_py.report.errors.content import ErrorReport
from darknet_py.report.markdown import escape_markdown, table_to_markdown
from darknet_py.report.section import PageSection
from darknet_py.report.tables import ReportTable, group_digits, label
from darknet_py.scoring.slices.figures import Slice
from darknet_py.tasks.metrics import in_percent

CAPTION = """\
Recall at IoU 0.5 and any score, AP50 and AP, x 100. A true detection belongs to the group of its object, a \
false one to that of its own box. Matched once among all, so figures by size may differ from COCO's."""


class SlicesSection(PageSection[ErrorReport]):
    """A table a property, a row a group."""

    anchor = "slices"
    link = "Slices"
    title = "Figures by property"
    template = """\
{% for table in tables %}
{{ ui.table(table) }}
{% endfor %}
<p class="caption">{{ caption }}</p>
"""

    def context(self, report: ErrorReport) -> dict[str, object]:
        """The tables."""
        return {"tables": [slice_table(one) for one in report.slices], "caption": CAPTION}

    def markdown(self, report: ErrorReport) -> list[str]:
        """The tables."""
        tables = [table_to_markdown(slice_table(one)) for one in report.slices]
        return [f"## {self.title}", *tables, escape_markdown(CAPTION)]


def slice_table(one: Slice) -> ReportTable:
    """Objects, recall, AP50 and AP of each group."""
    rows = [
        (
            label(group.name, limit=24),
            group_digits(group.objects),
            in_percent(group.recall),
            in_percent(group.ap50),
            in_percent(group.ap),
        )
        for group in one.groups
    ]
    return ReportTable("", (label(one.title, limit=40), "objects", "recall", "AP50", "AP"), tuple(rows))
