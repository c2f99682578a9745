"""The tables of a report: rows of plain text, and how they are written as Markdown.

A cell is text that may be shown: control characters of foreign names are already written as escapes. What a
page or a Markdown file takes for markup is escaped where it is rendered, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from darknet_py.errors import quoted
from darknet_py.runs.records import Comparison, Run, Variant
from darknet_py.stats.verdict import Spread, spread

NONE = "n/a"
THIN = "\N{NARROW NO-BREAK SPACE}"
# A table of classes wider than this cannot be read; report.json has them all.
MOST_COLUMNS = 12
MOST_CLASSES = 400


@dataclass(frozen=True)
class Table:
    """A caption, the names of the columns, and rows of text; `numbers` stand to the right, words left."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: bool = True


def label(text: str, *, limit: int = 60) -> str:
    """A foreign name, fit to be shown: control characters escaped, and cut."""
    return quoted(text, limit=limit)


def points(value: Spread | None) -> str:
    """A mean and half its range, in points of 100.

    >>> points(Spread((0.404, 0.42))), points(None)
    ('41.2 ± 0.8', 'n/a')
    """
    if value is None:
        return NONE
    mean = f"{value.mean * 100:.1f}"
    return mean if len(value.values) == 1 else f"{mean} ± {value.half_range * 100:.1f}"


def grouped(number: int) -> str:
    """A count with thin spaces between the thousands: 8 676 244."""
    return f"{number:,}".replace(",", THIN)


def span(values: Sequence[float], *, digits: int = 0) -> str:
    """The least and the greatest of some numbers, or the one they all are.

    >>> span([412.0, 417.5]), span([40.0, 40.0])
    ('412 .. 418', '40')
    """
    low, high = f"{min(values):,.{digits}f}", f"{max(values):,.{digits}f}"
    return (low if low == high else f"{low} .. {high}").replace(",", THIN)


def main_table(comparison: Comparison) -> Table:
    """Every variant: what it reaches, what it costs, what it sees."""
    timed = any(variant.latency for variant in comparison.variants)
    words = comparison.metrics.words.values()
    head = ("variant", "seeds", *words, "parameters", "BFLOPs", "reach", *["ms"] * timed)
    rows = tuple(_main_row(variant, timed=timed) for variant in comparison.variants)
    return Table(_main_caption(comparison, timed=timed), head, rows)


def _main_row(variant: Variant, *, timed: bool) -> tuple[str, ...]:
    network = variant.network
    scores = [points(spread(variant.values(metric))) for metric in variant.runs[0].metrics.words]
    costs = grouped(network.parameters), f"{network.bflops:.3f}", " x ".join(map(str, network.reach))
    times = [f"{variant.latency.median:.1f}" if variant.latency else NONE] * timed
    return (label(variant.name), seeds_done(variant), *scores, *costs, *times)


def seeds_done(variant: Variant) -> str:
    """How many seeds count, and of how many when some have not finished."""
    done = len(variant.runs)
    return f"{done} of {done + len(variant.missing)}" if variant.missing else str(done)


def _main_caption(comparison: Comparison, *, timed: bool) -> str:
    counts = sorted({len(variant.runs) for variant in comparison.variants})
    word = comparison.metrics.word
    if counts == [1]:
        meaning = f"{word} x 100 of one seed, which has no spread."
    else:
        meaning = (
            f"{word} x 100: mean ± half the range over the n seeds (n = {' or '.join(map(str, counts))})."
        )
    costs = "Parameters: every float of the weights file. BFLOPs: all layers, as AlexeyAB counts. Reach: the"
    costs += " rows x columns of the image that the widest head sees."
    return f"{meaning} {costs}" + f" ms: median latency of one image ({_setting(comparison)})." * timed


def _setting(comparison: Comparison) -> str:
    setting = comparison.latency_setting
    keys = ("device", "threads", "batch", "rounds")
    return label(", ".join(f"{key} {setting[key]}" for key in keys if key in setting), limit=120)


