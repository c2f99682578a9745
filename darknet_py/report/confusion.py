"""Which class a classifier takes for which, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from darknet_py.report.plots import INK, svg
from darknet_py.report.tables import label
from darknet_py.runs.records import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_VARIANTS, MOST_CLASSES = 8, 20
RIGHT, WRONG = "#009e73", "#d55e00"
MUCH = 25  # percent of a class taken for another: drawn in full


def confusion_plot(comparison: Comparison) -> str:
    """Which class is taken for which, seeds added up: rows are labels, columns predictions, in percent."""
    variants = comparison.variants[:MOST_VARIANTS]
    names = [label(name, limit=14) for name in comparison.data.classes[:MOST_CLASSES]]
    columns = min(2, len(variants))
    rows = -(-len(variants) // columns)

    def draw(figure: Figure) -> None:
        panels = figure.subplots(rows, columns, squeeze=False).flat
        for axes, variant in zip(panels, variants, strict=False):
            counts = [run.scores.confusion for run in variant.runs if run.scores.confusion]
            _confusion(axes, counts, names)
            axes.set_title(label(variant.name))
        for axes in list(figure.axes)[len(variants) :]:
            axes.set_visible(False)

    return svg(draw, height=0.6 + rows * (1.4 + 0.3 * len(names)))


def _confusion(axes: Axes, counts: Sequence[Sequence[Sequence[int]]], names: Sequence[str]) -> None:
    many = range(len(names))
    sums = [[sum(one[row][column] for one in counts) for column in many] for row in many]
    totals = [max(1, sum(sum(one[row]) for one in counts)) for row in many]
    shares = [[100 * sums[row][column] / totals[row] for column in many] for row in many]
    for row in many:
        for column in many:
            share = shares[row][column]
            tone = RIGHT if row == column else WRONG
            strength = (share / 100 if row == column else min(1.0, share / MUCH)) * 0.85
            axes.add_patch(_square(column, row, tone, strength))
            if share > 0.5:  # half a percent itself is written as 0
                axes.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=6.5, color=INK)
    axes.set_xticks(many, names, rotation=90)
    axes.set_yticks(many, names)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("predicted")
    axes.grid(visible=False)


def _square(x: float, y: float, tone: str, strength: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.5, y - 0.5), 1, 1, color=tone, alpha=strength, linewidth=0)
