"""One JSON object of a stranger: every value asked for by name and kind, every complaint with its file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from darknet_py.errors import ReportError, quoted

# A result with a thousand classes has some 50 kB.
LARGEST_JSON = 1 << 25
LARGEST_WHOLE = 1 << 53


def read_fields(path: Path) -> Fields:
    """Read a JSON file that holds one object.

    Raises:  ReportError: when it is missing, too large, or not such a file.
    """
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise ReportError(f"it has more than {LARGEST_JSON} bytes", where=path)
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise ReportError(f"it cannot be read: {error.strerror}", where=path) from error
    except (ValueError, RecursionError) as error:
        raise ReportError(f"it is not JSON: {quoted(error)}", where=path) from error
    if not isinstance(values, dict):
        raise ReportError("it should hold one JSON object", where=path)
    return Fields(values, path)


def read_text(path: Path, *, largest: int) -> str:
    """Read a text; bytes that are not UTF-8 show as such.

    Raises:  ReportError: when it is missing, or has more than `largest` bytes.
    """
    try:
        if path.stat().st_size > largest:
            raise ReportError(f"it has more than {largest} bytes, which no such file has", where=path)
        return path.read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise ReportError(f"it cannot be read: {error.strerror}", where=path) from error


def is_there(path: Path) -> bool:
    """Whether a file is there.

    Raises:  ReportError: when the system does not say.
    """
    try:
        return path.is_file()
    except OSError as error:
        raise ReportError(f"it cannot be looked at: {error.strerror}", where=path) from error


def without_home(path: str) -> str:
    """Keep a relative path as it is, and of an absolute one the last part, which names no person.

    >>> without_home("/home/ann/coco"), without_home("cfg/yolov3.cfg")
    ('coco', 'cfg/yolov3.cfg')
    """
    absolute = (
        path.startswith("~") or PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
    )
    return PureWindowsPath(path).name if absolute else path


@dataclass(frozen=True)
class Fields:
    """A JSON object, and where it stands: `inside` is the dotted name of the object in its file."""

    values: dict[str, Any]
    where: Path
    inside: str = ""

    def text(self, key: str) -> str:
        """A string."""
        return str(self._checked(key, self.values.get(key), isinstance(self.values.get(key), str), "text"))

    def number(self, key: str, *, low: float) -> float:
        """A finite number, not under `low`."""
        value: Any = self.values.get(key)
        good = _is_number(value) and low <= value < 1e300
        return float(self._checked(key, value, good, f"a finite number, {low:g} or more"))

    def whole(self, key: str) -> int:
        """A count: a whole number, 0 or more."""
        return int(
            self._checked(key, self.values.get(key), _is_count(self.values.get(key)), "a whole number")
        )

    def score(self, key: str) -> float | None:
        """A number in 0..1, or null where there is no truth."""
        value = self.values.get(key, "missing")
        good = value is None or (_is_number(value) and 0 <= value <= 1)
        self._checked(key, value, good, "a score, 0..1, or null where there is no truth")
        return None if value is None else float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        return self._list(key, lambda value: isinstance(value, str), "a list of texts")

    def wholes(self, key: str) -> tuple[int, ...]:
        """A list of counts."""
        return self._list(key, _is_count, "a list of whole numbers")

    def pair(self, key: str) -> tuple[int, int]:
        """Two counts: rows and columns."""
        values = self.wholes(key)
        first, second = self._checked(key, values, len(values) == 2, "two whole numbers, rows and columns")
        return first, second

    def counts(self, key: str, *, side: int) -> tuple[tuple[int, ...], ...]:
        """A square table of counts."""
        rows = self._list(
            key,
            lambda row: isinstance(row, list) and len(row) == side and all(map(_is_count, row)),
            f"{side} rows of {side} whole numbers",
        )
        self._checked(key, self.values.get(key), len(rows) == side, f"{side} rows of {side} whole numbers")
        return tuple(tuple(row) for row in rows)

    def part(self, key: str) -> Fields:
        """An object inside this one."""
        value = self._checked(key, self.values.get(key), isinstance(self.values.get(key), dict), "an object")
        return Fields(value, self.where, self._name(key))

    def parts(self, key: str) -> tuple[Fields, ...]:
        """A list of objects."""
        values = self._list(key, lambda value: isinstance(value, dict), "a list of objects")
        return tuple(Fields(value, self.where, f"{self._name(key)}.{at}") for at, value in enumerate(values))

    def _list(self, key: str, kind: Any, expected: str) -> tuple[Any, ...]:
        values = self.values.get(key)
        return tuple(
            self._checked(key, values, isinstance(values, list) and all(map(kind, values)), expected)
        )

    def _name(self, key: str) -> str:
        return f"{self.inside}.{key}" if self.inside else key

    def _checked(self, key: str, value: Any, good: bool, expected: str) -> Any:
        if not good:
            found = quoted(json.dumps(value), limit=60) if key in self.values else "missing"
            raise ReportError(
                f"{quoted(self._name(key))} is {found}; it should be {expected}", where=self.where
            )
        return value


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_WHOLE
