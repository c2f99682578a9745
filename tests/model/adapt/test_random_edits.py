"""Property. Oracle: the outputs before the edit; the edits are drawn from those that change none."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from darknet_py.errors import UsageError
from tests.model.adapt.networks import assert_equal_outputs, assert_same_outputs, carried
from tests.model.adapt.random_preserving import random_pair

SHORT, LONG, SLICE = 60, 1200, 200
SLICES = [pytest.param(range(SHORT), id="short")] + [
    pytest.param(range(start, start + SLICE), id=f"{start}", marks=pytest.mark.soak)
    for start in range(0, LONG, SLICE)
]


@pytest.mark.slow
@pytest.mark.parametrize("seeds", SLICES)
def test_edits_that_change_no_output_change_none_with_carried_weights(seeds: range, tmp_path: Path) -> None:
    outcome: Counter[str] = Counter()
    for seed in seeds:
        integers = seed % 2 == 1
        a, b, names, always = random_pair(seed, integers=integers)
        if not names:
            continue
        try:
            old, new, ledger = carried(a, b, tmp_path, integers=integers)
        except UsageError as error:
            outcome["refused" if "would be a guess" in error.message else error.message] += 1
            continue
        outcome["preserving" if ledger.preserving else "lost" if always else "other"] += 1
        if ledger.preserving and integers:
            assert_equal_outputs(old, new)
        elif ledger.preserving:
            assert_same_outputs(old, new)
    assert outcome.keys() <= {"preserving", "other", "lost", "refused"}
    total = outcome.total()
    assert outcome["preserving"] > 0.8 * total, outcome
    assert outcome["lost"] + outcome["refused"] <= 0.02 * total, outcome
