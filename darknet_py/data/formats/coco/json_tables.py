"""A JSON file of lists: its rows, and every error of text or of type at its line and column.

Annotation files come from many tools: a message names the byte where the text is no JSON, or the path of a
value, `annotations[17].category_id`. Whole numbers may be written as 17.0 or "17", which is counted. The text
is parsed by `json` in one go; lines and columns are looked for only where something is to be reported.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darknet_py.data.findings import Findings
from darknet_py.data.formats.coco.json_places import JsonPlaces, JsonWalk
from darknet_py.data.formats.text_lines import read_text
from darknet_py.errors import quoted

MOST_BYTES = 2 << 30  # instances_train2017.json has 448 MB
LARGEST_ID = 2**63 - 1  # ids pass through numpy's int64 in pycocotools
LARGEST_EXACT = 2**53  # of a float that is a whole number
LARGEST_FLOAT = sys.float_info.max
NUMBER = (int, float)  # compared with type(), because a bool is an int to isinstance
TYPES: dict[str, tuple[type, ...]] = {
    "a whole number": (int,),
    "a number": NUMBER,
    "text": (str,),
    "a list": (list,),
}


class JsonTables:
    """The lists of an annotation file.

    Args:
        top: the top object of the file; a table that it lacks, or that is no list, is reported and empty.
    """

    def __init__(
        self, file: Path, top: dict[str, Any], names: Sequence[str], places: JsonPlaces, findings: Findings
    ) -> None:
        self.file, self.places, self.findings = file, places, findings
        self._accepted: dict[tuple[str, str, str], _Accepted] = {}
        self.rows: dict[str, list[Any]] = {}
        for name in names:
            if name not in top:
                message = f"`{name}` is missing; found {quoted(', '.join(top)) or 'nothing'}"
                findings.add("missing-table", message, file)
            elif type(top[name]) is not list:
                message = f"`{name}` is {found(top[name])}, not a list"
                findings.add("missing-table", message, file, *places.member(name))
                self.rows[name] = []
            else:
                self.rows[name] = top[name]

    def report(self, code: str, table: str, at: int, key: str, message: str) -> None:
        """Report what is wrong with a key of a row, or with the row where the key is ""."""
        place = self.places.row(table, at, key) if self.findings.wants(code) else (0, 0)
        name = f"{table}[{at}]{'.' if key else ''}{key}"
        self.findings.add(code, f"{name} {message}", self.file, *place)

    def accept(self, code: str, table: str, at: int, key: str, message: str) -> None:
        """Count a value that is read although it is not as it should be; `close` reports each kind once."""
        kind = self._accepted.setdefault((code, table, key), _Accepted(at, message))
        kind.count += 1

    def close(self) -> None:
        """Report each kind of value that was accepted, at the first, with the number of such rows."""
        for (code, table, key), kind in self._accepted.items():
            more = f"; {kind.count:,} such rows" if kind.count > 1 else ""
            self.report(code, table, kind.at, key, f"is {kind.message}{more}")
            self.findings.adjusted[f"{table}.{key} like {kind.message}"] += kind.count
        self._accepted.clear()

    def objects(self, table: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows that are objects, with their positions; others are reported."""
        for at, row in enumerate(self.rows.get(table, ())):
            if type(row) is dict:
                yield at, row
            else:
                self.report("wrong-type", table, at, "", f"is {found(row)}, not an object")

    def value(self, table: str, at: int, row: dict[str, Any], key: str, kind: str) -> Any:
        """Return the value of a key of a row; None after reporting that it is missing or of another type."""
        if key not in row:
            self.report("missing-key", table, at, key, "is missing")
            return None
        value = row[key]
        if type(value) in TYPES[kind]:
            return value
        number = _whole_number(value) if kind == "a whole number" else None
        if number is not None:
            self.accept("loose-value", table, at, key, f"{found(value)}, read as {number}")
            return number
        self.report("wrong-type", table, at, key, f"is {found(value)}, not {kind}")
        return None

    def identity(self, table: str, at: int, row: dict[str, Any], known: dict[int, int]) -> int | None:
        """Return the id of a row, which is used once; None where it cannot be used.

        Args:
            known: positions of the rows before by their ids; this one is added.
        """
        identity: int | None = self.value(table, at, row, "id", "a whole number")
        if identity is None:
            return None
        if not 0 <= identity <= LARGEST_ID:
            self.report("id-out-of-range", table, at, "id", f"is {quoted(identity)}, not 0 to {LARGEST_ID}")
            return None
        first = known.setdefault(identity, at)
        if first != at:
            code = f"duplicate-{NOUNS[table]}-id"
            self.report(code, table, at, "id", f"is {identity}, which {table}[{first}] has already")
        return identity


NOUNS = {"images": "image", "categories": "category"}


@dataclass
class _Accepted:
    """Where a kind of value was first accepted, what it was, and how many such rows there are."""

    at: int
    message: str
    count: int = 0


def _whole_number(value: Any) -> int | None:
    """Read 17.0 or "17" as 17; None where it is no such value."""
    if type(value) is float and value.is_integer() and abs(value) <= LARGEST_EXACT:
        return int(value)
    return int(value) if type(value) is str and re.fullmatch(r"\d{1,18}", value, re.ASCII) else None


def read_tables(file: Path, names: Sequence[str], findings: Findings) -> JsonTables | None:
    """Read a JSON file whose top is an object with these lists.

    Returns: None where it is no such file, which is reported.
    """
    text = read_text(file, findings, most=MOST_BYTES)
    if text is None:
        return None
    places = JsonPlaces(text, names)
    try:
        top = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError):  # the slower reader finds the place, and goes on where it can
        walk = _walk(file, text, places, findings)
        if walk is None:
            return None
        top = walk.top
    if type(top) is dict:
        return JsonTables(file, top, names, places, findings)
    findings.add("json-top", f"holds {found(top)} at the top, not an object", file)
    return None


def _walk(file: Path, text: str, places: JsonPlaces, findings: Findings) -> JsonWalk | None:
    """Read a text that is not quite JSON; None where it is none at all."""

    def note(code: str, message: str, offset: int) -> None:
        findings.add(code, message, file, *places.place(offset))

    try:
        return JsonWalk(text, places.tables, note)
    except json.JSONDecodeError as error:
        byte = len(text[: error.pos].encode())
        note("not-json", f"is not JSON at byte {byte}: {error.msg}", error.pos)
    except RecursionError:
        findings.add("json-nesting", "is nested too deeply to be an annotation file", file)
    except ValueError as error:  # a number of too many digits
        findings.add("not-json", f"is not JSON: {quoted(error)}", file)
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a key is given twice")
    return read


def _refuse(word: str) -> None:
    raise ValueError(word)


def found(value: Any) -> str:
    """Quote a JSON value for a message; lists and objects by their kind alone."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    return f"`{quoted(json.dumps(value, ensure_ascii=False), limit=60)}`"


def as_floats(values: Sequence[float]) -> list[float]:
    """Return JSON numbers as floats; one that no float can hold is infinite."""
    try:
        return list(map(float, values))
    except OverflowError:  # a whole number of more than 308 digits
        return [float(value) if abs(value) < LARGEST_FLOAT else math.inf for value in values]
