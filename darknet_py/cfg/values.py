"""Values of keys: the numbers that are taken, and no others that Python or C might take."""

from __future__ import annotations

import math
import re
import typing
from typing import Any

INTEGER = re.compile(r"-?[0-9]{1,10}", re.ASCII)
FLOAT = re.compile(r"[-+]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
UNITS = "d|px|pix|pixels?|deg|degrees|channels?|cells?|images?|iter|iters|iterations"
SUFFIXED = re.compile(rf"({FLOAT.pattern})(?:{UNITS}|//.*|/\*.*|\(.*)?", re.ASCII)


class Unreadable(Exception):
    """A value is not of its key's type; the text says what was expected."""


def value_of(text: str, kind: Any) -> Any:
    """A value as its key's kind: int, float, bool, str, or a tuple of numbers.

    Raises:
        Unreadable: when it is none.
    """
    if kind is str:
        return text
    if kind is float:
        if not FLOAT.fullmatch(text) or not math.isfinite(float(text)):
            raise Unreadable("expected a number")
        return float(text)
    if kind is int or kind is bool:
        if not INTEGER.fullmatch(text):
            raise Unreadable("expected a whole number")
        return kind(int(text))
    element = typing.get_args(kind)[0]
    return tuple(value_of(item, element) for item in text.split(","))


def without_units(text: str) -> str:
    """A number, or a list of numbers, without the units and comments at which Darknet's reader stops.

    Empty where the meaning is not clear: `16k` is 16 to Darknet, `1e3` is 1 where a whole number is read, and
    the letters in `41O` and `4l6` may be digits.

    >>> [without_units(text) for text in ("416px", "16000d,18000", "32//filters", "16k")]
    ['416', '16000,18000', '32', '']
    """
    found = [SUFFIXED.fullmatch(item) for item in text.split(",")]
    return ",".join(match[1] for match in found if match) if all(found) else ""
