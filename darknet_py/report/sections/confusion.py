"""The confusion matrix of each classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from darknet_py.report.plotting import INK, svg
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import label
from darknet_py.runs.records import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_MATRICES, MOST_CLASSES = 8, 20
RIGHT, WRONG = "#009e73", "#d55e00"
FULL_WRONG = 0.25  # the share of a class given another class that is drawn in full colour
LEAST_SHARE = 0.005  # a share that is written; half a percent itself would be rounded to 0


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
            matrices = [run.scores.confusion for run in variant.runs if run.scores.confusion]
            _draw_matrix(axes, matrices, names)
            axes.set_title(label(variant.name))
        for axes in all_axes[len(variants) :]:
            axes.set_visible(False)

    return svg(draw, height=0.6 + rows * (1.4 + 0.3 * len(names)))


def _draw_matrix(axes: Axes, matrices: Sequence[Sequence[Sequence[int]]], names: Sequence[str]) -> None:
    from matplotlib.patches import Rectangle

    for row in range(len(names)):
        total = max(1, sum(sum(matrix[row]) for matrix in matrices))
        for column in range(len(names)):
            share = 100 * sum(matrix[row][column] for matrix in matrices) / total
            right = row == column
            alpha = (share / 100 if right else min(1.0, share / (100 * FULL_WRONG))) * 0.85
            corner = (column - 0.5, row - 0.5)
            axes.add_patch(Rectangle(corner, 1, 1, color=RIGHT if right else WRONG, alpha=alpha, linewidth=0))
            if share > 100 * LEAST_SHARE:
                axes.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=6.5, color=INK)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("predicted")
    axes.grid(visible=False)
