"""Class names, wherever they come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from darknet_py.data.check.findings import Findings
from darknet_py.errors import quoted


def check_names(entries: Iterable[tuple[str, int, int]], file: Path, findings: Findings) -> None:
    """Check (name, line, column) of every class."""
    met: dict[str, int] = {}
    alike: dict[str, str] = {}
    for name, line, column in entries:
        like = "".join(name.split()).casefold()
        if not name.strip():
            findings.add("blank-name", "is a class with a blank name", file, line, column)
        elif not name.isprintable():
            message = f"`{quoted(name)}` has characters that are not to be printed"
            findings.add("unprintable-name", message, file, line, column)
        elif name in met:
            findings.add(
                "duplicate-name", f"`{quoted(name)}` is the name of line {met[name]}", file, line, column
            )
        elif like in alike:
            message = f"`{quoted(name)}` and `{quoted(alike[like])}` differ in case or spaces alone"
            findings.add("names-alike", message, file, line, column)
        met.setdefault(name, line)
        alike.setdefault(like, name)


def without_boxes(names: Sequence[str], file: Path, findings: Findings) -> None:
    """Note the classes that training has nothing to learn from."""
    for name in names:
        findings.add("class-without-boxes", f"train has no box of `{quoted(name)}`", file)
