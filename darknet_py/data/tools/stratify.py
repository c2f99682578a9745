"""Groups of images in two parts, with every class in both in proportion.

Iterative stratification: of the classes, the one with the fewest images left goes first, and each of its
groups to the part that lacks most of that class. Images have several classes, so that rare ones must be
placed while there is a choice. The size of a part may then be off by a few images; groups that change the
classes least are moved. Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML
PKDD 2011.
"""

from __future__ import annotations

import numpy as np


def stratify(counts: np.ndarray, sizes: np.ndarray, wanted: int, *, seed: int = 0) -> np.ndarray:
    """Choose the groups of the second part.

    Args:
        counts: (G, K) images of each group with a box of each class.
        sizes: (G,) images of each group.
        wanted: images in the second part; groups stay together, so that it may be missed.
        seed: of the order in which equal groups are placed.

    Returns: (G,) whether a group is in the second part.
    """
    share = wanted / sizes.sum()
    lacks = np.outer([1 - share, share], counts.sum(axis=0))
    room = np.array([sizes.sum() - wanted, wanted], dtype=np.float64)
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]  # large groups while there is room for them
    part = np.full(len(sizes), -1)

    def place(group: int, need: np.ndarray) -> None:
        best = int(np.lexsort((room, need))[-1])  # of equal needs, the part with more room
        part[group] = best
        lacks[best] -= counts[group]
        room[best] -= sizes[group]

    left = counts.sum(axis=0)
    while left.any():
        rarest = int(np.where(left > 0, left, np.iinfo(left.dtype).max).argmin())
        members = order[(part[order] < 0) & (counts[order, rarest] > 0)]
        for group in members:
            place(group, lacks[:, rarest])
        left = left - counts[members].sum(axis=0)
    for group in order[part[order] < 0]:
        place(group, room)
    return _mended(part == 1, counts, sizes, wanted, order)


def _mended(
    second: np.ndarray, counts: np.ndarray, sizes: np.ndarray, wanted: int, order: np.ndarray
) -> np.ndarray:
    """Move groups until the second part has as many images as are wanted, or no group is small enough."""
    totals = np.maximum(counts.sum(axis=0), 1)
    aim = counts.sum(axis=0) * (wanted / sizes.sum())
    while excess := int(sizes[second].sum()) - wanted:
        movable = order[(second[order] == (excess > 0)) & (sizes[order] <= abs(excess))]
        if not len(movable):
            break
        moved = counts[second].sum(axis=0) - np.sign(excess) * counts[movable]
        costs = ((moved - aim) ** 2 / totals).sum(axis=1)
        best = movable[costs.argmin()]
        second[best] = not second[best]
    return second
