"""results.jsonl: the runs of many comparisons, a line each.

The file is a set of lines in sorted order, without a clock or a counter: of two versions the union of their
lines is the merged file (in `.gitattributes`: `results.jsonl merge=union`), and equal runs have equal lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from darknet_py.errors import ReportError, quoted
from darknet_py.files.atomic import publish_bytes
from darknet_py.files.json_fields import JsonObject, file_exists, read_text
from darknet_py.report.leaderboard.record import RunRecord, read_record
from darknet_py.tasks.metrics import in_percent

LARGEST = 1 << 29  # bytes; a run on 5,000 images has some 28 kB
MARKERS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
NEAR = 1e-9  # scores of one run that was matched on two machines


@dataclass(frozen=True)
class Results:
    """The runs that can be used, each once, and what is wrong with the others."""

    records: tuple[RunRecord, ...]
    problems: tuple[ReportError, ...]


def read_results(file: Path) -> Iterator[RunRecord | ReportError]:
    """Every line of a file: a run, or what is wrong with the line.

    Raises: ReportError: when the file cannot be read or is empty.
    """
    lines = _lines(file)
    if not lines:
        hint = "`darknet-py report FOLDER --append FILE` adds the runs of a comparison"
        raise ReportError("is empty", where=file, hint=hint)
    for number, line in lines:
        try:
            yield read_record(_object(line, Path(f"{file}:{number}")))
        except ReportError as error:
            yield error


def append_results(file: Path, records: Iterable[RunRecord]) -> int:
    """Add runs to a file, which may not exist yet; lines that cannot be read stay as they are.

    Returns: how many were not there before.
    Raises:  ReportError: when the file has unresolved conflicts of git.
    """
    lines = _lines(file) if file_exists(file) else []
    if marked := [number for number, line in lines if line.startswith(MARKERS)]:
        raise ReportError(_MARKER, where=f"{file}:{marked[0]}", hint=_RESOLVE)
    before = {line for _, line in lines}
    known = {_identity(one) for one in map(_try_read, before) if one}
    new = {record.line() for record in records if _identity(record) not in known}
    if new or not lines:
        publish_bytes(file, "".join(f"{line}\n" for line in sorted(before | new)).encode())
    return len(new)


def collect(found: Iterable[RunRecord | ReportError]) -> Results:
    """The runs of files and folders, equal ones once; runs that contradict each other are not used."""
    problems: list[ReportError] = []
    same: dict[tuple[object, ...], list[RunRecord]] = {}
    for one in found:
        if isinstance(one, ReportError):
            problems.append(one)
        else:
            same.setdefault((one.study, one.network, one.seed), []).append(one)
    records = []
    for group in same.values():
        if other := next((one for one in group if _contradicts(group[0], one)), None):
            problems.append(_contradiction(group[0], other))
        else:
            records.append(min(group, key=lambda one: one.line()))
    return Results(tuple(sorted(records, key=lambda one: one.line())), tuple(problems))


_MARKER = "is a conflict marker of git"
_RESOLVE = "keep the lines of both sides and delete the markers"


def _lines(file: Path) -> list[tuple[int, str]]:
    text = read_text(file, largest=LARGEST)
    lines = ((number, line.strip()) for number, line in enumerate(text.split("\n"), start=1))
    return [(number, line) for number, line in lines if line]


def _object(line: str, where: Path) -> JsonObject:
    if line.startswith(MARKERS):
        raise ReportError(_MARKER, where=where, hint=_RESOLVE)
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"is not JSON: {quoted(error)}", where=where) from None
    if not isinstance(values, dict):
        raise ReportError("should hold one JSON object", where=where)
    return JsonObject(values, where)


def _try_read(line: str) -> RunRecord | None:
    try:
        return read_record(_object(line, Path()))
    except ReportError:
        return None


def _identity(record: RunRecord) -> tuple[object, ...]:
    return record.study, record.network, record.seed, record.matches


def _contradicts(one: RunRecord, other: RunRecord) -> bool:
    pairs = [(one.figures[key], other.figures[key]) for key in one.figures]
    near = all(a == b or (a is not None and b is not None and abs(a - b) <= NEAR) for a, b in pairs)
    return one.matches != other.matches or not near


def _contradiction(one: RunRecord, other: RunRecord) -> ReportError:
    figure, word = one.metrics.first, one.metrics.word
    values = " and ".join(in_percent(run.figures[figure], digits=2) for run in (other, one))
    message = (
        f"is the same run as {quoted(one.where)} ({quoted(one.name)}, seed {one.seed}) with {word} {values}"
    )
    return ReportError(f"{message}: neither is used", where=other.where, hint="delete one of the lines")


def problem_lines(problems: Sequence[ReportError], *, most: int = 10) -> list[str]:
    """Problems as warnings: the first ones, and how many more there are."""
    lines = [str(problem).replace(": error: ", ": warning: ", 1) for problem in problems[:most]]
    return lines + (
        [f"warning: {len(problems) - most} more lines like these"] if len(problems) > most else []
    )
