"""Runs every check of a layer on sampled sections, small ones first, and shrinks the first failing case."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.conform.cases import Case, Seeded, draw_case
from darknet_py.conform.registry import CHECKS, CLASS_CHECKS, Check
from darknet_py.conform.sample import CheckFailed, Sample
from darknet_py.errors import quoted
from darknet_py.layers.base import Layer
from darknet_py.layers.catalogue import CATALOGUE

TRIES = 60  # sections sampled to find one that compiles
STEPS = 300  # smaller cases tried while shrinking a failing one
DRAWN = "A section drawn from its keys compiles, or is refused with a message."


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check.

    Args:
        outcome: `ok`, `FAIL`, or `skip` with the reason in `found`.
        case: the smallest section that shows the failure.
    """

    section: str
    check: str
    description: str
    outcome: str
    expected: str = ""
    found: str = ""
    case: Case | None = None

    def to_json(self) -> dict[str, Any]:
        """The result as JSON; null where a field is empty."""
        where = self.case and {
            "section": self.case.own,
            "map": [self.case.channels, self.case.height, self.case.width],
        }
        return {
            "section": self.section,
            "check": self.check,
            "promise": self.description,
            "outcome": self.outcome,
            "expected": self.expected or None,
            "found": self.found or None,
            "shown_by": where,
        }


def conform(
    section: str, *, cases: int = 12, seed: int = 0, only: tuple[str, ...] = ()
) -> Iterator[CheckResult]:
    """Run the checks of a section of the catalogue.

    Args:
        cases: how many sampled sections a check gets.
        only: the names of the checks to run; empty for all.
    """
    cls = CATALOGUE[section]
    for name, run in CLASS_CHECKS.items():
        if only and name not in only:
            continue
        result = CheckResult(section, name, (run.__doc__ or "").split("\n")[0], "ok")
        failure = _outcome(partial(run, cls), cls)
        if failure:
            result = replace(result, outcome="FAIL", expected=failure.expected, found=failure.found)
        yield result
    if not only or "drawn" in only:
        yield _drawn(section, seed)
    for check in CHECKS:
        if only and check.name not in only:
            continue
        if reason := check.skip_reason(cls):
            yield CheckResult(section, check.name, check.description, "skip", found=reason)
        else:
            yield _check_result(section, check, cases=max(1, round(cases * check.share)), seed=seed)


def _drawn(section: str, seed: int) -> CheckResult:
    """Check that some sampled sections compile, and that the others are refused with a message."""
    failed, refusals = CheckResult(section, "drawn", DRAWN, "FAIL"), list[str]()
    for attempt in range(TRIES):
        try:
            draw_case(section, Seeded(seed, attempt))
        except CfgError as error:
            refusals.append(error.diagnostics[0].message)
        except Exception as error:
            expected = "a message (Refused, or a Complaint of `check`)"
            return replace(failed, expected=expected, found=_describe(error, CATALOGUE[section]))
    if len(refusals) == TRIES:
        found = f"none of {TRIES}: {refusals[-1]}"
        return replace(failed, expected="some drawn section to compile", found=found)
    return replace(failed, outcome="ok")


def _check_result(section: str, check: Check, *, cases: int, seed: int) -> CheckResult:
    """Run a check on small cases first, and stop at the first failure."""
    cls, tried = CATALOGUE[section], 0
    declared: type = cls
    result, fixed = CheckResult(section, check.name, check.description, "ok"), tuple(check.given(cls).items())
    for number in range(cases):
        case = _case(declared, section, fixed, (seed, number), number / max(1, cases - 1))
        if case is None:
            continue
        tried += 1
        if _outcome(partial(check.run, Sample(case)), cls):
            case, failure = _smallest(check, case)
            return replace(result, outcome="FAIL", expected=failure.expected, found=failure.found, case=case)
    return result if tried else replace(result, outcome="skip", found="no drawn section compiles")


@cache
def _case(
    cls: type, section: str, fixed: tuple[tuple[str, Any], ...], seeds: tuple[int, int], effort: float
) -> Case | None:
    """A case of a section as `cls` declares it; None if no sampled section compiles."""
    for attempt in range(TRIES):
        with suppress(Exception):  # the check `drawn` reports it
            return draw_case(section, Seeded(*seeds, attempt, effort=effort), fixed=dict(fixed))
    return None


def _smallest(check: Check, case: Case) -> tuple[Case, CheckFailed]:
    """Shrink a failing case until nothing more can be left out."""
    cls = CATALOGUE[case.section]
    failure = _outcome(partial(check.run, Sample(case)), cls)
    assert failure is not None
    candidates, steps = case.smaller(), 0
    while steps < STEPS and (smaller := next(candidates, None)):
        steps += 1
        if _outcome(smaller.node, cls):  # it does not compile
            continue
        if again := _outcome(partial(check.run, Sample(smaller)), cls):
            case, failure, candidates = smaller, again, smaller.smaller()
    return case, failure


def _outcome(run: Callable[[], object], cls: type[Layer]) -> CheckFailed | None:
    """The failure of a check, if any; an exception raised by the layer counts as one."""
    try:
        run()
    except CheckFailed as failure:
        return failure
    except Exception as error:
        return CheckFailed("no exception", _describe(error, cls))
    return None


def _describe(error: Exception, cls: type[Layer]) -> str:
    """An exception with its location: the last line of the layer's own file in the traceback."""
    own = getattr(sys.modules.get(cls.__module__), "__file__", None)
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((f for f in reversed(frames) if f.filename == own), frames[-1])
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    return f"{type(error).__name__} at {place}: {quoted(error, limit=200)}"
