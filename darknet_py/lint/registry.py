"""Every rule of `lint`, and the list of codes that a command line switches off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from darknet_py.cfg.diagnostics import Diagnostic, did_you_mean
from darknet_py.errors import UsageError, quoted
from darknet_py.lint.base import GraphRule
from darknet_py.lint.check import CHECKS
from darknet_py.lint.errors import ERRORS
from darknet_py.lint.reader_warnings import READER_WARNINGS

WARNINGS: dict[str, GraphRule] = {
    rule.code: rule for rule in sorted((*READER_WARNINGS, *CHECKS), key=lambda rule: rule.code)
}
RULES: tuple[GraphRule, ...] = (*sorted(ERRORS, key=lambda rule: rule.code), *WARNINGS.values())
_HINT = "`darknet-py lint --codes` lists them"


def rule_of(code: str) -> GraphRule | None:
    """The rule of a code, of its error where it is both; None for a code of a plug-in."""
    return next((rule for rule in RULES if rule.code == code), None)


def parse_codes(texts: Iterable[str], *, allow_unknown: bool = False) -> frozenset[str]:
    """The codes of warnings in some lists of codes, separated by commas.

    Args:
        allow_unknown: codes that are not known here may be a plug-in's.

    Raises:
        UsageError: when one is an error's, or unknown.
    """
    codes = frozenset(code.strip() for text in texts for code in text.split(","))
    for code in sorted(codes - set(WARNINGS)):
        if rule_of(code):
            raise UsageError(f"{code} is an error; only warnings can be switched off", hint=_HINT)
        if not allow_unknown:
            guess = did_you_mean(code, WARNINGS)
            hint = f"did you mean `{guess}`?" if guess else _HINT
            raise UsageError(f"{quoted(code)} is not the code of a warning", hint=hint)
    return codes


def without(diagnostics: Iterable[Diagnostic], off: frozenset[str]) -> list[Diagnostic]:
    """All but the warnings and hints with these codes."""
    return [d for d in diagnostics if d.severity == "error" or d.code not in off]


def listing() -> Iterator[str]:
    """Every code with its summary, a line each: those that can be switched off first."""
    width = max(len(rule.code) for rule in RULES)
    yield "warnings, which --off CODE switches off:"
    yield from (f"  {rule.code:<{width}}  {rule.summary}" for rule in RULES if rule.severity != "error")
    yield "errors:"
    yield from (f"  {rule.code:<{width}}  {rule.summary}" for rule in RULES if rule.severity == "error")
