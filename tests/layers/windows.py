"""Maps and windows to draw, for the tests of pools."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st

SLOW_AND_PICKY = [HealthCheck.too_slow, HealthCheck.filter_too_much]
few = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=SLOW_AND_PICKY)


@st.composite
def cases(draw):
    """A map and a window on it: odd maps, rows of one cell, windows larger than the map, paddings."""
    height, width = draw(st.integers(1, 19)), draw(st.integers(1, 19))
    size = draw(st.integers(1, 21))
    keys = {"size": size, "stride_y": draw(st.integers(1, 4)), "stride_x": draw(st.integers(1, 4))}
    padding = draw(st.none() | st.integers(0, 2 * (size - 1)))
    keys |= {} if padding is None else {"padding": padding}
    total = size - 1 if padding is None else padding
    assume(min(height, width) + total >= size)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    image = rng.normal(size=(2, height, width)).astype(np.float32)
    if draw(st.booleans()):
        image[0] = -np.abs(image[0]) - 0.1  # a channel without a positive cell
    if draw(st.booleans()):
        image[1] = np.round(image[1])  # zeros and ties
    return image, keys
