"""What was found: one damage at its place, and all of them with their numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from darknet_py.data.check.kinds import KINDS
from darknet_py.errors import quoted


@dataclass(frozen=True)
class Finding:
    """One damage; line and column count from 1, and are 0 where a file as a whole is meant."""

    code: str
    message: str
    file: Path
    line: int = 0
    column: int = 0

    @property
    def severity(self) -> str:
        """What its kind is: error or warning."""
        return KINDS[self.code].partition(":")[0]

    def __str__(self) -> str:
        place = "".join(f":{number}" for number in (self.line, self.column) if number)
        return f"{quoted(self.file, limit=400)}{place}: {self.severity}[{self.code}]: {self.message}"

    def to_json(self) -> dict[str, object]:
        """The stable form for `--json`; null where there is no line or column."""
        return {
            "file": str(self.file).encode("utf-8", "backslashreplace").decode(),
            "line": self.line or None,
            "column": self.column or None,
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
        }


@dataclass
class Findings:
    """All damages in the order in which they were met, and how much was looked at."""

    all: list[Finding] = field(default_factory=list)
    images: int = 0
    boxes: int = 0

    def add(self, code: str, message: str, file: Path, line: int = 0, column: int = 0) -> None:
        """Note one damage."""
        assert code in KINDS, code
        self.all.append(Finding(code, message, file, line, column))

    def counts(self) -> Counter[str]:
        """How often each kind was met, the graver first, then by number."""
        found = Counter(finding.code for finding in self.all)
        return Counter(dict(sorted(found.items(), key=lambda item: (KINDS[item[0]], -item[1]))))

    def first(self, limit: int) -> list[Finding]:
        """At most so many of each kind; all where `limit` is 0."""
        met = Counter[str]()
        kept = []
        for finding in self.all:
            met[finding.code] += 1
            if not limit or met[finding.code] <= limit:
                kept.append(finding)
        return kept


@dataclass(frozen=True)
class Listed:
    """An image that a data set names.

    Args:
        split: "train" or "val".
        file: that names it, with line and column.
        written: the path as it stands there.
        size: width and height that the file states, or None.
        root: a folder that it must lie in, or None.
    """

    path: Path
    split: str
    file: Path
    line: int = 0
    column: int = 0
    written: str = ""
    size: tuple[int, int] | None = None
    root: Path | None = None
