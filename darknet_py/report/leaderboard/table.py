"""A leaderboard as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from darknet_py.errors import quoted
from darknet_py.report.leaderboard.file import Results, problem_lines
from darknet_py.report.leaderboard.standing import Standing, choose_baseline, standings
from darknet_py.report.tables import format_points
from darknet_py.stats.spread import Spread

MOST_PAIRS = 45  # sentences of pairs in a text: those of ten variants
MOST_NAME = 60
FIGURES = 3  # columns: AP, AP50, AP75


def leaderboard(results: Results, *, baseline: str | None, margin: float, where: object) -> dict[str, Any]:
    """Groups of comparable runs, the variants of each by their scores, and the verdicts; figures are 0..1.

    Args:
        baseline: the variant that the others are judged against; None: every pair is judged.

    Raises: UsageError: when no variant is called `baseline`.
    """
    found = standings(results.records)
    if baseline is not None:
        found = choose_baseline(found, baseline, where=where)
    return {
        "format": 1,
        "groups": [_group_json(one, baseline, margin) for one in found],
        "problems": [{"where": one.where, "message": one.message} for one in results.problems],
    }


def _group_json(one: Standing, baseline: str | None, margin: float) -> dict[str, Any]:
    verdicts = one.pairs(margin) if baseline is None else one.against(baseline, margin)
    figures = list(one.metrics.words)
    return {
        "data": one.variants[0].first.data,
        "conditions": dict(one.conditions),
        "margin": margin,
        "variants": [
            {
                "name": variant.name,
                "cfg": variant.first.cfg,
                "seeds": sorted(variant.runs),
                "parameters": variant.first.parameters,
                "bflops": variant.first.bflops,
                **{key: _spread_json(variant.spread(key)) for key in figures},
            }
            for variant in one.variants
        ],
        "verdicts": [verdict.to_json(one.metrics.first) for verdict in verdicts],
    }


def _spread_json(spread: Spread | None) -> dict[str, Any] | None:
    if spread is None:
        return None
    return {"mean": spread.mean, "min": spread.low, "max": spread.high, "runs": list(spread.values)}


def leaderboard_lines(results: Results, *, baseline: str | None, margin: float, where: object) -> list[str]:
    """The same as text: a table and sentences for each group.

    Raises: UsageError: when no variant is called `baseline`.
    """
    found = standings(results.records)
    if baseline is not None:
        found = choose_baseline(found, baseline, where=where)
    lines = problem_lines(results.problems)
    for one in found:
        lines += ["", *_group_lines(one, found, baseline, margin)]
    return lines[1:] if lines and not lines[0] else lines


def _group_lines(
    one: Standing, every: Sequence[Standing], baseline: str | None, margin: float
) -> Iterator[str]:
    keys = [key for key in one.conditions if any(_differs(one, other, key) for other in every)]
    special = "".join(f", {key} {quoted(one.conditions[key], limit=16)}" for key in keys if key != "images")
    yield f"{quoted(one.variants[0].first.data)}, {one.conditions['images']} images{special}"
    yield from _table(one)
    if len(one.variants) == 1:
        return
    verdicts = one.pairs(margin) if baseline is None else one.against(baseline, margin)
    what = f"{len(verdicts)} pair{'s' * (len(verdicts) > 1)}"
    yield f"{what}; the intervals hold for all at once:"
    for verdict in verdicts[:MOST_PAIRS]:
        yield f"  {quoted(verdict.variant)} against {quoted(verdict.baseline)}: {verdict.sentence}"
    if len(verdicts) > MOST_PAIRS:
        more = len(verdicts) - MOST_PAIRS
        yield f"  {more} more pairs: --json has all, --baseline NAME those of one variant"


def _differs(one: Standing, other: Standing, key: str) -> bool:
    return bool(one.conditions[key] != other.conditions.get(key))


def _table(one: Standing) -> Iterator[str]:
    figures = list(one.metrics.words)[:FIGURES]
    words = (one.metrics.words[key] for key in figures)
    rows = [("", "variant", "seeds", *words, "parameters", "BFLOPs")]
    for place, variant in enumerate(one.variants, start=1):
        scores = (format_points(variant.spread(key)) for key in figures)
        cost = f"{variant.first.parameters:,}", f"{variant.first.bflops:.3f}"
        name = quoted(variant.name, limit=MOST_NAME)
        rows.append((str(place), name, str(len(variant.runs)), *scores, *cost))
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, wide, strict=True)
        yield "  ".join(c.ljust(w) if at == 1 else c.rjust(w) for at, (c, w) in enumerate(cells)).rstrip()
