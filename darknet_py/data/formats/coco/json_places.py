"""Lines and columns in a JSON file of lists, found by going through its text once more."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any

from darknet_py.errors import quoted

Note = Callable[[str, str, int], None]  # code, message, and the character where it stands
_SPACE = re.compile(r"[ \t\r\n]*")


class JsonPlaces:
    """Where the members of the top object stand, and the rows of its lists and their keys.

    Args:
        text: of a file whose top is an object.
        tables: keys of the lists whose rows are looked for.
    """

    def __init__(self, text: str, tables: Collection[str]) -> None:
        self.text, self.tables = text, tables

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def member(self, name: str) -> tuple[int, int]:
        """Where the value of a key of the top object begins."""
        return self.place(self._walk.starts[name])

    def row(self, table: str, at: int, key: str = "") -> tuple[int, int]:
        """Where a key of a row stands, or the row where it has none."""
        start, end = self._walk.rows[table][at]
        name = json.dumps(key.partition("[")[0])
        match = re.compile(rf"{re.escape(name)}\s*:").search(self.text, start, end) if key else None
        return self.place(match.start() if match else start)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    @cached_property
    def _walk(self) -> JsonWalk:
        return JsonWalk(self.text, self.tables, lambda code, message, offset: None)


class JsonWalk:
    """One pass over the text: goes through the top object by hand, and leaves its values to `json`.

    What JSON does not have but Python reads, constants and a key given twice, is noted, and reading goes on.

    Raises: json.JSONDecodeError, RecursionError, ValueError: where the text is no JSON.
    """

    def __init__(self, text: str, tables: Collection[str], note: Note) -> None:
        self.text, self.tables, self.note, self.at = text, tables, note, 0
        self.starts: dict[str, int] = {}
        self.rows: dict[str, list[tuple[int, int]]] = {}
        self.noted: list[tuple[str, str]] = []
        self.decoder = json.JSONDecoder(object_pairs_hook=self._object, parse_constant=self._constant)
        self.top: Any = self._members() if self._peek() == "{" else self._value()
        self._peek()
        if self.at < len(text):
            raise json.JSONDecodeError("Extra data", text, self.at)

    def _members(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        self.at += 1
        while not (not values and self._take("}")):
            if self._peek() != '"':
                message = "Expecting property name enclosed in double quotes"
                raise json.JSONDecodeError(message, self.text, self.at)
            start = self.at
            key = self._value()
            if key in values:
                self.note("json-duplicate-key", _given_twice(key), start)
            self._expect(":")
            self._peek()
            self.starts[key] = self.at
            is_table = key in self.tables and self._peek() == "["
            values[key] = self._rows(key) if is_table else self._value()
            if self._take("}"):
                break
            self._expect(",")
        return values

    def _rows(self, key: str) -> list[Any]:
        self._expect("[")
        values: list[Any] = []
        self.rows[key] = []
        while not (not values and self._take("]")):
            self._peek()
            start = self.at
            values.append(self._value())
            self.rows[key].append((start, self.at))
            if self._take("]"):
                break
            self._expect(",")
        return values

    def _value(self) -> Any:
        self._peek()
        start = self.at
        value, self.at = self.decoder.raw_decode(self.text, start)
        for code, message in self.noted:
            self.note(code, message, start)
        self.noted.clear()
        return value

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(pairs)
        if len(read) != len(pairs):
            twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
            self.noted.append(("json-duplicate-key", _given_twice(twice)))
        return read

    def _constant(self, word: str) -> float:
        self.noted.append(("json-constant", f"is not JSON: {word} is not a JSON number"))
        return float(word.lower().replace("infinity", "inf"))

    def _peek(self) -> str:
        """Go on to the next character that is no space, and return it; at the end, nothing."""
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def _take(self, mark: str) -> bool:
        taken = self._peek() == mark
        self.at += taken
        return taken

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            raise json.JSONDecodeError(f"Expecting '{mark}' delimiter", self.text, self.at)


def _given_twice(key: str) -> str:
    return f"is not JSON: an object has the key `{quoted(key)}` twice"
