"""Property and golden: sentences about differences; the oracle of the chance is counting all orders."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darknet_py.stats.spread import chance_of_separation, spread_of, verdict

scores = st.lists(st.floats(0, 1), min_size=2, max_size=6)


def sentence(ours: list[float | None], theirs: list[float | None], metric: str = "ap") -> str:
    return verdict(
        "new", "base", metric=metric, word="AP50" if metric == "ap50" else "AP", ours=ours, theirs=theirs
    ).sentence


def test_overlapping_ranges_have_no_winner() -> None:
    assert sentence([0.412, 0.431], [0.405, 0.428]) == (
        "no difference we can see: 0.412 .. 0.431 against 0.405 .. 0.428 AP, 2 seeds each"
    )


def test_ranges_that_touch_have_no_winner() -> None:
    assert not verdict("new", "base", metric="ap", word="AP", ours=[0.4, 0.5], theirs=[0.5, 0.6]).differs


def test_disjoint_ranges_are_printed_with_their_chance() -> None:
    assert sentence([0.45, 0.46], [0.43, 0.41], "ap50") == (
        "higher in every seed (0.450 .. 0.460 against 0.410 .. 0.430 AP50, 2 seeds each); "
        "with 2 seeds this happens by chance in 1 of 3 pairs of equal variants"
    )
    assert sentence([0.1, 0.2, 0.3], [0.4, 0.5]) == (
        "lower in every seed (0.100 .. 0.300 against 0.400 .. 0.500 AP, 3 seeds against 2); "
        "with 3 seeds against 2 this happens by chance in 1 of 5 pairs of equal variants"
    )


def test_ranges_that_are_barely_disjoint_are_printed_as_disjoint() -> None:
    assert "(0.4121 .. 0.4125 against 0.4100 .. 0.4119 AP" in sentence([0.4121, 0.4125], [0.41, 0.4119])


def test_one_seed_gives_no_statement() -> None:
    assert sentence([0.5], [0.1]).startswith("one seed each: no statement")
    assert sentence([0.5, 0.6], [0.1]).startswith("2 seeds against 1, and one has no range: no statement")
    assert not verdict("new", "base", metric="ap", word="AP", ours=[0.5], theirs=[0.1]).differs


def test_without_ground_truth_there_is_no_statement() -> None:
    assert sentence([None, None], [0.1, 0.2]) == "no ground truth to measure AP with: no statement"


@pytest.mark.parametrize(("ours", "theirs"), [(2, 2), (2, 3), (3, 3), (4, 4), (1, 4)])
def test_the_chance_is_that_of_counting_all_orders(ours: int, theirs: int) -> None:
    places = range(ours + theirs)
    orders = list(combinations(places, ours))
    whole = [order for order in orders if max(order) == ours - 1 or min(order) == theirs]
    assert chance_of_separation(ours, theirs) == Fraction(len(whole), len(orders))


@given(scores, scores)
def test_a_difference_is_seen_from_both_sides_or_from_none(ours: list[float], theirs: list[float]) -> None:
    here = verdict("a", "b", metric="ap", word="AP", ours=ours, theirs=theirs)
    there = verdict("b", "a", metric="ap", word="AP", ours=theirs, theirs=ours)
    assert here.differs == there.differs == (max(ours) < min(theirs) or max(theirs) < min(ours))
    assert {here.outcome, there.outcome} in ({"higher", "lower"}, {"no difference"})


@given(scores)
def test_equal_runs_never_differ(values: list[float]) -> None:
    assert not verdict("a", "b", metric="ap", word="AP", ours=values, theirs=values).differs


@given(st.lists(st.none() | st.floats(0, 1), max_size=6))
def test_a_spread_leaves_out_what_is_not_there(values: list[float | None]) -> None:
    found = spread_of(values)
    there = [value for value in values if value is not None]
    assert (found is None) == (not there)
    if found:
        assert found.low <= found.mean + 1e-12
        assert found.mean <= found.high + 1e-12
        assert found.half_range == (max(there) - min(there)) / 2
