"""Typed reading of untrusted JSON: each value is requested by name and kind, each error names its file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeGuard, TypeVar

from darknet_py.errors import ReportError, quoted

Value = TypeVar("Value")

LARGEST_JSON = 1 << 25  # bytes; a result with a thousand classes has some 50 kB
LARGEST_COUNT = 1 << 53
LARGEST_NUMBER = 1e300


def read_json_object(path: Path) -> JsonObject:
    """Read a JSON file that holds one object.

    Raises:  ReportError: when it is missing, too large, or not such a file.
    """
    text = _read_bytes(path, largest=LARGEST_JSON)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"it is not JSON: {quoted(error)}", where=path) from error
    if not isinstance(values, dict):
        raise ReportError("it should hold one JSON object", where=path)
    return JsonObject(values, path)


def differing_keys(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """The keys whose values differ in two JSON objects, sorted; a missing key is null."""
    return sorted(key for key in first.keys() | second.keys() if first.get(key) != second.get(key))


def read_text(path: Path, *, largest: int) -> str:
    """Read a text file; bytes that are not UTF-8 are replaced.

    Raises:  ReportError: when it is missing, or has more than `largest` bytes.
    """
    return _read_bytes(path, largest=largest).decode("utf-8", errors="replace")


def _read_bytes(path: Path, *, largest: int) -> bytes:
    try:
        if path.stat().st_size > largest:
            raise ReportError(f"it has more than {largest} bytes, which no such file has", where=path)
        return path.read_bytes()
    except OSError as error:
        raise ReportError(f"it cannot be read: {error.strerror}", where=path) from error


def file_exists(path: Path) -> bool:
    """Whether there is a file at the path.

    Raises:  ReportError: when the system refuses to answer, such as for lack of permission.
    """
    try:
        return path.is_file()
    except OSError as error:
        raise ReportError(f"it cannot be examined: {error.strerror}", where=path) from error


def name_if_absolute(path: str) -> str:
    """Keep a relative path, and reduce an absolute one to its last part, so that no user's name is published.

    >>> name_if_absolute("/home/ann/coco"), name_if_absolute("cfg/yolov3.cfg")
    ('coco', 'cfg/yolov3.cfg')
    """
    absolute = (
        path.startswith("~") or PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
    )
    return PureWindowsPath(path).name if absolute else path


@dataclass(frozen=True)
class JsonObject:
    """A JSON object of a file.

    Each method returns the value of a key, or raises a ReportError with what was found and what was expected.

    Args:
        where: the file.
        prefix: the dotted name of this object in its file; empty for the outermost.
    """

    values: dict[str, Any]
    where: Path
    prefix: str = ""

    def text(self, key: str) -> str:
        """A string."""
        return self._get(key, _is_text, "text")

    def number(self, key: str, *, low: float) -> float:
        """A finite number, `low` or more."""

        def is_valid(value: object) -> TypeGuard[float]:
            return _is_number(value) and low <= value < LARGEST_NUMBER

        return float(self._get(key, is_valid, f"a finite number, {low:g} or more"))

    def count(self, key: str) -> int:
        """An integer, 0 or more."""
        return self._get(key, _is_count, "a whole number")

    def score(self, key: str) -> float | None:
        """A number in 0..1; None for null, where there is no ground truth."""
        value = self._get(key, _is_score, "a score, 0..1, or null where there is no ground truth")
        return None if value is None else float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        return self._list(key, _is_text, "a list of texts")

    def counts(self, key: str) -> tuple[int, ...]:
        """A list of integers, 0 or more."""
        return self._list(key, _is_count, "a list of whole numbers")

    def numbers(self, key: str, *, width: int = 1) -> tuple[tuple[float, ...], ...]:
        """A list of finite numbers, as rows of `width`."""
        expected = f"a list of finite numbers, {width} for each row"

        def is_finite(value: object) -> TypeGuard[float]:
            return _is_number(value) and abs(value) < LARGEST_NUMBER

        values = self._list(key, is_finite, expected)
        if len(values) % width:
            raise self._error(key, expected)
        return tuple(tuple(map(float, values[at : at + width])) for at in range(0, len(values), width))

    def pair(self, key: str) -> tuple[int, int]:
        """Two counts: rows and columns."""
        values = self.counts(key)
        if len(values) != 2:
            raise self._error(key, "two whole numbers, rows and columns")
        return values[0], values[1]

    def count_matrix(self, key: str, *, side: int) -> tuple[tuple[int, ...], ...]:
        """A square matrix of counts, as a list of rows."""
        expected = f"{side} rows of {side} whole numbers"

        def is_row(value: object) -> TypeGuard[list[int]]:
            return isinstance(value, list) and len(value) == side and all(map(_is_count, value))

        rows = self._list(key, is_row, expected)
        if len(rows) != side:
            raise self._error(key, expected)
        return tuple(tuple(row) for row in rows)

    def child(self, key: str) -> JsonObject:
        """An object inside this one."""
        return JsonObject(self._get(key, _is_object, "an object"), self.where, self._name(key))

    def children(self, key: str) -> tuple[JsonObject, ...]:
        """A list of objects."""
        values = self._list(key, _is_object, "a list of objects")
        return tuple(
            JsonObject(value, self.where, f"{self._name(key)}.{at}") for at, value in enumerate(values)
        )

    def _get(self, key: str, is_valid: Callable[[object], TypeGuard[Value]], expected: str) -> Value:
        value = self.values.get(key)
        if key not in self.values or not is_valid(value):
            raise self._error(key, expected)
        return value

    def _list(
        self, key: str, is_item: Callable[[object], TypeGuard[Value]], expected: str
    ) -> tuple[Value, ...]:
        values = self.values.get(key)
        if not isinstance(values, list) or not all(map(is_item, values)):
            raise self._error(key, expected)
        return tuple(values)

    def _name(self, key: str) -> str:
        return f"{self.prefix}.{key}" if self.prefix else key

    def _error(self, key: str, expected: str) -> ReportError:
        found = quoted(json.dumps(self.values[key]), limit=60) if key in self.values else "missing"
        return ReportError(f"{quoted(self._name(key))} is {found}; it should be {expected}", where=self.where)


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT


def _is_score(value: object) -> TypeGuard[float | None]:
    return value is None or (_is_number(value) and 0 <= value <= 1)
