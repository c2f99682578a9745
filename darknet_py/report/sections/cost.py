"""The score of each variant against its cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from darknet_py.report.hover import Hover, Plot
from darknet_py.report.plotting import MOST_IN_LEGEND, MOST_VARIANTS, PAPER, add_legend, colour, panels, plot
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import format_points, label
from darknet_py.runs.records import Comparison, VariantRuns
from darknet_py.stats.spread import spread_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class CostSection(ReportSection):
    """A plot of the first score against BFLOPs, and against latency where it was measured."""

    anchor = "cost"
    link = "Cost"
    template = """\
<figure>
{{ ui.plot(plot, word ~ " against BFLOPs and latency") }}
<figcaption>Mean {{ word }}, with its range over the seeds, against the cost of one image. Up and to the left is better.</figcaption>
</figure>
"""  # noqa: E501

    def context(self, report: Report) -> dict[str, object]:
        """The plot."""
        return {"plot": cost_plot(report.comparison), "word": report.metrics.word}


def cost_plot(comparison: Comparison) -> Plot:
    """The first score against BFLOPs, and against latency when every variant has it."""
    variants = comparison.variants[:MOST_VARIANTS]
    costs = [("BFLOPs, all layers", [variant.network.bflops for variant in variants])]
    if all(variant.latency for variant in variants):
        times = [v.latency.median if v.latency else math.nan for v in variants]
        costs.append(("latency, ms an image", times))

    def draw(figure: Figure, hover: Hover) -> None:
        all_axes = panels(figure, len(costs))
        for axes, (title, x) in zip(all_axes, costs, strict=True):
            _draw_points(axes, x, variants)
            _mark_points(hover, axes, title, x, variants)
            axes.set_xlabel(title)
        all_axes[0].set_title(f"{comparison.metrics.word} x 100")
        add_legend(figure, variants[:MOST_IN_LEGEND])

    return plot(draw, height=3.3)


def _draw_points(axes: Axes, x: Sequence[float], variants: Sequence[VariantRuns]) -> None:
    for at, (cost, variant) in enumerate(zip(x, variants, strict=True)):
        spread = spread_of(variant.values(variant.runs[0].metrics.first))
        if spread:
            ends = [spread.low * 100, spread.high * 100]
            axes.plot([cost, cost], ends, color=colour(at), linewidth=2, solid_capstyle="round")
            axes.scatter([cost], [spread.mean * 100], s=52, color=colour(at), edgecolors=PAPER, zorder=3)
    axes.margins(x=0.15, y=0.12)


def _mark_points(
    hover: Hover, axes: Axes, title: str, x: Sequence[float], variants: Sequence[VariantRuns]
) -> None:
    for cost, variant in zip(x, variants, strict=True):
        metrics = variant.runs[0].metrics
        if spread := spread_of(variant.values(metrics.first)):
            text = f"{label(variant.name)}\n{metrics.word} {format_points(spread)}\n{title}: {cost:.4g}"
            hover.span(axes, [(cost, spread.mean * 100)], text)
