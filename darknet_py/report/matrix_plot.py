"""A confusion matrix in percent of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from darknet_py.report.plotting import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RIGHT, WRONG = "#009e73", "#d55e00"
FULL_WRONG = 0.25  # the share of a class given another class that is drawn in full colour
LEAST_SHARE = 0.005  # a share that is written; half a percent itself would be rounded to 0


def draw_matrix(
    axes: Axes, matrix: Sequence[Sequence[int]], names: Sequence[str], *, classes: Sequence[int] | None = None
) -> None:
    """Draw the percentages of a matrix of counts; rows are truths.

    Args:
        names: of the classes that are drawn.
        classes: the rows and columns that are drawn; None: the first ones. Percentages are of complete rows.
    """
    from matplotlib.patches import Rectangle

    chosen = range(len(names)) if classes is None else classes
    for row, truth in enumerate(chosen):
        total = max(1, sum(matrix[truth]))
        for column, predicted in enumerate(chosen):
            share = 100 * matrix[truth][predicted] / total
            if not share:  # most cells; they would make the page slow and large
                continue
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
