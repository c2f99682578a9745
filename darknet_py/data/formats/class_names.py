"""Class names: one a line of a file, or in the categories of an annotation file."""

from __future__ import annotations

from pathlib import Path

from darknet_py.data.findings import Findings
from darknet_py.data.formats.text_lines import numbered_lines
from darknet_py.errors import quoted


class ClassNames:
    """Compares each class name with those before it."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}
        self.similar: dict[str, str] = {}

    def problem(self, name: str, place: str) -> tuple[str, str] | None:
        """Take the next name.

        Args:
            place: where it stands, in the words of a message: "line 3".

        Returns: code and message of what is wrong with it, or None.
        """
        folded = "".join(name.split()).casefold()
        first, similar = self.places.setdefault(name, place), self.similar.setdefault(folded, name)
        if not name.strip():
            return "blank-name", "is blank; to Darknet it is a class without a name"
        if not name.isprintable():
            return "unprintable-name", f"is `{quoted(name)}`, which has characters that cannot be printed"
        if first != place:
            return "duplicate-name", f"is `{quoted(name)}`, the name of {first}"
        if similar != name:
            return (
                "names-alike",
                f"is `{quoted(name)}`; in case or spaces alone it differs from `{quoted(similar)}`",
            )
        return None


def read_names(file: Path, findings: Findings) -> list[str]:
    """Read class names, one a line; blank lines after the last are none."""
    lines = numbered_lines(file, findings) or []
    while lines and not lines[-1][1].strip():
        lines.pop()
    names, compared = [line.strip() for _, line in lines], ClassNames()
    for (at, _), name in zip(lines, names, strict=True):
        problem = compared.problem(name, f"line {at}")
        if problem:
            findings.add(*problem, file, at, 1)
    if not names:
        findings.add("no-classes", "names no class", file)
    return names
