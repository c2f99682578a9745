"""The figures that are not judged: AP50, AP75, sizes and classes, each difference with an interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from darknet_py.report.markdown import escape_markdown, table_to_markdown
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import MOST_COLUMNS, ReportTable, label
from darknet_py.report.verdict_sentence import signed
from darknet_py.stats import Verdict
from darknet_py.stats.covariance import ENOUGH_IMAGES
from darknet_py.stats.unjudged import UnjudgedFigure
from darknet_py.tasks.metrics import NONE

MOST_CLASSES = 400  # rows
FEW = "few"


class OtherFiguresSection(ReportSection):
    """A table of the figures and one of the classes."""

    anchor = "others"
    link = "Not judged"
    title = "Other figures, not judged"
    template = """\
<p>{{ caveat }}</p>
{{ ui.table(figures) }}
{{ ui.table(classes) }}
"""

    def applies(self, report: Report) -> bool:
        """When there are such figures."""
        return bool(report.judgement.figures or report.judgement.classes)

    def context(self, report: Report) -> dict[str, object]:
        """The tables."""
        figures, classes = tables(report)
        return {"caveat": caveat(report), "figures": figures, "classes": classes}

    def markdown(self, report: Report) -> list[str]:
        """The tables."""
        if not self.applies(report):
            return []
        parts = [f"## {self.title}", escape_markdown(caveat(report))]
        for table in tables(report):
            parts += [table_to_markdown(table), escape_markdown(table.caption)]
        return parts

    def json(self, report: Report) -> dict[str, Any]:
        """`not_judged`: of each figure or class and variant the effect and its interval, 0..1."""
        if not self.applies(report):
            return {}
        names = report.comparison.data.classes
        entries = [
            {
                "variant": report.comparison.variants[result.variant].name,
                **({"class": names[one.name]} if isinstance(one.name, int) else {"metric": one.name}),
                "effect": result.effect,
                "low": _finite(result.low),
                "high": _finite(result.high),
                "confidence": result.confidence,
                "images": one.images,
                "few_images": one.few_images,
                "judged": False,
            }
            for one in (*report.judgement.figures, *report.judgement.classes)
            for result in one.results
        ]
        return {"not_judged": entries}


def caveat(report: Report) -> str:
    """Why these intervals decide nothing."""
    word, count = report.metrics.word, len(report.judgement.figures) + len(report.judgement.classes)
    return (
        f"{word} alone is judged. These are {count} more looks at the same runs: each interval holds for all"
        f" variants in 95 of 100 studies, and one of {count} that leaves out 0 may do so by chance."
    )


def tables(report: Report) -> tuple[ReportTable, ReportTable]:
    """Of the figures and of the classes: a row each, a column a variant."""
    words, names = report.metrics.words, report.comparison.data.classes
    figures = [(words[str(one.name)], one) for one in report.judgement.figures]
    classes = [(label(names[int(one.name)]), one) for one in report.judgement.classes]
    caption = (
        f"Difference from {report.baseline} x 100, with its 95 % interval. Images: those with an object, "
        f"of a mean over classes the median of the classes; {FEW}: fewer than {ENOUGH_IMAGES}, for which"
        " intervals are too narrow."
    )
    cut = f" The first {MOST_CLASSES} classes; report.json has all." if len(classes) > MOST_CLASSES else ""
    return (
        _table(report, "figure", figures, caption),
        _table(report, "class", classes[:MOST_CLASSES], f"{report.metrics.of_class} of each class.{cut}"),
    )


def _table(
    report: Report, head: str, rows: Sequence[tuple[str, UnjudgedFigure]], caption: str
) -> ReportTable:
    variants = report.comparison.variants[1:MOST_COLUMNS]
    cells = [
        (
            name,
            f"{one.images} ({FEW})" if one.few_images else str(one.images),
            *(map(_interval, one.results[: len(variants)]) if one.results else [NONE] * len(variants)),
        )
        for name, one in rows
    ]
    return ReportTable(
        caption, (head, "images", *(label(one.name, limit=40) for one in variants)), tuple(cells)
    )


def _interval(one: Verdict) -> str:
    """An effect and its interval; the effect alone where nothing is known of its noise."""
    if not math.isfinite(one.low):
        return f"{signed(one.effect)} ({NONE})"
    return f"{signed(one.effect)} [{signed(one.low)}, {signed(one.high)}]"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
