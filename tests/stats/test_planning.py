"""Golden and property: the size of studies; the oracle is docs/statistics.md and the verdict itself."""

from __future__ import annotations

import numpy as np
import pytest

from darknet_py.stats import verdict
from darknet_py.stats.components import Parts
from darknet_py.stats.planning import StudySize, images_needed, seeds_needed, visible_effect


def test_in_units_of_the_seed_a_pair_sees_what_is_printed() -> None:
    found = [
        round(visible_effect(Parts(1, 0, 0), StudySize(2, seeds), paired=False), 1)
        for seeds in (2, 3, 5, 10, 20)
    ]
    assert found == [5.4, 3.0, 2.0, 1.3, 0.9]


@pytest.mark.parametrize("shape", [(2, 2), (2, 5), (3, 3)])
def test_a_study_of_the_same_size_sees_the_same(shape: tuple[int, int]) -> None:
    draw = np.random.default_rng(3)
    values = draw.normal(0.4, 0.03, shape)
    images = np.cov(draw.normal(0, 0.1, (values.size, 200))) / 200
    for one in verdict(values, images):
        # Else the noise of images, or of two variants alone, takes the place of that of all seeds.
        if one.parts.training > 0 and not one.alone:
            found = visible_effect(one.parts, StudySize(*shape))
            assert found == pytest.approx(one.visible)


def test_more_seeds_see_more_until_the_images_are_too_few() -> None:
    assert seeds_needed(Parts(1e-4, 0, 0), 0.02, variants=2) == 7
    assert seeds_needed(Parts(1e-4, 0, 4e-4), 0.02, variants=2) is None
    factor = images_needed(Parts(1e-4, 0, 4e-4), 0.02, variants=2)
    assert factor is not None
    assert 16 < factor < 32
    assert images_needed(Parts(1.0, 0, 0), 0.02, variants=2) is None
