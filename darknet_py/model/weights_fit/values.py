"""Whether the numbers of a file can be those of a network: no variance is negative.

A file that is read at the wrong places has weights where a variance should be, half of them negative. Other
arrays tell little: every number could be a weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from darknet_py.model.weights_fit.parts import FilePart, FileParts

if TYPE_CHECKING:
    import numpy.typing as npt

Floats: TypeAlias = "npt.NDArray[np.float32]"

LARGEST = 1e12  # a variance; those of published networks stay below 1e4
ENOUGH = 16  # variances: random numbers pass with a chance of 2^-16
POSITIVE = 0.5  # share of a layer's scales
BLOCK = 1 << 20  # numbers that are looked at together
OUTLIER = 4  # times that the outermost variances of a layer may be larger or smaller than all others


@dataclass(frozen=True)
class Survey:
    """What the values say.

    Args:
        last: the last layer whose statistics are where they should be; -1 where there is none.
        bad: the first variances that are none.
        checked: variances up to there.
    """

    last: int
    bad: FilePart | None
    checked: int

    @property
    def fits(self) -> bool:
        """Whether nothing contradicts the layout."""
        return self.bad is None


def survey(parts: FileParts, values: Floats) -> Survey:
    """Look at the statistics of the complete layers of a file, up to the first that no network has."""
    at, last, checked = 0, -1, 0
    scales: Floats = values[:0]
    for part in parts:
        array, at = values[at : at + part.floats], at + part.floats
        if len(array) < part.floats:
            break
        if part.name == "scales":
            scales = array
        if part.name == "variances":
            if not ((array >= 0) & (array < LARGEST)).all():  # NaN is neither
                return Survey(last, part, checked)
            checked += len(array)
            last = part.layer if _in_place(scales, array) else last
    return Survey(last, None, checked)


def _in_place(scales: Floats, variances: Floats) -> bool:
    """Whether a layer's arrays are surely not some places off.

    A shift by one brings a mean or a weight to an end of the variances, and half of those are positive.
    """
    middle = variances[1:-1]
    if len(middle) < ENOUGH or np.count_nonzero(scales > 0) < POSITIVE * len(scales):
        return False
    low, high = middle.min() / OUTLIER, middle.max() * OUTLIER
    return bool(low <= variances[0] <= high and low <= variances[-1] <= high)


def zeros_at_the_end(values: Floats) -> int:
    """How many numbers at the end of a file are zero.

    >>> zeros_at_the_end(np.array([0, 1, 0, 0], np.float32))
    2
    """
    end = len(values)
    while end and not (block := values[max(0, end - BLOCK) : end]).any():
        end -= len(block)
    block = values[max(0, end - BLOCK) : end]
    return len(values) - end + (len(block) - 1 - int(np.flatnonzero(block)[-1]) if end else 0)
