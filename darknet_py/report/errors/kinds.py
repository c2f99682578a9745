"""What each kind of error costs, in all and by size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from darknet_py.report.errors.content import ErrorReport
from darknet_py.report.hover import Hover, Plot
from darknet_py.report.markdown import table_section
from darknet_py.report.plotting import PALETTE, colour, plot
from darknet_py.report.section import PageSection
from darknet_py.report.tables import ReportTable, group_digits
from darknet_py.scoring.errors.costs import SIZES, ErrorCosts
from darknet_py.scoring.errors.kinds import DESCRIPTIONS, ErrorKind
from darknet_py.tasks.metrics import in_percent

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

CAPTION = """\
AP50 x 100 that would be gained if the errors of this kind alone were removed; costs do not add up to \
what is missing, and those of sizes not to their sum. A false detection counts by the size of the object \
that it is about, or by its own."""


class KindsSection(PageSection[ErrorReport]):
    """Bars of the costs, and a table."""

    anchor = "kinds"
    link = "Kinds of errors"
    title = "What each kind of error costs"
    template = """\
<figure>
{{ ui.plot(plot, "cost of each kind of error") }}
</figure>
{{ ui.table(table) }}
<h3>The kinds: of a false detection, the first that applies</h3>
<dl>
{% for kind, text in kinds %}<dt>{{ kind.value }}</dt><dd>{{ text }}</dd>
{% endfor %}
</dl>
"""

    def context(self, report: ErrorReport) -> dict[str, object]:
        """The bars and the table."""
        costs = {one.kind: one.cost for one in report.costs.kinds}
        return {
            "plot": costs_plot([("", costs)]),
            "table": kinds_table(report.costs),
            "kinds": list(DESCRIPTIONS.items()),
        }

    def markdown(self, report: ErrorReport) -> list[str]:
        """The table."""
        kinds = [f"- {kind.value}: {text}" for kind, text in DESCRIPTIONS.items()]
        return [*table_section(self.title, kinds_table(report.costs)), "\n".join(kinds)]


def kinds_table(costs: ErrorCosts) -> ReportTable:
    """A row a kind: number, cost, and cost by size."""
    rows = [
        (
            one.kind.value,
            group_digits(one.count),
            in_percent(one.cost),
            *(in_percent(one.by_size[size]) for size in SIZES),
        )
        for one in costs.kinds
    ]
    dash = "\N{EN DASH}"
    for name, cost in (
        ("all false detections", costs.false_positives),
        ("all unfound objects", costs.false_negatives),
    ):
        rows.append((name, dash, in_percent(cost), *(dash for _ in SIZES)))
    return ReportTable(CAPTION, ("kind", "errors", "cost in AP50", *SIZES), tuple(rows))


def costs_plot(networks: Sequence[tuple[str, Mapping[ErrorKind, float | None]]]) -> Plot:
    """Bars of the costs of each kind, one for each network.

    Args:
        networks: names and costs, 0..1; a single network has the second colour and no name.
    """

    def draw(figure: Figure, hover: Hover) -> None:
        axes = figure.subplots()
        kinds, thickness = list(ErrorKind), 0.8 / len(networks)
        handles: list[Artist] = []
        for at, (name, costs) in enumerate(networks):
            shift = (at - (len(networks) - 1) / 2) * thickness
            widths = [100 * (costs[kind] or 0) for kind in kinds]
            ink = colour(at) if len(networks) > 1 else PALETTE[1]
            places = [row + shift for row in range(len(kinds))]
            bars = axes.barh(places, widths, height=thickness * 0.86, color=ink)
            handles.append(bars.patches[0])
            axes.bar_label(bars, [f"{width:.1f}" for width in widths], padding=3, fontsize=8)
            for kind, place, width in zip(kinds, places, widths, strict=True):
                corners = [(0, place - 0.43 * thickness), (width, place + 0.43 * thickness)]
                hover.span(axes, corners, f"{name}\n{kind.value}: {width:.1f}".lstrip())
        axes.set_yticks(range(len(kinds)), [kind.value for kind in kinds])
        axes.set_ylim(len(kinds) - 0.45, -0.55)
        axes.grid(visible=False, axis="y")
        axes.set_title("cost in AP50 x 100")
        axes.set_xlim(left=0)
        if len(networks) > 1:
            names = [name for name, _ in networks]
            figure.legend(handles, names, loc="outside upper left", ncols=min(4, len(names)))

    return plot(draw, height=1.0 + len(ErrorKind) * (0.2 + 0.13 * len(networks)))
