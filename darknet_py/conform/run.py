"""A layer tried against every promise, on sections drawn from small to large; a failure is made small."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.conform.promises import CHECKS, CLASS_CHECKS, Check
from darknet_py.conform.samples import Case, Seeded, draw_case
from darknet_py.conform.specimen import Broken, Specimen
from darknet_py.errors import quoted
from darknet_py.layers.base import CATALOGUE, Layer

TRIES = 60  # sections drawn for one that compiles
STEPS = 300  # cases tried to make a failing one smaller
DRAWN = "A section drawn from its keys compiles, or is refused with a message."


@dataclass(frozen=True)
class Verdict:
    """What one check found.

    Args:
        outcome: `ok`, `FAIL`, or `skip` with the reason in `found`.
        case: the smallest section that shows the failure.
    """

    section: str
    check: str
    promise: str
    outcome: str
    expected: str = ""
    found: str = ""
    case: Case | None = None

    def to_json(self) -> dict[str, Any]:
        """Its words; null where there is nothing to say."""
        where = self.case and {
            "section": self.case.own,
            "map": [self.case.channels, self.case.height, self.case.width],
        }
        said = {key: value or None for key, value in self.__dict__.items() if key != "case"}
        return {**said, "shown_by": where}


def conform(section: str, *, cases: int = 12, seed: int = 0, only: tuple[str, ...] = ()) -> Iterator[Verdict]:
    """Try a section of the catalogue.

    Args:
        cases: how many drawn sections a check gets.
        only: the names of the checks to run; all without.
    """
    cls = CATALOGUE[section]
    for name, run in CLASS_CHECKS.items():
        if not only or name in only:
            yield _class_verdict(section, name, run)
    if not only or "drawn" in only:
        yield _drawn(section, seed)
    for check in CHECKS:
        if only and check.name not in only:
            continue
        if reason := check.spared(cls):
            yield Verdict(section, check.name, check.promise, "skip", found=reason)
        else:
            yield _verdict(section, check, cases=max(1, round(cases * check.share)), seed=seed)


def _class_verdict(section: str, name: str, run: Callable[[Any], None]) -> Verdict:
    promise = (run.__doc__ or "").split("\n")[0]
    broken = _outcome(partial(run, CATALOGUE[section]), CATALOGUE[section])
    if broken:
        return Verdict(section, name, promise, "FAIL", broken.expected, broken.found)
    return Verdict(section, name, promise, "ok")


def _drawn(section: str, seed: int) -> Verdict:
    """Whether sections compile at all, and are refused in words where they do not."""
    refusals: list[str] = []
    for attempt in range(TRIES):
        try:
            draw_case(section, Seeded(seed, attempt))
        except CfgError as error:
            refusals.append(error.diagnostics[0].message)
        except Exception as error:
            expected = "a message (Refused, or a Complaint of `check`)"
            return Verdict(section, "drawn", DRAWN, "FAIL", expected, _words(error, CATALOGUE[section]))
    if len(refusals) == TRIES:
        found = f"none of {TRIES}: {refusals[-1]}"
        return Verdict(section, "drawn", DRAWN, "FAIL", "some drawn section to compile", found)
    return Verdict(section, "drawn", DRAWN, "ok")


def _verdict(section: str, check: Check, *, cases: int, seed: int) -> Verdict:
    cls, tried = CATALOGUE[section], 0
    for number in range(cases):
        case = _case(cls, tuple(check.given(cls).items()), seed, number, cases)
        if case is None:
            continue
        tried += 1
        if _outcome(partial(check.run, Specimen(case)), cls):
            case, broken = _smallest(check, case)
            return Verdict(section, check.name, check.promise, "FAIL", broken.expected, broken.found, case)
    if not tried:
        return Verdict(section, check.name, check.promise, "skip", found="no drawn section compiles")
    return Verdict(section, check.name, check.promise, "ok")


@cache
def _case(
    cls: type[Layer], fixed: tuple[tuple[str, Any], ...], seed: int, number: int, cases: int
) -> Case | None:
    """Case `number` of `cases`, small ones first; None where nothing that was drawn compiles."""
    effort = number / max(1, cases - 1)
    for attempt in range(TRIES):
        with suppress(Exception):  # what is wrong with it, `drawn` says
            return draw_case(cls.section, Seeded(seed, number, attempt, effort=effort), fixed=dict(fixed))
    return None


def _smallest(check: Check, case: Case) -> tuple[Case, Broken]:
    """A failing case from which nothing more can be left out."""
    cls = CATALOGUE[case.section]
    broken = _outcome(partial(check.run, Specimen(case)), cls)
    assert broken is not None
    candidates, steps = case.smaller(), 0
    while steps < STEPS and (smaller := next(candidates, None)):
        steps += 1
        if _compiles(smaller) and (again := _outcome(partial(check.run, Specimen(smaller)), cls)):
            case, broken, candidates = smaller, again, smaller.smaller()
    return case, broken


def _compiles(case: Case) -> bool:
    try:
        case.node()
    except Exception:
        return False
    return True


def _outcome(run: Callable[[], None], cls: type[Layer]) -> Broken | None:
    """What is broken; an exception of the layer's own is told like a promise that is not kept."""
    try:
        run()
    except Broken as broken:
        return broken
    except Exception as error:
        return Broken("no exception", _words(error, cls))
    return None


def _words(error: Exception, cls: type[Layer]) -> str:
    """An exception and its place: the last line of the layer's own file that led to it."""
    own = getattr(sys.modules.get(cls.__module__), "__file__", None)
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((f for f in reversed(frames) if f.filename == own), frames[-1])
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    return f"{type(error).__name__} at {place}: {quoted(error, limit=200)}"
