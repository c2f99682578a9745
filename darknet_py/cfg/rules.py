"""A rule of `lint` or of `data check`: what it reports, and how severely."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from darknet_py.cfg.diagnostics import Severity

Subject = TypeVar("Subject")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Rule(Generic[Subject, Result]):
    """One kind of finding.

    Args:
        code: the stable name, as in `error[unknown-key]`.
        summary: what is reported, a phrase without a full stop.
        explanation: why it matters and how to fix it, in sentences; Markdown for `docs/rules.md`.
        check: yields the findings of a subject; None where a reader or a layer reports them by the code.
    """

    code: str
    severity: Severity
    summary: str
    explanation: str = ""
    check: Callable[[Subject], Iterable[Result]] | None = None
