"""AP50 of each class, and what each kind of error costs it."""

from __future__ import annotations

import numpy as np

from darknet_py.report.errors.content import ErrorReport
from darknet_py.report.markdown import table_section
from darknet_py.report.section import PageSection
from darknet_py.report.tables import ReportTable, group_digits
from darknet_py.tasks.metrics import in_percent

MOST_CLASSES = 400  # rows of the table


class ErrorClassesSection(PageSection[ErrorReport]):
    """A table with a row a class."""

    anchor = "classes"
    link = "Classes"
    title = "Costs by class"
    template = "{{ ui.table(table) }}\n"

    def context(self, report: ErrorReport) -> dict[str, object]:
        """The table."""
        return {"table": class_table(report)}

    def markdown(self, report: ErrorReport) -> list[str]:
        """The table."""
        return table_section(self.title, class_table(report))


def class_table(report: ErrorReport) -> ReportTable:
    """A row a class: objects, AP50, and the cost of each kind of error in it."""
    truth, costs, names = report.table.truth, report.costs, report.classes
    objects = np.bincount(truth.labels[~truth.crowds], minlength=len(names)).tolist()
    rows = [
        (
            names[at],
            group_digits(objects[at]),
            in_percent(costs.per_class[at]),
            *(in_percent(one.per_class[at]) for one in costs.kinds),
        )
        for at in range(min(len(names), MOST_CLASSES))
    ]
    caption = "AP50 of each class, and what it would gain without the errors of a kind, both x 100."
    if len(names) > len(rows):
        caption += f" The first {len(rows)} of {len(names)} classes; the JSON file has all."
    head = ("class", "objects", "AP50", *(one.kind.value for one in costs.kinds))
    return ReportTable(caption, head, tuple(rows))
