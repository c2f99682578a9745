"""The page of a comparison whose first run is in training: its learning curve, and what is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darknet_py.compare.durations import format_duration
from darknet_py.compare.experiment import Experiment
from darknet_py.files.atomic import publish_bytes
from darknet_py.graph.summary import totals_as_json
from darknet_py.report.hover import Hover, Plot
from darknet_py.report.page import render_page
from darknet_py.report.plotting import colour, plot
from darknet_py.report.section import PageSection
from darknet_py.report.sections.training import use_log_scale
from darknet_py.report.tables import ReportTable, group_digits, label
from darknet_py.runs.curves import Curves, Points, read_curves, thin
from darknet_py.runs.folders import RunFolder
from darknet_py.tasks.metrics import CLASSIFICATION, DETECTION, Metrics
from darknet_py.train.settings import TrainingPlan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVE_POINTS = 200


@dataclass(frozen=True)
class RunProgress:
    """How far a run in training has come.

    Args:
        done, total: iterations.
        seconds: that it and the other runs of the comparison still take, at this speed.
        runs: of the comparison.
    """

    done: int
    total: int
    seconds: float
    runs: int


@dataclass(frozen=True)
class Begun:
    """The content of the page.

    Args:
        variants: the names, and what their networks cost, as JSON has it.
    """

    data: str
    run: str
    progress: RunProgress
    metrics: Metrics
    curves: Curves
    variants: Mapping[str, Mapping[str, Any]]

    @property
    def baseline(self) -> str:
        """The variant that others are compared with."""
        return label(next(iter(self.variants)))

    @property
    def title(self) -> str:
        """Which variants, on what data."""
        others = len(self.variants) - 1
        names = f"{others} variants of {self.baseline}" if others > 1 else self.baseline
        return f"{names}, on {label(self.data)}"

    @property
    def scores(self) -> str:
        """The scores of the latest evaluation."""
        found = {self.metrics.words[key]: points for key, points in self.curves.figures.items() if points}
        return ", ".join(f"{word} {100 * points[-1][1]:.1f}" for word, points in found.items())


def write_begun(experiment: Experiment, plan: TrainingPlan, progress: RunProgress) -> Path:
    """Write report.html of a comparison whose first run is in training.

    Returns: the path of the page.
    Raises:  ReportError: when the run has no log.
    """
    metrics = DETECTION if plan.graph.heads else CLASSIFICATION
    figures = tuple(dict.fromkeys((*metrics.judged, *metrics.curves)))
    begun = Begun(
        data=experiment.data,
        run=f"{label(plan.name)}, seed {plan.seed}",
        progress=progress,
        metrics=metrics,
        curves=read_curves(RunFolder(plan.out).log, figures=figures),
        variants={one.name: totals_as_json(one.graph) for one in experiment.variants},
    )
    page = experiment.out / "report.html"
    text = render_page(begun, title=begun.title, command="compare", header=BEGUN_HEADER, body=BEGUN_BODY)
    publish_bytes(page, text.encode())
    return page


class BegunSummarySection(PageSection[Begun]):
    """The title, and how far the first run has come."""

    template = """\
<h1>{{ begun.title }}</h1>
<div class="notes" role="status"><progress max="{{ it.total }}" value="{{ it.done }}"></progress><br>No run of {{ it.runs }} has ended. {{ begun.run }}: {{ it.done }} of {{ it.total }} iterations{% if begun.scores %}, {{ begun.scores }} in the latest evaluation{% endif %}. All runs take about {{ left }} more. Verdicts come with the last run. `compare` writes this page again after runs; where it was stopped, the same command resumes it.</div>
"""  # noqa: E501

    def context(self, report: Begun) -> dict[str, object]:
        """What is known."""
        it = report.progress
        return {"begun": report, "it": it, "left": format_duration(it.seconds)}


class BegunTrainingSection(PageSection[Begun]):
    """The learning curve so far."""

    anchor = "training"
    link = "Training"
    template = """\
<figure>
{{ ui.plot(plot, "loss and scores of the first run so far") }}
<figcaption>{{ run }}, so far. The loss is averaged over neighbouring iterations.</figcaption>
</figure>
"""

    def context(self, report: Begun) -> dict[str, object]:
        """The curves."""
        return {"plot": begun_plot(report), "run": report.run}


class BegunVariantsSection(PageSection[Begun]):
    """What is compared."""

    anchor = "variants"
    link = "Variants"
    template = "{{ ui.table(table, by_variant=true) }}"

    def context(self, report: Begun) -> dict[str, object]:
        """A row per variant."""
        rows = tuple(
            (
                label(name),
                group_digits(cost["parameters"]),
                f"{cost['bflops']:.3f}",
                str(cost["reach"][0]),
            )
            for name, cost in report.variants.items()
        )
        head = ("variant", "parameters", "BFLOPs", "receptive field")
        return {"table": ReportTable(f"The others are compared with {report.baseline}.", head, rows)}


BEGUN_HEADER: tuple[PageSection[Begun], ...] = (BegunSummarySection(),)
BEGUN_BODY: tuple[PageSection[Begun], ...] = (BegunTrainingSection(), BegunVariantsSection())


def begun_plot(begun: Begun) -> Plot:
    """Loss and scores over the epochs."""

    def draw(figure: Figure, hover: Hover) -> None:
        loss, scores = figure.subplots(1, 2)
        _draw_line(loss, hover, thin(begun.curves.loss, CURVE_POINTS), "loss", at=0)
        use_log_scale(loss, [value for _, value in begun.curves.loss])
        for at, (key, points) in enumerate(begun.curves.figures.items()):
            percent = tuple((epoch, 100 * value) for epoch, value in points)
            _draw_line(scores, hover, percent, begun.metrics.words[key], at=at)
        loss.set_title("loss")
        scores.set_title("scores x 100")
        scores.legend()
        scores.set_ylim(bottom=0)
        for axes in (loss, scores):
            axes.set_xlabel("epochs")
            axes.set_xlim(left=0)

    return plot(draw, height=3.3)


def _draw_line(axes: Axes, hover: Hover, points: Points, word: str, *, at: int) -> None:
    x: Sequence[float] = [epoch for epoch, _ in points]
    y = [value for _, value in points]
    axes.plot(x, y, color=colour(at), marker="o", markersize=2.6, linewidth=1.3, label=word)
    hover.line(axes, points, word, across="epoch", up=word)
