"""A JSON file of lists, with the line and column of every row and of its keys."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from json.decoder import scanstring
from pathlib import Path
from typing import Any

from darknet_py.data.check.findings import Findings
from darknet_py.data.check.text import text_of
from darknet_py.errors import quoted
from darknet_py.files.json_table import MOST_BYTES, found

TABLES = ("images", "annotations", "categories")

_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class Row:
    """One element of a list, and where it stands in the text."""

    value: Any
    start: int
    end: int


@dataclass
class JsonPlaces:
    """The lists of an annotation file; each has its rows, or is absent."""

    file: Path
    text: str
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", self.text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def place_of(self, row: Row, key: str) -> tuple[int, int]:
        """Where a key of a row stands, or the row where it has none."""
        name = json.dumps(key.partition("[")[0])
        match = re.compile(rf"{re.escape(name)}\s*:").search(self.text, row.start, row.end) if key else None
        return self.place(match.start() if match else row.start)


def read_places(file: Path, findings: Findings) -> JsonPlaces | None:
    """Read an annotation file; where its text is no JSON, that is noted and None returned."""
    text = text_of(file, findings, most=MOST_BYTES)
    if text is None:
        return None
    places = JsonPlaces(file, text)
    try:
        _Reader(places, findings).top()
    except json.JSONDecodeError as error:
        findings.add("not-json", f"is not JSON: {error.msg}", file, *places.place(error.pos))
    except RecursionError:
        findings.add("json-nesting", "is nested too deeply to be an annotation file", file)
    except ValueError as error:  # a number of too many digits
        findings.add("not-json", f"is not JSON: {quoted(error)}", file)
    else:
        return places if places.text.lstrip().startswith("{") else None
    return None


class _Reader:
    """Goes through the top object by hand, and leaves its values to `json`."""

    def __init__(self, places: JsonPlaces, findings: Findings) -> None:
        self.places, self.findings, self.text, self.at = places, findings, places.text, 0
        self.odd: list[tuple[str, str]] = []
        self.decoder = json.JSONDecoder(object_pairs_hook=self._object, parse_constant=self._constant)

    def top(self) -> None:
        if self._peek() != "{":
            value = self._value().value
            self.findings.add("json-top", f"holds {found(value)} at the top, not an object", self.places.file)
        else:
            self._members()
        self._skip()
        if self.at < len(self.text):
            raise json.JSONDecodeError("Extra data", self.text, self.at)

    def _members(self) -> None:
        self.at += 1
        met = set()
        while not (not met and self._take("}")):
            if self._peek() != '"':
                raise json.JSONDecodeError("Expecting a key in double quotes", self.text, self.at)
            start = self.at
            key, self.at = scanstring(self.text, self.at + 1, True)
            if key in met:
                self._note("json-duplicate-key", f"the top object has the key `{quoted(key)}` twice", start)
            met.add(key)
            self._expect(":")
            self._member(key)
            if self._take("}"):
                return
            self._expect(",")

    def _member(self, key: str) -> None:
        start = self._skip()
        if key not in TABLES:
            self._value()
        elif self._peek() == "[":
            self.places.tables[key] = self._rows()
        else:
            value = self._value().value
            self._note("missing-table", f"`{key}` is {found(value)}, not a list", start)
            self.places.tables[key] = []

    def _rows(self) -> list[Row]:
        self._expect("[")
        rows: list[Row] = []
        while not (not rows and self._take("]")):
            rows.append(self._value())
            if self._take("]"):
                break
            self._expect(",")
        return rows

    def _value(self) -> Row:
        start = self._skip()
        value, self.at = self.decoder.raw_decode(self.text, start)
        for code, message in self.odd:
            self._note(code, message, start)
        self.odd.clear()
        return Row(value, start, self.at)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(pairs)
        if len(read) != len(pairs):
            twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
            self.odd.append(("json-duplicate-key", f"an object has the key `{quoted(twice)}` twice"))
        return read

    def _constant(self, word: str) -> float:
        self.odd.append(("json-constant", f"{word} is not a JSON number"))
        return float(word.lower().replace("infinity", "inf"))

    def _note(self, code: str, message: str, offset: int) -> None:
        self.findings.add(code, message, self.places.file, *self.places.place(offset))

    def _skip(self) -> int:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def _peek(self) -> str:
        self._skip()
        return self.text[self.at : self.at + 1]

    def _take(self, mark: str) -> bool:
        taken = self._peek() == mark
        self.at += taken
        return taken

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            raise json.JSONDecodeError(f"Expecting `{mark}`", self.text, self.at)
