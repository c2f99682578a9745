"""The score of each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.report.hover import Hover, Plot
from darknet_py.report.markdown import table_section
from darknet_py.report.plotting import INK, add_legend, colour, plot
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import MOST_COLUMNS, ReportTable, format_points, label
from darknet_py.runs.records import Comparison
from darknet_py.stats.spread import spread_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CLASSES = 400  # rows of the table
MOST_BARS, MOST_BAR_VARIANTS = 20, 8


class ClassesSection(ReportSection):
    """A table and a bar chart of the scores by class."""

    anchor = "classes"
    link = "Classes"
    template = """\
{{ ui.table(table) }}
<figure>
{{ ui.plot(plot, metrics.of_class ~ " of each class and variant") }}
<figcaption>Mean {{ metrics.of_class }} over the seeds; a thin line is the range. Of more than twenty classes, the twenty that differ most between variants.</figcaption>
</figure>
"""  # noqa: E501

    def context(self, report: Report) -> dict[str, object]:
        """The table and the chart."""
        return {
            "table": class_table(report.comparison),
            "plot": classes_plot(report.comparison),
            "metrics": report.metrics,
        }

    def markdown(self, report: Report) -> list[str]:
        """The table."""
        return table_section("Classes", class_table(report.comparison))


def class_table(comparison: Comparison) -> ReportTable:
    """A row per class, a column per variant."""
    variants, classes = comparison.variants[:MOST_COLUMNS], comparison.data.classes[:MOST_CLASSES]
    rows = [
        (label(name), *(format_points(spread_of(v.class_values(name))) for v in variants)) for name in classes
    ]
    caption = f"{comparison.metrics.of_class} x 100 of each class: mean ± half the range over the n seeds of"
    caption += " the table above."
    if len(variants) < len(comparison.variants) or len(classes) < len(comparison.data.classes):
        caption += f" The first {len(variants)} variants and {len(classes)} classes; report.json has all."
    return ReportTable(caption, ("class", *(label(v.name, limit=40) for v in variants)), tuple(rows))


def classes_plot(comparison: Comparison) -> Plot:
    """The score of each class, a bar per variant; of many classes those that differ most."""
    variants, names = comparison.variants[:MOST_BAR_VARIANTS], most_different_classes(comparison)

    def draw(figure: Figure, hover: Hover) -> None:
        axes = figure.subplots()
        thickness = 0.8 / len(variants)
        for at, variant in enumerate(variants):
            spreads = [spread_of(variant.class_values(name)) for name in names]
            offset = (at - (len(variants) - 1) / 2) * thickness
            positions = [row + offset for row in range(len(names))]
            widths = [100 * spread.mean if spread else 0.0 for spread in spreads]
            axes.barh(positions, widths, height=thickness * 0.86, color=colour(at))
            for name, position, spread in zip(names, positions, spreads, strict=True):
                ends = [spread.low * 100, spread.high * 100] if spread else []
                corners = [
                    (0, position - 0.4 * thickness),
                    (max(ends, default=0), position + 0.4 * thickness),
                ]
                hover.span(axes, corners, f"{label(name)}\n{label(variant.name)}: {format_points(spread)}")
                axes.plot(ends, [position] * len(ends), color=INK, linewidth=0.9, alpha=0.75)
        axes.set_yticks(range(len(names)), [label(name) for name in names])
        axes.set_ylim(len(names) - 0.45, -0.55)
        axes.grid(visible=False, axis="y")
        axes.set_title(f"{comparison.metrics.of_class} x 100")
        axes.set_xlim(left=0)
        add_legend(figure, variants)

    return plot(draw, height=1.1 + len(names) * (0.2 + 0.13 * len(variants)))


def most_different_classes(comparison: Comparison) -> tuple[str, ...]:
    """All classes when they are few; else those whose score differs most between variants, in order."""
    classes = tuple(dict.fromkeys(comparison.data.classes))
    if len(classes) <= MOST_BARS:
        return classes

    def difference(name: str) -> float:
        means = [spread.mean for v in comparison.variants if (spread := spread_of(v.class_values(name)))]
        return max(means) - min(means) if means else -1.0

    chosen = sorted(classes, key=difference, reverse=True)[:MOST_BARS]
    return tuple(name for name in classes if name in chosen)
