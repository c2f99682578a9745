"""Values of keys: the numbers that are taken, and no others that Python or C might take."""

from __future__ import annotations

import math
import re
import typing
from typing import Any

INTEGER = re.compile(r"-?[0-9]{1,10}", re.ASCII)
FLOAT = re.compile(r"[-+]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)


class Unreadable(Exception):
    """A value is not of its key's type; the text says what was expected."""


def value_of(text: str, kind: Any) -> Any:
    """A value as its key's kind: int, float, bool, str, or a tuple of numbers.

    Raises:
        Unreadable: when it is none.
    """
    if typing.get_origin(kind) is tuple:
        element = typing.get_args(kind)[0]
        return tuple(value_of(item, element) for item in text.split(","))
    if kind is str:
        return text
    if kind is float:
        return _float(text)
    number = _integer(text)
    return number != 0 if kind is bool else number


def _integer(text: str) -> int:
    if not INTEGER.fullmatch(text):
        raise Unreadable("expected a whole number")
    return int(text)


def _float(text: str) -> float:
    if not FLOAT.fullmatch(text) or not math.isfinite(float(text)):
        raise Unreadable("expected a number")
    return float(text)
