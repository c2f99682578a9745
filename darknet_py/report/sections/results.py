"""The main table: scores and costs of every variant."""

from __future__ import annotations

from typing import Any

from darknet_py.report.markdown import table_section
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import ReportTable, format_points, group_digits, label
from darknet_py.runs.records import Comparison, Latency, VariantRuns
from darknet_py.stats.spread import spread_of
from darknet_py.tasks.metrics import NONE

FIRST_SCORE = 2  # the column of the first score, after the variant and its seeds
COSTS_CAPTION = (
    "Parameters: all numbers of the weights file. BFLOPs: all layers, as AlexeyAB counts. Reach: the largest"
    " receptive field of a head, in rows x columns of the image."
)


class ResultsSection(ReportSection):
    """Scores and costs of every variant, with marks where a variant differs from the baseline."""

    anchor = "results"
    link = "Results"
    template = """\
{{ ui.table(table, by_variant=true, marks=marks, note=note) }}
"""

    def context(self, report: Report) -> dict[str, object]:
        """The main table, and the outcome of the verdict on each of its cells."""
        metrics = report.metrics.judged
        marks = {
            (1 + at // len(metrics), FIRST_SCORE + at % len(metrics)): verdict.outcome
            for at, verdict in enumerate(report.verdicts)
        }
        note = f" ▲ ▼: better or worse than {report.baseline}, by the verdicts."
        return {
            "table": main_table(report.comparison),
            "marks": marks,
            "note": note if report.verdicts else "",
        }

    def markdown(self, report: Report) -> list[str]:
        """The main table."""
        return table_section("Results", main_table(report.comparison))

    def json(self, report: Report) -> dict[str, Any]:
        """`variants`: the scores and costs of each."""
        return {"variants": [_variant_json(variant) for variant in report.comparison.variants]}


def main_table(comparison: Comparison) -> ReportTable:
    """A row per variant: seeds, scores, costs."""
    timed = any(variant.latency for variant in comparison.variants)
    metrics, rows = comparison.metrics.words, []
    for variant in comparison.variants:
        network, done = variant.network, len(variant.runs)
        seeds = f"{done} of {done + len(variant.missing)}" if variant.missing else str(done)
        scores = [format_points(spread_of(variant.values(metric))) for metric in metrics]
        reach = " x ".join(map(str, network.reach))
        costs = [group_digits(network.parameters), f"{network.bflops:.3f}", reach]
        if timed:
            costs.append(f"{variant.latency.median:.1f}" if variant.latency else NONE)
        rows.append((label(variant.name), seeds, *scores, *costs))
    head = ("variant", "seeds", *metrics.values(), "parameters", "BFLOPs", "reach", *["ms"] * timed)
    return ReportTable(_caption(comparison, timed=timed), head, tuple(rows))


def _caption(comparison: Comparison, *, timed: bool) -> str:
    counts = sorted({len(variant.runs) for variant in comparison.variants})
    word = comparison.metrics.word
    if counts == [1]:
        scores = f"{word} x 100 of one seed, which has no spread."
    else:
        n = " or ".join(map(str, counts))
        scores = f"{word} x 100: mean ± half the range over the n seeds (n = {n})."
    if not timed:
        return f"{scores} {COSTS_CAPTION}"
    setting = comparison.latency_setting
    keys = [key for key in ("device", "threads", "batch", "rounds") if key in setting]
    measured = label(", ".join(f"{key} {setting[key]}" for key in keys), limit=120)
    busy = any(one.latency and one.latency.disturbed for one in comparison.variants)
    remark = ", measured while the machine was busy" if busy else ""
    return f"{scores} {COSTS_CAPTION} ms: median latency of one image ({measured}){remark}."


def _variant_json(variant: VariantRuns) -> dict[str, Any]:
    network, first = variant.network, variant.runs[0]
    per_class = {name: spread_of(variant.class_values(name)) for name in first.scores.per_class}
    return {
        "name": variant.name,
        "cfg": variant.cfg,
        "edits": variant.edits,
        "missing": variant.missing,
        "not_finite": {str(seed): why for seed, why in variant.not_finite.items()},
        "parameters": network.parameters,
        "trainable": network.trainable,
        "bflops": network.bflops,
        "bflops_conv": network.bflops_conv,
        "reach": network.reach,
        "latency_ms": variant.latency.median if variant.latency else None,
        "latency": _latency_json(variant.latency),
        **{metric: _spread_json(variant.values(metric)) for metric in first.metrics.words},
        "per_class": {name: value.mean if value else None for name, value in per_class.items()},
        "per_class_half_range": {name: one.half_range if one else None for name, one in per_class.items()},
    }


def _spread_json(values: tuple[float | None, ...]) -> dict[str, Any]:
    value = spread_of(values)
    if value is None:
        return dict.fromkeys(("mean", "half_range", "min", "max")) | {"runs": values}
    return {
        "mean": value.mean,
        "half_range": value.half_range,
        "min": value.low,
        "max": value.high,
        "runs": values,
    }


def _latency_json(one: Latency | None) -> dict[str, Any] | None:
    if one is None:
        return None
    row = {"median": one.median, "min": one.low, "max": one.high, "share": one.share}
    return {**row, "disturbed": one.disturbed}
