"""Run folders become one page, one Markdown file and one JSON file.

The report is a pure function of the folder: no clock, no host, no absolute path. Equal folders, equal bytes.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darknet_py.errors import quoted
from darknet_py.files.atomic import publish_bytes
from darknet_py.report import plots, summary, tables
from darknet_py.report.confusion import confusion_plot
from darknet_py.runs.records import Comparison, Variant, read_comparison
from darknet_py.stats.verdict import Verdict, spread

MOST_DIFF_LINES, MOST_DIFF_LINES_IN_ALL = 400, 8000
MOST_OPEN_DIFFS = 4
MOST_SAMPLE_VARIANTS = 6
KINDS = {"+": "added", "-": "removed", "@": "place"}


@dataclass(frozen=True)
class Diff:
    """What a variant changes in the cfg of the baseline: (kind, text) a line."""

    name: str
    origin: str
    lines: tuple[tuple[str, str], ...]


def write_report(folder: Path) -> Path:
    """Write report.json, report.md and report.html into a folder of finished runs.

    Returns: the path of the page.
    Raises:  ReportError: when the runs are not there, or not comparable.
    """
    comparison = read_comparison(folder)
    found = summary.verdicts(comparison)
    diffs = cfg_diffs(comparison)
    value = json.dumps(report_value(comparison, found), indent=1, allow_nan=False) + "\n"
    page = folder / "report.html"
    publish_bytes(folder / "report.json", value.encode())
    publish_bytes(folder / "report.md", report_markdown(comparison, found, diffs).encode())
    publish_bytes(page, report_page(comparison, found, diffs).encode())
    return page


def report_value(comparison: Comparison, found: Sequence[Verdict]) -> dict[str, Any]:
    """The report as JSON: scores are 0..1, and null where there is no truth."""
    data = comparison.data
    return {
        "format": 1,
        "task": comparison.metrics.task,
        "data": {
            "name": data.name,
            "fingerprint": data.fingerprint,
            "images": data.images,
            "classes": data.classes,
        },
        "seeds": comparison.seeds,
        "variants": [_variant_value(variant) for variant in comparison.variants],
        "verdicts": [
            {key: getattr(verdict, key) for key in ("variant", "baseline", "metric", "sentence", "differs")}
            for verdict in found
        ],
    }


def _variant_value(variant: Variant) -> dict[str, Any]:
    network = variant.network
    per_class = {name: spread(variant.class_values(name)) for name in variant.runs[0].scores.per_class}
    return {
        "name": variant.name,
        "cfg": variant.cfg,
        "edits": variant.edits,
        "missing": variant.missing,
        "parameters": network.parameters,
        "trainable": network.trainable,
        "bflops": network.bflops,
        "bflops_conv": network.bflops_conv,
        "reach": network.reach,
        "latency_ms": variant.latency.median if variant.latency else None,
        **{metric: _spread_value(variant.values(metric)) for metric in variant.runs[0].metrics.words},
        "per_class": {name: value.mean if value else None for name, value in per_class.items()},
    }


def _spread_value(values: tuple[float | None, ...]) -> dict[str, Any]:
    value = spread(values)
    ends = (value.mean, value.low, value.high) if value else (None, None, None)
    return dict(zip(("mean", "min", "max", "runs"), (*ends, values), strict=True))


def cfg_diffs(comparison: Comparison) -> tuple[Diff, ...]:
    """The cfg of every variant against the baseline's."""
    left, diffs = MOST_DIFF_LINES_IN_ALL, []
    for variant in comparison.variants[1:]:
        lines = tuple(_diff_lines(comparison.baseline, variant, most=min(left, MOST_DIFF_LINES)))
        left -= len(lines)
        origin = tables.label(" ".join([variant.cfg, *variant.edits]), limit=200)
        diffs.append(Diff(tables.label(variant.name), origin, lines))
    return tuple(diffs)


def _diff_lines(base: Variant, variant: Variant, *, most: int) -> Iterator[tuple[str, str]]:
    before, after = (v.runs[0].cfg_text.expandtabs(4).splitlines() for v in (base, variant))
    lines = list(difflib.unified_diff(before, after, lineterm=""))[2:]
    for line in lines[:most]:
        yield KINDS.get(line[0], "same"), quoted(line, limit=200)
    if len(lines) > most:
        yield "place", f"… {len(lines) - most} more lines: compare the net.cfg of the two"