def class_table(comparison: Comparison) -> Table:
    """The figure of every class, a column a variant."""
    variants, classes = comparison.variants[:MOST_COLUMNS], comparison.data.classes[:MOST_CLASSES]
    rows = [(label(name), *(points(spread(v.class_values(name))) for v in variants)) for name in classes]
    caption = f"{comparison.metrics.of_class} x 100 of each class: mean ± half the range over the n seeds of"
    caption += " the table above."
    if len(variants) < len(comparison.variants) or len(classes) < len(comparison.data.classes):
        caption += f" The first {len(variants)} variants and {len(classes)} classes; report.json has all."
    return Table(caption, ("class", *(label(v.name, limit=40) for v in variants)), tuple(rows))


def training_table(comparison: Comparison) -> Table:
    """What the training of each variant took."""
    head = ("variant", "iterations", "epochs", "images seen", "batch", "seconds a run", "images a second")
    caption = "Range over the seeds, where they differ. Seconds are of the machine that trained."
    rows = tuple((label(v.name), *_training_row(v.runs)) for v in comparison.variants)
    return Table(caption, head, rows)


def _training_row(runs: Sequence[Run]) -> list[str]:
    columns: list[tuple[Callable[[Run], float], int]] = [
        (lambda run: run.training.iterations, 0),
        (lambda run: run.training.epochs, 1),
        (lambda run: run.training.images_seen, 0),
        (lambda run: run.training.batch, 0),
        (lambda run: run.training.seconds, 0),
        (lambda run: run.training.images_seen / max(run.training.seconds, 1e-9), 1),
    ]
    return [span([read(run) for run in runs], digits=digits) for read, digits in columns]


def protocol_table(comparison: Comparison) -> Table:
    """How it was measured; where variants differ, each value with its variants."""
    data, runs = comparison.data, [(v.name, run) for v in comparison.variants for run in v.runs]
    rows = [("data", label(data.name)), ("fingerprint of the data", label(data.fingerprint[:16]))]
    rows.append(("classes", grouped(len(data.classes))))
    rows.append(("images evaluated", grouped(runs[0][1].scores.images)))
    for key in dict.fromkeys(key for _, run in runs for key in run.scores.protocol):
        rows.append(
            (
                label(key.replace("_", " ")),
                _each([(name, run.scores.protocol.get(key)) for name, run in runs]),
            )
        )
    if any(run.scores.protocol.get("size") != list(run.network.size) for _, run in runs):
        rows.append(("network size", _each([(name, run.network.size) for name, run in runs])))
    rows.append(("epochs planned", f"{comparison.epochs:g}"))
    rows.append(("seeds", ", ".join(map(str, comparison.seeds))))
    return Table("Sizes are height x width.", ("what", "value"), tuple(rows), numbers=False)


def _each(values: Sequence[tuple[str, Any]]) -> str:
    """One value when all agree; else every value with those that have it."""
    owners: dict[str, dict[str, None]] = {}
    for name, value in values:
        owners.setdefault(_value(value), {})[name] = None
    if len(owners) == 1:
        return next(iter(owners))
    parts = [f"{value} ({label(', '.join(names))})" for value, names in list(owners.items())[:MOST_COLUMNS]]
    return "differs: " + "; ".join(parts)


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return label(" x ".join(map(str, value)))
    return NONE if value is None else label(str(value), limit=200)


def to_markdown(table: Table) -> str:
    """A GitHub table: the first column to the left, numbers to the right."""
    rule = [":--", *["--:" if table.numbers else ":--"] * (len(table.head) - 1)]
    body = [[escape_markdown(cell) for cell in row] for row in (table.head, *table.rows)]
    lines = [body[0], rule, *body[1:]]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


BREAKS = re.compile(r"[ \t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
ENTITIES: Mapping[str, str] = {c: f"&#{ord(c)};" for c in "|<>&@\\`*_[]{}#~$"}


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is, in a cell or at the start of a line.

    Entities, and not backslashes: a table is cut at its pipes before anything else is read.

    >>> escape_markdown("a|b <i> `c`")
    'a&#124;b &#60;i&#62; &#96;c&#96;'
    """
    flat = BREAKS.sub(" ", text)
    flat = "".join(ENTITIES.get(c, c) for c in flat)
    flat = re.sub(r":(?!\s|$)", "&#58;", flat)
    flat = re.sub(r"(?i)www\.", lambda found: found[0][:-1] + "&#46;", flat)
    return re.sub(r"^([-+=]|\d+(?=[.]\s))", lambda found: f"&#{ord(found[1][0])};{found[1][1:]}", flat)
