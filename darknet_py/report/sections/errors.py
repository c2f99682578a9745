"""What each kind of error costs the detectors, and which classes they confuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet_py.report.errors.confusion import BACKGROUND, MOST_CLASSES
from darknet_py.report.errors.kinds import costs_plot
from darknet_py.report.markdown import table_section
from darknet_py.report.matrix_plot import draw_matrix
from darknet_py.report.plotting import svg
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import MOST_COLUMNS, ReportTable, format_points, label
from darknet_py.runs.records import Comparison, ErrorFacts, VariantRuns
from darknet_py.scoring.errors.confusion import Confusion
from darknet_py.scoring.errors.kinds import ErrorKind
from darknet_py.stats.spread import spread_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BAR_VARIANTS, MOST_MATRICES = 8, 8


class ErrorKindsSection(ReportSection):
    """Of detectors whose errors were recorded."""

    anchor = "errors"
    link = "Errors"
    title = "What each kind of error costs"
    template = """\
{{ ui.table(table) }}
<figure>
{{ ui.plot(costs, "cost of each kind of error and variant") }}
</figure>
<figure>
<div class="plotbox"><img class="plot" src="{{ confusion }}" alt="confusion matrix of each variant"></div>
<figcaption>{{ rule }}</figcaption>
</figure>
"""

    def applies(self, report: Report) -> bool:
        """When the errors of each variant were recorded."""
        return all(_errors(variant) for variant in report.comparison.variants)

    def context(self, report: Report) -> dict[str, object]:
        """The table and the plots."""
        variants = report.comparison.variants[:MOST_BAR_VARIANTS]
        bars = [(label(variant.name), _mean_costs(variant)) for variant in variants]
        return {
            "table": errors_table(report.comparison),
            "costs": costs_plot(bars),
            "confusion": matrices_plot(report.comparison),
            "rule": rule(report.comparison),
        }

    def markdown(self, report: Report) -> list[str]:
        """The table."""
        return table_section(self.title, errors_table(report.comparison)) if self.applies(report) else []

    def json(self, report: Report) -> dict[str, Any]:
        """Costs and counts of each run."""
        if not self.applies(report):
            return {}
        first = _errors(report.comparison.baseline)[0]
        return {
            "errors": {
                variant.name: {
                    kind.value: {
                        **_spread_json([one.costs[kind.value] for one in _errors(variant)]),
                        "cost": [one.costs[kind.value] for one in _errors(variant)],
                        "count": [one.counts[kind.value] for one in _errors(variant)],
                    }
                    for kind in ErrorKind
                }
                for variant in report.comparison.variants
            },
            "confusion_limits": {"score": first.score, "iou": first.iou},
        }


def _spread_json(values: Sequence[float | None]) -> dict[str, Any]:
    spread = spread_of(values)
    mean, half = (spread.mean, spread.half_range) if spread else (None, None)
    return {"mean": mean, "half_range": half}


def _errors(variant: VariantRuns) -> list[ErrorFacts]:
    return [run.errors for run in variant.runs if run.errors]


def _mean_costs(variant: VariantRuns) -> Mapping[ErrorKind, float | None]:
    spreads = {kind: spread_of([one.costs[kind.value] for one in _errors(variant)]) for kind in ErrorKind}
    return {kind: spread.mean if spread else None for kind, spread in spreads.items()}


def errors_table(comparison: Comparison) -> ReportTable:
    """A row a kind, a column a variant."""
    variants = comparison.variants[:MOST_COLUMNS]
    rows = [
        (
            kind.value,
            *(format_points(spread_of([one.costs[kind.value] for one in _errors(v)])) for v in variants),
        )
        for kind in ErrorKind
    ]
    caption = "AP50 x 100 that would be gained if the errors of this kind alone were removed, as TIDE divides"
    caption += " them: mean ± half the range over the seeds. The costs do not add up to what is missing."
    if len(variants) < len(comparison.variants):
        caption += f" The first {len(variants)} variants; report.json has all."
    return ReportTable(caption, ("kind", *(label(v.name, limit=40) for v in variants)), tuple(rows))


def rule(comparison: Comparison) -> str:
    """What the matrices count."""
    first = _errors(comparison.baseline)[0]
    text = (
        "Percent of the objects of a class (row) that were detected as each class (column), seeds added up;"
    )
    text += (
        " in the last column objects that were not detected, in the last row detections without an object."
    )
    text += f" Scores of {first.score:g} or more, IoU {first.iou:g} or more."
    if len(comparison.data.classes) > MOST_CLASSES:
        text += f" The {MOST_CLASSES} classes with the most errors of the baseline."
    return text


def matrices_plot(comparison: Comparison) -> str:
    """The confusion matrix of each variant, seeds added up."""
    variants = comparison.variants[:MOST_MATRICES]
    matrices = [np.sum([one.confusion for one in _errors(variant)], axis=0) for variant in variants]
    first = Confusion(matrices[0], 0, 0)
    chosen = [*first.most_errors(MOST_CLASSES), len(comparison.data.classes)]
    names = [*(label(name, limit=14) for name in comparison.data.classes), BACKGROUND]
    columns = min(2, len(variants))
    rows = -(-len(variants) // columns)

    def draw(figure: Figure) -> None:
        all_axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes, variant, matrix in zip(all_axes, variants, matrices, strict=False):
            draw_matrix(axes, matrix.tolist(), [names[at] for at in chosen], classes=chosen)
            axes.set_title(label(variant.name))
        for axes in all_axes[len(variants) :]:
            axes.set_visible(False)

    return svg(draw, height=0.6 + rows * (1.4 + 0.3 * len(chosen)))
