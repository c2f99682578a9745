"""The tables of a report: rows of plain text, and the formatting of numbers in them.

A cell is text that can be shown: control characters of untrusted names are already written as escapes. Markup
is escaped where a table is rendered, in the page's template and in `markdown.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from darknet_py.errors import quoted
from darknet_py.stats.spread import Spread
from darknet_py.tasks.metrics import NONE

THIN = "\N{NARROW NO-BREAK SPACE}"
# A table of classes that is wider cannot be read; report.json has all variants.
MOST_COLUMNS = 12


@dataclass(frozen=True)
class ReportTable:
    """A caption, the names of the columns, and rows of text; `numbers` are aligned right, words left."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: bool = True


def label(text: str, *, limit: int = 60) -> str:
    """An untrusted name that can be shown: control characters escaped, and cut to `limit` characters."""
    return quoted(text, limit=limit)


def format_points(value: Spread | None) -> str:
    """A mean and half its range, times 100.

    >>> format_points(Spread((0.404, 0.42))), format_points(None)
    ('41.2 ± 0.8', 'n/a')
    """
    if value is None:
        return NONE
    mean = f"{value.mean * 100:.1f}"
    return mean if len(value.values) == 1 else f"{mean} ± {value.half_range * 100:.1f}"


def group_digits(number: int) -> str:
    """A count with thin spaces between the thousands: 8 676 244."""
    return f"{number:,}".replace(",", THIN)


def format_range(values: Sequence[float], *, digits: int = 0) -> str:
    """The minimum and maximum of some numbers, or the number that they all equal.

    >>> format_range([412.0, 417.5]), format_range([40.0, 40.0])
    ('412 .. 418', '40')
    """
    low, high = f"{min(values):,.{digits}f}", f"{max(values):,.{digits}f}"
    return (low if low == high else f"{low} .. {high}").replace(",", THIN)
