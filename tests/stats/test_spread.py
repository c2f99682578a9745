"""Property: values over seeds; the oracles are minimum, maximum and their distance."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from darknet_py.stats.spread import spread_of


@given(st.lists(st.none() | st.floats(0, 1), max_size=6))
def test_a_spread_leaves_out_what_is_not_there(values: list[float | None]) -> None:
    found = spread_of(values)
    there = [value for value in values if value is not None]
    assert (found is None) == (not there)
    if found:
        assert found.low <= found.mean + 1e-12
        assert found.mean <= found.high + 1e-12
        assert found.half_range == (max(there) - min(there)) / 2