def report_markdown(comparison: Comparison, found: Sequence[Verdict], diffs: Sequence[Diff]) -> str:
    """The report as Markdown, without its pictures."""
    escape = tables.escape_markdown
    parts = [f"# {escape(summary.headline(comparison))}", escape(summary.summary(comparison, found))]
    parts += [f"- {escape(note)}" for note in summary.notes(comparison)]
    parts += _section(tables.main_table(comparison), "Results")
    if found:
        rows = tuple((tables.label(v.variant), comparison.metrics.words[v.metric], v.sentence) for v in found)
        base = tables.label(comparison.baseline.name)
        parts += _section(
            tables.Table(f"Against {base}.", ("variant", "metric", "what can be said"), rows, numbers=False),
            "Verdicts",
        )
    parts += _section(tables.class_table(comparison), "Classes")
    for diff in diffs:
        parts += [f"## What {escape(diff.name)} changes", escape(diff.origin), _fenced(diff)]
    parts += _section(tables.protocol_table(comparison), "Protocol")
    parts += _section(tables.training_table(comparison), "Training")
    return "\n\n".join(parts) + "\n"


def _section(table: tables.Table, title: str) -> list[str]:
    return [f"## {title}", tables.to_markdown(table).rstrip(), tables.escape_markdown(table.caption)]


def _fenced(diff: Diff) -> str:
    """A code block whose fence is longer than any inside."""
    body = "\n".join(text for _, text in diff.lines) or "(the texts are equal)"
    fence = "`" * max(
        3, 1 + max(len(run) for run in "".join(c if c == "`" else " " for c in body).split(" "))
    )
    return f"{fence}diff\n{body}\n{fence}"


def report_page(comparison: Comparison, found: Sequence[Verdict], diffs: Sequence[Diff]) -> str:
    """The report as one HTML page that needs nothing from outside."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent, encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        title=summary.headline(comparison),
        summary=summary.summary(comparison, found),
        notes=summary.notes(comparison),
        metrics=comparison.metrics,
        baseline=tables.label(comparison.baseline.name),
        colours=[plots.colour(at) for at in range(len(comparison.variants))],
        tables={
            "main": tables.main_table(comparison),
            "classes": tables.class_table(comparison),
            "protocol": tables.protocol_table(comparison),
            "training": tables.training_table(comparison),
        },
        verdicts=_grouped(comparison, found),
        plots=_plots(comparison),
        samples=_samples(comparison),
        diffs=diffs,
        diffs_open=len(diffs) <= MOST_OPEN_DIFFS,
    )


def _grouped(comparison: Comparison, found: Sequence[Verdict]) -> list[tuple[str, list[tuple[str, Verdict]]]]:
    """The verdicts of each variant but the baseline, in its place."""
    by_name: dict[str, list[tuple[str, Verdict]]] = {variant.name: [] for variant in comparison.variants[1:]}
    for verdict in found:
        by_name[verdict.variant].append((comparison.metrics.words[verdict.metric], verdict))
    return [(tables.label(name), group) for name, group in by_name.items()]


def _plots(comparison: Comparison) -> dict[str, str]:
    return {
        "dots": plots.dots_plot(comparison),
        "curves": plots.curves_plot(comparison),
        "classes": plots.classes_plot(comparison),
        "cost": plots.cost_plot(comparison),
        "confusion": confusion_plot(comparison) if comparison.metrics.task == "classification" else "",
    }


def _samples(comparison: Comparison) -> dict[str, Any]:
    """The same picture for every variant, side by side: a row a picture."""
    variants = [v for v in comparison.variants if v.samples][:MOST_SAMPLE_VARIANTS]
    keys = sorted({key for variant in variants for key in variant.samples})[:4]
    rows = [
        [plots.sample_picture(v.samples[key]) if key in v.samples else None for v in variants] for key in keys
    ]
    return {"names": [tables.label(variant.name) for variant in variants], "rows": rows}
