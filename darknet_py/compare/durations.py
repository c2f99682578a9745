"""Lengths of time as people write them: `6h`, `90m`, `1h30m`."""

from __future__ import annotations

import re

from darknet_py.errors import UsageError, quoted

SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
WRITTEN = re.compile(r"(?:(?:\d+(?:\.\d+)?)[dhms])+", re.ASCII)
PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])", re.ASCII)
LONGEST = 366 * 86400.0


def parse_duration(text: str) -> float:
    """Seconds.

    >>> parse_duration("6h"), parse_duration("1h30m")
    (21600.0, 5400.0)

    Raises: UsageError: when it is none, or not between a second and a year.
    """
    written = text.strip().lower()
    parts = PART.findall(written) if WRITTEN.fullmatch(written) else []
    units = [unit for _, unit in parts]
    if not parts or units != sorted(set(units), key=list(SECONDS).index):
        hint = "write 6h, 90m or 1h30m: days d, hours h, minutes m, seconds s"
        raise UsageError(f"{quoted(text)!r} is no length of time", hint=hint)
    seconds = sum(float(number) * SECONDS[unit] for number, unit in parts)
    if not 1 <= seconds <= LONGEST:
        raise UsageError(f"{quoted(text)!r} is not between a second and a year")
    return seconds


def format_duration(seconds: float) -> str:
    """With the unit that reads best.

    >>> format_duration(8.26), format_duration(200), format_duration(5400), format_duration(400000)
    ('8.3 s', '3.3 min', '1.5 h', '111 h')
    """
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size or (unit == "h" and seconds >= size):
            return f"{_digits(seconds / size)} {unit}"
    return f"{_digits(seconds)} s"


def _digits(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"
