"""What readers and checks report: one finding at its place, all of them, or the first error alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from darknet_py.cfg.diagnostics import Severity
from darknet_py.data.rules.registry import RULES
from darknet_py.errors import DataError, quoted


@dataclass(frozen=True)
class Finding:
    """One finding; line and column count from 1, and are 0 where the complete file is meant."""

    code: str
    message: str
    file: Path
    line: int = 0
    column: int = 0

    @property
    def severity(self) -> Severity:
        """The severity of its rule."""
        return RULES[self.code].severity

    @property
    def place(self) -> str:
        """`file:line:column`, as far as they are known."""
        numbers = "".join(f":{number}" for number in (self.line, self.column) if number)
        return f"{quoted(self.file, limit=400)}{numbers}"

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}[{self.code}]: {self.message}"

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
    """All findings in the order of reading, and how many images and boxes were looked at.

    Args:
        adjusted: what was read otherwise than it is written, with the number.
    """

    all: list[Finding] = field(default_factory=list)
    adjusted: Counter[str] = field(default_factory=Counter)
    images: int = 0
    boxes: int = 0

    def wants(self, code: str) -> bool:
        """Whether such a finding is kept; else neither it nor its place needs to be looked for."""
        return True

    def add(self, code: str, message: str, file: Path, line: int = 0, column: int = 0) -> None:
        """Report one finding."""
        assert code in RULES, code
        self.all.append(Finding(code, message, file, line, column))

    def withdraw(self, codes: Collection[str], files: Collection[Path]) -> None:
        """Remove the findings in files that follow from another one."""
        self.all = [finding for finding in self.all if not (finding.code in codes and finding.file in files)]

    def counts(self) -> Counter[str]:
        """The number of findings of each rule; errors first, then in the order of their summaries."""
        found = Counter(finding.code for finding in self.all)
        order = sorted(found, key=lambda code: (RULES[code].severity, RULES[code].summary))
        return Counter({code: found[code] for code in order})

    def first(self, limit: int) -> list[Finding]:
        """At most `limit` of each rule; all where it is 0."""
        kept, counts = [], Counter[str]()
        for finding in self.all:
            counts[finding.code] += 1
            if not limit or counts[finding.code] <= limit:
                kept.append(finding)
        return kept


class FirstError(Findings):
    """Raises the first error as a `DataError`, for readers that need a usable data set; warnings are ignored.

    Args:
        dropped: codes of findings by which a box is left out, and the reason that is counted for each.
        accepted: codes of errors that this data set is read with all the same.
    """

    def __init__(self, dropped: Mapping[str, str] | None = None, accepted: Collection[str] = ()) -> None:
        super().__init__()
        self.reasons, self.accepted = dropped or {}, accepted
        self.dropped: dict[str, int] = {}

    def wants(self, code: str) -> bool:
        """Whether this finding is raised."""
        raised = RULES[code].severity == "error" and code not in self.accepted
        return raised and code not in self.reasons

    def add(self, code: str, message: str, file: Path, line: int = 0, column: int = 0) -> None:
        """Count what is left out, or raise what is an error.

        Raises: DataError: for an error, with its file, line and column.
        """
        if code in self.reasons:
            self.dropped[self.reasons[code]] = self.dropped.get(self.reasons[code], 0) + 1
        elif self.wants(code):
            raise DataError(message, where=Finding(code, message, file, line, column).place)
