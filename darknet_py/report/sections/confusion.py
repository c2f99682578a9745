"""The confusion matrix of each classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from darknet_py.report.matrix_plot import draw_matrix
from darknet_py.report.plotting import svg
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import label
from darknet_py.runs.records import Comparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_MATRICES, MOST_CLASSES = 8, 20


class ConfusionSection(ReportSection):
    """Which classes a classifier confuses; detectors have no such section."""

    anchor = "confusion"
    link = "Confusion"
    title = "Confusion matrices"
    template = """\
<figure>
<div class="plotbox"><img class="plot" src="{{ plot }}" alt="confusion matrix of each variant"></div>
<figcaption>Percent of the images of a class (row) that were assigned to each class (column), seeds added up. Shares under half a percent are left blank.</figcaption>
</figure>
"""  # noqa: E501

    def applies(self, report: Report) -> bool:
        """Of classifiers."""
        return report.metrics.task == "classification"

    def context(self, report: Report) -> dict[str, object]:
        """The plot."""
        return {"plot": confusion_plot(report.comparison)}


def confusion_plot(comparison: Comparison) -> str:
    """The confusion matrix of each variant in percent, seeds added up; a row is a label."""
    variants = comparison.variants[:MOST_MATRICES]
    names = [label(name, limit=14) for name in comparison.data.classes[:MOST_CLASSES]]
    columns = min(2, len(variants))
    rows = -(-len(variants) // columns)

    def draw(figure: Figure) -> None:
        all_axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes, variant in zip(all_axes, variants, strict=False):
            matrix = _added([run.scores.confusion for run in variant.runs], len(comparison.data.classes))
            draw_matrix(axes, matrix, names)
            axes.set_title(label(variant.name))
        for axes in all_axes[len(variants) :]:
            axes.set_visible(False)

    return svg(draw, height=0.6 + rows * (1.4 + 0.3 * len(names)))


def _added(matrices: Sequence[Sequence[Sequence[int]]], side: int) -> list[list[int]]:
    """The sum of the matrices; runs without one do not count."""
    known = [matrix for matrix in matrices if matrix]
    return [[sum(one[row][column] for one in known) for column in range(side)] for row in range(side)]
