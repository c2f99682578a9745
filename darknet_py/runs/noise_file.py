"""noise.jsonl: what finished comparisons have shown of the noise, a line each, next to their folders."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darknet_py.errors import ReportError, quoted
from darknet_py.files.json_fields import JsonObject, file_exists, read_text
from darknet_py.files.json_text import json_text
from darknet_py.stats.components import Parts
from darknet_py.stats.noise import NoiseComponents

NAME = "noise.jsonl"
LARGEST = 1 << 24  # bytes; a line has some 600
FORMAT = 1


@dataclass(frozen=True)
class NoiseRecord:
    """The noise of a comparison.

    Args:
        comparison: the name of its folder.
        data, recipe: fingerprints of what its noise depends on.
        settings: what the recipe is made of, for people.
        score: the mean of all runs.
    """

    comparison: str
    data: str
    recipe: str
    settings: Mapping[str, Any]
    metric: str
    variants: int
    seeds: int
    score: float
    noise: NoiseComponents

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Of two lines with the same, the later one counts."""
        return self.comparison, self.data, self.recipe, self.metric


def read_noise(file: Path) -> tuple[list[NoiseRecord], list[str]]:
    """The records of a file, of each comparison the last; and remarks on lines that cannot be read.

    Raises: ReportError: when the file itself cannot be read.
    """
    if not file_exists(file):
        return [], []
    records, remarks = dict[tuple[str, ...], NoiseRecord](), list[str]()
    for number, line in enumerate(read_text(file, largest=LARGEST).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = _read_record(line, Path(f"{file}:{number}"))
        except ReportError as error:
            remarks.append(f"{error.where}: left out: {error.message}")
            continue
        records.pop(record.identity, None)
        records[record.identity] = record
    return list(records.values()), remarks


def add_noise(file: Path, record: NoiseRecord) -> None:
    """Append a line, unless the comparison's last one says the same.

    One write while the file is locked: lines of two processes do not mix, and the rest of a line that was
    interrupted becomes a damaged line of its own.

    Raises: OSError: when the file cannot be written.
    """
    line = json_text(_record_json(record)).encode()
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        _wait_for(handle)
        records, _ = read_noise(file)
        if record in records:
            return
        size = os.fstat(handle).st_size
        torn = size > 0 and file.read_bytes()[-1:] != b"\n"
        os.write(handle, b"\n" * torn + line + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def _wait_for(handle: int) -> None:
    """Lock a file; a file system without locks goes without."""
    if os.name == "posix":
        import fcntl

        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)


def _record_json(record: NoiseRecord) -> dict[str, Any]:
    noise = record.noise
    return {
        "format": FORMAT,
        "comparison": record.comparison,
        "data": record.data,
        "recipe": record.recipe,
        "settings": dict(record.settings),
        "metric": record.metric,
        "variants": record.variants,
        "seeds": record.seeds,
        "images": noise.images,
        "score": record.score,
        "df": noise.df,
        "nested": vars(noise.nested),
        "crossed": vars(noise.crossed),
    }


def _read_record(line: str, where: Path) -> NoiseRecord:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        raise ReportError(f"it is not JSON: {quoted(line, limit=40)}", where=where) from None
    if not isinstance(values, dict):
        raise ReportError("it should hold one JSON object", where=where)
    entry = JsonObject(values, where)
    if entry.count("format") != FORMAT:
        raise ReportError(
            f"it has format {entry.count('format')}, and this program reads {FORMAT}", where=where
        )
    noise = NoiseComponents(
        _read_parts(entry.child("nested")),
        _read_parts(entry.child("crossed")),
        df=entry.number("df", low=1),
        images=entry.count("images"),
    )
    if noise.images < 2:
        raise ReportError("images should be 2 or more", where=where)
    return NoiseRecord(
        comparison=entry.text("comparison"),
        data=entry.text("data"),
        recipe=entry.text("recipe"),
        settings=entry.child("settings").values,
        metric=entry.text("metric"),
        variants=entry.count("variants"),
        seeds=entry.count("seeds"),
        score=entry.score("score") or 0.0,
        noise=noise,
    )


def _read_parts(entry: JsonObject) -> Parts:
    names = ("training", "images_of_seed", "images_of_variant")
    return Parts(*(entry.number(name, low=0) for name in names))
