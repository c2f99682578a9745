"""The confusion matrix of a detector, with the background as a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.report.errors.content import ErrorReport
from darknet_py.report.markdown import table_section
from darknet_py.report.matrix_plot import draw_matrix
from darknet_py.report.plotting import svg
from darknet_py.report.section import PageSection
from darknet_py.report.tables import ReportTable, group_digits, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CLASSES, MOST_PAIRS = 20, 15
BACKGROUND = "background"


class DetectorConfusionSection(PageSection[ErrorReport]):
    """The matrix of the classes with most errors, and the most frequent confusions."""

    anchor = "confusion"
    link = "Confusion"
    title = "Confusion with other classes and with the background"
    template = """\
<figure>
<div class="plotbox"><img class="plot" src="{{ plot }}" alt="confusion matrix"></div>
<figcaption>Percent of the objects of a class (row) that were detected as each class (column); in the last column the objects that were not detected, in the last row the detections without an object. {{ rule }} {{ shown }}</figcaption>
</figure>
{% if table.rows %}
{{ ui.table(table) }}
{% endif %}
"""  # noqa: E501

    def context(self, report: ErrorReport) -> dict[str, object]:
        """The matrix and the table."""
        shown = ""
        if len(report.classes) > MOST_CLASSES:
            shown = f"The {MOST_CLASSES} classes with the most errors; the JSON file has all."
        return {
            "plot": matrix_plot(report),
            "rule": rule(report),
            "shown": shown,
            "table": pairs_table(report),
        }

    def markdown(self, report: ErrorReport) -> list[str]:
        """The table."""
        return table_section(self.title, pairs_table(report))


def rule(report: ErrorReport) -> str:
    """How detections and objects are paired."""
    found = report.confusion
    text = (
        f"Detections with a score of {found.score:g} or more, by falling score, each take the free object of"
    )
    return f"{text} the greatest IoU, whatever its class, if that is {found.iou:g} or more."


def matrix_plot(report: ErrorReport) -> str:
    """The matrix of the classes with most errors."""
    chosen = [*report.confusion.most_errors(MOST_CLASSES), len(report.classes)]
    names = [label(name, limit=14) for name in report.classes]
    shown = [*(names[at] for at in chosen[:-1]), BACKGROUND]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        draw_matrix(axes, report.confusion.matrix.tolist(), shown, classes=chosen)
        axes.set_ylabel("object")

    return svg(draw, height=1.4 + 0.3 * len(shown))


def pairs_table(report: ErrorReport) -> ReportTable:
    """The most frequent confusions of two classes."""
    rows = [
        (report.classes[row], report.classes[column], group_digits(count))
        for row, column, count in report.confusion.greatest(MOST_PAIRS)
    ]
    caption = f"The most frequent confusions of two classes. {rule(report)}"
    return ReportTable(caption, ("object", "detected as", "count"), tuple(rows))
