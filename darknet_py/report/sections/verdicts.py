"""The verdicts on the variants, and a plot of the scores that they are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from darknet_py.report.markdown import table_section
from darknet_py.report.plotting import MOST_VARIANTS, PAPER, colour, panels, svg
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import ReportTable, label
from darknet_py.runs.records import Comparison
from darknet_py.stats.spread import spread_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class VerdictsSection(ReportSection):
    """A sentence per variant and metric, and a dot per seed; of a single variant the dots alone."""

    anchor = "verdicts"
    link = "Verdicts"
    title = "Compared with {baseline}"
    template = """\
{% for name, group in verdicts %}
<section class="verdict">
<h3>{{ ui.swatch(loop.index) }}{{ name }}</h3>
<ul>{% for word, it in group %}<li><b>{{ word }}</b><span class="pill {{ it.outcome }}">{{ it.outcome }}</span><span>{{ it.sentence }}</span></li>{% endfor %}</ul>
</section>
{% endfor %}
<figure>
<div class="plotbox"><img class="plot" src="{{ plot }}" alt="{{ metrics.judged_words }} of every variant, a dot per seed"></div>
<figcaption>One dot per seed; the line spans minimum to maximum. The grey band is the range of {{ baseline }}: a variant whose range overlaps it cannot be distinguished from it.</figcaption>
</figure>
"""  # noqa: E501

    def heading(self, report: Report) -> str:
        """None without a second variant: the plot then belongs to the results."""
        return super().heading(report) if report.verdicts else ""

    def context(self, report: Report) -> dict[str, object]:
        """The verdicts by variant, and the plot."""
        words = report.metrics.words
        verdicts = [
            (label(v.name), [(words[one.metric], one) for one in report.verdicts if one.variant == v.name])
            for v in report.comparison.variants[1:]
        ]
        return {
            "verdicts": verdicts,
            "plot": dots_plot(report.comparison),
            "metrics": report.metrics,
            "baseline": report.baseline,
        }

    def markdown(self, report: Report) -> list[str]:
        """A table of the sentences."""
        if not report.verdicts:
            return []
        words = report.metrics.words
        rows = tuple((label(v.variant), words[v.metric], v.sentence) for v in report.verdicts)
        head = ("variant", "metric", "verdict")
        table = ReportTable(f"Compared with {report.baseline}.", head, rows, numbers=False)
        return table_section("Verdicts", table)

    def json(self, report: Report) -> dict[str, Any]:
        """`verdicts`, in order of the variants."""
        keys = ("variant", "baseline", "metric", "sentence", "differs")
        return {"verdicts": [{key: getattr(verdict, key) for key in keys} for verdict in report.verdicts]}


def dots_plot(comparison: Comparison) -> str:
    """The judged scores of each variant: a dot per seed, a line over the range, the baseline's as a band."""
    variants, metrics = comparison.variants[:MOST_VARIANTS], comparison.metrics

    def draw(figure: Figure) -> None:
        all_axes = panels(figure, len(metrics.judged))
        for axes, metric in zip(all_axes, metrics.judged, strict=True):
            _draw_dots(axes, [variant.values(metric) for variant in variants])
            axes.set_title(f"{metrics.words[metric]} x 100")
        all_axes[0].set_yticks(range(len(variants)), [label(variant.name) for variant in variants])
        all_axes[0].set_ylim(len(variants) - 0.4, -0.6)

    return svg(draw, height=0.7 + 0.42 * len(variants))


def _draw_dots(axes: Axes, rows: Sequence[Sequence[float | None]]) -> None:
    axes.grid(visible=False, axis="y")
    for at, values in enumerate(rows):
        spread = spread_of(values)
        if spread is None:
            continue
        ends = [spread.low * 100, spread.high * 100]
        if at == 0:
            axes.axvspan(ends[0], ends[1], color=colour(0), alpha=0.16, linewidth=0)
        axes.plot(ends, [at, at], color=colour(at), linewidth=2, solid_capstyle="round")
        dots = [value * 100 for value in spread.values]
        axes.scatter(
            dots, [at] * len(dots), s=46, color=colour(at), edgecolors=PAPER, linewidths=1.1, zorder=3
        )
    axes.margins(x=0.08)
