"""A JSON file of lists, read strictly: every error of text or of type is named by its place.

Annotation files come from many tools. What is wrong in one is said with the byte (where it is no JSON) or
with the path of the value, `annotations[17].category_id`, and nothing is guessed.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darknet_py.errors import DataError, quoted

MOST_BYTES = 2 << 30  # instances_train2017.json has 448 MB
LARGEST_ID = 2**63 - 1  # ids pass through numpy's int64 in pycocotools
NUMBER = (int, float)  # compared with type(), because a bool is an int to isinstance
KINDS: dict[str, tuple[type, ...]] = {
    "a whole number": (int,),
    "a number": NUMBER,
    "text": (str,),
    "a list": (list,),
}


@dataclass(frozen=True)
class Table:
    """One top-level list of the annotation file; its errors are named by JSON path."""

    file: Path
    name: str
    rows: list[Any]

    @classmethod
    def of(cls, file: Path, top: dict[str, Any], name: str) -> Table:
        """Take one list out of the top object."""
        if name not in top:
            raise DataError(f"`{name}` is missing; found {quoted(', '.join(top)) or 'nothing'}", where=file)
        if type(top[name]) is not list:
            raise DataError(f"`{name}` is {found(top[name])}, not a list", where=file)
        return cls(file, name, top[name])

    def value(self, at: int, key: str, kind: str) -> Any:
        """Return rows[at][key], which must be of this kind."""
        row = self.rows[at]
        if type(row) is not dict:
            raise DataError(f"{self.name}[{at}] is {found(row)}, not an object", where=self.file)
        if key not in row:
            raise self.error(at, key, "is missing")
        if type(row[key]) not in KINDS[kind]:
            raise self.error(at, key, f"is {found(row[key])}, not {kind}")
        return row[key]

    def ids(self) -> dict[int, int]:
        """Map every row's id to its position; an id is used once."""
        positions: dict[int, int] = {}
        for at in range(len(self.rows)):
            identity = self.value(at, "id", "a whole number")
            if not 0 <= identity <= LARGEST_ID:
                raise self.error(at, "id", f"is {quoted(identity)}, not 0 to {LARGEST_ID}")
            first = positions.setdefault(identity, at)
            if first != at:
                raise self.error(at, "id", f"is {identity}, which {self.name}[{first}] has already")
        return positions

    def error(self, at: int, key: str, message: str) -> DataError:
        """Return the error that names rows[at].key."""
        return DataError(f"{self.name}[{at}].{key} {message}", where=self.file)


def found(value: Any) -> str:
    """Quote a JSON value for a message; lists and objects by their kind alone."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    return f"`{quoted(json.dumps(value, ensure_ascii=False), limit=60)}`"


def read_object(file: Path) -> dict[str, Any]:
    """Read a JSON file whose top is an object.

    Raises: DataError: with byte, line and column where the text stops being JSON.
    """
    try:
        if file.stat().st_size > MOST_BYTES:
            raise DataError(f"has {file.stat().st_size} bytes; at most {MOST_BYTES} are read", where=file)
        raw = file.read_bytes()
        text = raw.decode("utf-8-sig")
        top = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=file) from None
    except UnicodeDecodeError as error:
        raise DataError(f"is not UTF-8 at byte {error.start}", where=file) from None
    except json.JSONDecodeError as error:
        byte = len(error.doc[: error.pos].encode())
        raise DataError(
            f"is not JSON at byte {byte}: {error.msg}", where=f"{file}:{error.lineno}:{error.colno}"
        ) from None
    except RecursionError:
        raise DataError("is nested too deeply to be an annotation file", where=file) from None
    except ValueError as error:
        raise DataError(f"is not JSON: {quoted(error)}", where=file) from None
    if type(top) is not dict:
        raise DataError(f"holds {found(top)} at the top, not an object", where=file)
    return top


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"an object has the key `{quoted(twice)}` twice")
    return read


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


def as_float(value: float) -> float:
    """Return a JSON number as a float; one that no float can hold is infinite."""
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits
        return math.inf
