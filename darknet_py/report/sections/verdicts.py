"""The verdicts on the variants, with the effect and interval of each, and the scores that they are about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from darknet_py.report.hover import Hover, Plot
from darknet_py.report.judgement import VariantVerdict
from darknet_py.report.markdown import table_section
from darknet_py.report.plotting import HAIRLINE, INK, MOST_VARIANTS, PAPER, colour, panels, plot
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import ReportTable, label
from darknet_py.report.verdict_sentence import describe_effect
from darknet_py.runs.records import Comparison
from darknet_py.stats.spread import spread_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OF_RESULT = ("effect", "low", "high", "confidence", "df", "method", "visible", "seeds")


class VerdictsSection(ReportSection):
    """A sentence and an interval per variant, and a dot per seed; of a single variant the dots alone."""

    anchor = "verdicts"
    link = "Verdicts"
    title = "Compared with {baseline}"
    template = """\
{% for name, it in verdicts %}
<section class="verdict">
<h3>{{ ui.swatch(loop.index) }}{{ name }}</h3>
<ul><li><b>{{ metrics.word }}</b><span class="pill {{ it.outcome }}">{{ it.outcome }}</span><span>{{ it.sentence }}</span></li></ul>
</section>
{% endfor %}
{% if forest %}
<figure>
{{ ui.plot(forest, "effect of every variant on " ~ metrics.word ~ ", with its interval") }}
<figcaption>Difference from {{ baseline }} in {{ metrics.word }} x 100, with the 95 % interval that holds for all variants at once. Shaded: differences of at most {{ margin }}, which are none for practical purposes.</figcaption>
</figure>
{% endif %}
<figure>
{{ ui.plot(plot, metrics.judged_words ~ " of every variant, a dot per seed") }}
<figcaption>One dot per seed; the line spans minimum to maximum. These ranges decide nothing: they leave out the images.</figcaption>
</figure>
"""  # noqa: E501

    def heading(self, report: Report) -> str:
        """Without a second variant there is nothing to compare: it is the scores of the seeds."""
        return super().heading(report) if report.verdicts else "Scores of the seeds"

    def context(self, report: Report) -> dict[str, object]:
        """The verdicts, and the plots."""
        return {
            "verdicts": [(label(one.variant), one) for one in report.verdicts],
            "forest": forest_plot(report) if any(one.result for one in report.verdicts) else "",
            "plot": dots_plot(report.comparison),
            "metrics": report.metrics,
            "baseline": report.baseline,
            "margin": f"{report.comparison.margin * 100:g}",
        }

    def markdown(self, report: Report) -> list[str]:
        """A table of the sentences."""
        if not report.verdicts:
            return []
        word = report.metrics.word
        rows = tuple((label(v.variant), word, v.sentence) for v in report.verdicts)
        head = ("variant", "metric", "verdict")
        table = ReportTable(f"Compared with {report.baseline}.", head, rows, numbers=False)
        return table_section("Verdicts", table)

    def json(self, report: Report) -> dict[str, Any]:
        """`verdicts`, in order of the variants."""
        return {"verdicts": [verdict_json(one) for one in report.verdicts]}


def verdict_json(one: VariantVerdict) -> dict[str, Any]:
    """A verdict as JSON: figures 0..1, and null where nothing can be judged; `df` null: infinite."""
    keys = ("variant", "baseline", "metric", "outcome", "sentence", "differs")
    result = {key: getattr(one.result, key) if one.result else None for key in OF_RESULT}
    if one.result and math.isinf(one.result.df):
        result["df"] = None
    deciding = {"deciding_images": list(one.deciding)}
    return {key: getattr(one, key) for key in keys} | result | {"effect": one.effect} | deciding


def forest_plot(report: Report) -> Plot:
    """The effect and interval of each variant, from top to bottom, with the margin shaded."""
    judged = [(at, one) for at, one in enumerate(report.verdicts, start=1) if one.result][:MOST_VARIANTS]
    margin = report.comparison.margin * 100

    def draw(figure: Figure, hover: Hover) -> None:
        (axes,) = panels(figure, 1)
        axes.grid(visible=False, axis="y")
        axes.axvspan(-margin, margin, color=HAIRLINE, alpha=0.6, linewidth=0)
        axes.axvline(0, color=INK, linewidth=0.8)
        for row, (at, one) in enumerate(judged):
            assert one.result
            low, effect, high = (
                100 * value for value in (one.result.low, one.result.effect, one.result.high)
            )
            axes.plot([low, high], [row, row], color=colour(at), linewidth=2, solid_capstyle="round")
            axes.scatter([effect], [row], s=46, color=colour(at), edgecolors=PAPER, linewidths=1.1, zorder=3)
            text = f"{label(one.variant)}\n{describe_effect(one.result, report.metrics.word)}"
            hover.span(axes, [(low, row), (high, row)], text)
        axes.set_yticks(range(len(judged)), [label(one.variant) for _, one in judged])
        axes.set_ylim(len(judged) - 0.4, -0.6)
        axes.margins(x=0.08)
        axes.set_title(f"difference in {report.metrics.word} x 100")

    return plot(draw, height=0.7 + 0.42 * len(judged))


def dots_plot(comparison: Comparison) -> Plot:
    """The judged scores of each variant: a dot per seed, a line over the range, the baseline's as a band."""
    variants, metrics = comparison.variants[:MOST_VARIANTS], comparison.metrics

    def draw(figure: Figure, hover: Hover) -> None:
        all_axes = panels(figure, len(metrics.judged))
        for axes, metric in zip(all_axes, metrics.judged, strict=True):
            _draw_dots(axes, [variant.values(metric) for variant in variants])
            axes.set_title(f"{metrics.words[metric]} x 100")
            for row, variant in enumerate(variants):
                for run in variant.runs:
                    if (value := run.scores.metrics[metric]) is not None:
                        text = f"{label(variant.name)}, seed {run.seed}\n"
                        text += f"{metrics.words[metric]} {100 * value:.2f}"
                        hover.span(axes, [(100 * value, row)], text)
        all_axes[0].set_yticks(range(len(variants)), [label(variant.name) for variant in variants])
        all_axes[0].set_ylim(len(variants) - 0.4, -0.6)

    return plot(draw, height=0.7 + 0.42 * len(variants))


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
