"""The trainings: learning curves, and the effort of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from darknet_py.report.findings.rising import describe_rises, rises
from darknet_py.report.hover import Hover, Plot
from darknet_py.report.markdown import escape_markdown, table_section
from darknet_py.report.plotting import add_legend, colour, plot, stroke
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import ReportTable, format_range, label
from darknet_py.runs.curves import thin
from darknet_py.runs.records import Comparison, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CURVES = 12  # variants
CURVE_POINTS = 200
COLUMNS: tuple[tuple[str, Callable[[Run], float], int], ...] = (  # head, value, decimals
    ("iterations", lambda run: run.training.iterations, 0),
    ("epochs", lambda run: run.training.epochs, 1),
    ("images seen", lambda run: run.training.images_seen, 0),
    ("batch", lambda run: run.training.batch, 0),
    ("seconds a run", lambda run: run.training.seconds, 0),
    ("images a second", lambda run: run.training.images_seen / max(run.training.seconds, 1e-9), 1),
)


class TrainingSection(ReportSection):
    """Loss and scores along the epochs, and iterations, images and seconds."""

    anchor = "training"
    link = "Training"
    template = """\
<p>{{ rising }}</p>
<figure>
{{ ui.plot(plot, "loss and scores over the epochs") }}
<figcaption>One colour per variant, one line per seed. The loss is averaged over neighbouring iterations.</figcaption>
</figure>
{{ ui.table(table, by_variant=true) }}
"""  # noqa: E501

    def context(self, report: Report) -> dict[str, object]:
        """The curves and the table."""
        return {
            "rising": describe_rises(report.comparison),
            "plot": curves_plot(report.comparison),
            "table": training_table(report.comparison),
        }

    def markdown(self, report: Report) -> list[str]:
        """The sentence on the end of the trainings, and the table."""
        title, *rest = table_section("Training", training_table(report.comparison))
        return [title, escape_markdown(describe_rises(report.comparison)), *rest]

    def json(self, report: Report) -> dict[str, Any]:
        """`trainings`: the effort of each run; `curves`: as drawn, values 0..1; `rises`: at their end."""
        runs = [(variant, run) for variant in report.comparison.variants for run in variant.runs]
        drawn = [one for one in runs if one[0] in report.comparison.variants[:MOST_CURVES]]
        return {
            "trainings": [
                {"variant": variant.name, "seed": run.seed}
                | {head.replace(" ", "_"): value(run) for head, value, _ in COLUMNS}
                for variant, run in runs
            ],
            "curves": [
                {"variant": variant.name, "seed": run.seed}
                | {key: curve_points(run, key) for key in ("loss", *report.metrics.curves)}
                for variant, run in drawn
            ],
            "rises": [one.to_json() for one in rises(report.comparison)],
        }


def training_table(comparison: Comparison) -> ReportTable:
    """A row per variant: what its trainings took."""
    head = ("variant", *(head for head, _, _ in COLUMNS))
    rows = tuple(
        (
            label(v.name),
            *(format_range([value(run) for run in v.runs], digits=digits) for _, value, digits in COLUMNS),
        )
        for v in comparison.variants
    )
    caption = "The range over the seeds where they differ. Seconds depend on the machine that trained."
    return ReportTable(caption, head, rows)


def curves_plot(comparison: Comparison) -> Plot:
    """Loss (neighbours averaged) and scores over the epochs: a colour per variant, a line per seed."""
    variants, metrics = comparison.variants[:MOST_CURVES], comparison.metrics

    def draw(figure: Figure, hover: Hover) -> None:
        loss, scores = figure.subplots(1, 2)
        for at, variant in reversed(list(enumerate(variants))):
            for run in variant.runs:
                name, points = f"{label(variant.name)}, seed {run.seed}", curve_points(run, "loss")
                _draw_line(loss, points, at)
                hover.line(loss, points, name, across="epoch", up="loss")
                for number, key in enumerate(metrics.curves):
                    points = [(epoch, 100 * value) for epoch, value in curve_points(run, key)]
                    _draw_line(scores, points, at, faint=number > 0)
                    hover.line(scores, points, name, across="epoch", up=metrics.words[key])
        use_log_scale(loss, [value for v in variants for run in v.runs for _, value in run.curves.loss])
        words = ", faint: ".join(metrics.words[key] for key in metrics.curves)
        epochs = max(run.training.epochs for variant in variants for run in variant.runs)
        for axes, title in ((loss, "loss"), (scores, f"{words} x 100")):
            axes.set_title(title)
            axes.set_xlabel("epochs")
            axes.set_xlim(0, epochs or 1)
        add_legend(figure, variants)

    return plot(draw, height=3.7)


def curve_points(run: Run, key: str) -> Sequence[tuple[float, float]]:
    """The curve of the loss or of a score as it is drawn: epochs and values, neighbours averaged."""
    return thin(run.curves.loss if key == "loss" else run.curves.figures[key], CURVE_POINTS)


def _draw_line(axes: Axes, points: Sequence[tuple[float, float]], at: int, *, faint: bool = False) -> None:
    axes.plot(
        [epoch for epoch, _ in points],
        [value for _, value in points],
        color=colour(at),
        linestyle=stroke(at),
        linewidth=1.3,
        marker="o" if 0 < len(points) < 40 else "",
        markersize=2.6,
        alpha=0.4 if faint else 0.9,
    )


def use_log_scale(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic axis for a loss that falls by powers of ten: a linear one shows its first minute only."""
    if not values or min(values) <= 0 or max(values) < 5 * min(values):
        return
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
