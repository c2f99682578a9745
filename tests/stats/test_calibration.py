"""Property: how often verdicts are wrong in simulated studies; the oracle is the truth that was simulated."""

from __future__ import annotations

import pytest

from bench.verdicts import SETTINGS, Setting, measure

STUDIES = 200


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(2, 3, 300), (2, 5, 72)])
@pytest.mark.parametrize("setting", SETTINGS[:2], ids=lambda one: one.name)
def test_few_verdicts_are_wrong_and_effects_of_the_visible_size_are_seen(
    setting: Setting, shape: tuple[int, int, int]
) -> None:
    found = measure(setting, shape, STUDIES, seed=11)
    assert found.false_studies / STUDIES <= 0.05 + 2.6 * 0.0154  # five of a hundred, and chance
    assert found.seen / STUDIES == pytest.approx(0.8, abs=0.12)
