"""Groups of iterations that are loaded together, so that mixtures of images read each image once.

Darknet draws the images of a mosaic from anywhere in the data set, which reads four for each sample. Here
they come from a pool: the images of the sample's own batch, or of its neighbours too where batches are small.
A group is loaded by one process, and which images it holds follows from the plan alone, so neither the number
of processes nor a stop changes a sample. Samples that come back in later epochs (`augment_versions`) are
mixed of any images of the data set, for no batch comes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from darknet_py.data.loader.sampler import Batches, Draw

POOL = 64  # images at least that mixtures are drawn from


@dataclass(frozen=True)
class BatchGroup:
    """Iterations to load.

    Args:
        draws: of each iteration.
        pool: the images that their mixtures are made of; none where nothing is mixed.
        slot: of the shared buffer that this group is written to.
    """

    draws: tuple[list[Draw], ...]
    pool: tuple[int, ...]
    slot: int


@dataclass(frozen=True)
class GroupSampler:
    """A plan in groups: of `POOL` images at least where samples are mixed, else of one iteration."""

    plan: Batches
    mixed: bool
    workers: int = 0

    @property
    def size(self) -> int:
        """Iterations of a group."""
        return -(-POOL // len(self.plan.draws(self.plan.first))) if self.mixed else 1

    @property
    def ahead(self) -> int:
        """Groups that each loader loads in advance: two, or one where a group has several batches."""
        return 1 if self.size > 1 else 2

    @property
    def slots(self) -> int:
        """Slots of the shared buffer: for the groups in advance, and the one that is in use."""
        return self.ahead * self.workers + 1

    def __iter__(self) -> Iterator[BatchGroup]:
        first, last, size, slots = self.plan.first, self.plan.last, self.size, self.slots
        for number, start in enumerate(range((first - 1) // size * size + 1, last + 1, size)):
            draws = {k: self.plan.draws(k) for k in range(start, start + size)}
            loaded = tuple(found for k, found in draws.items() if first <= k <= last)
            pool = dict.fromkeys(draw.index for found in draws.values() for draw in found)
            yield BatchGroup(loaded, tuple(pool) if self.mixed else (), number % slots)


def partners(index: int, pool: Sequence[int], count: int, rng: np.random.Generator) -> list[int]:
    """Draw other images of the pool, each once where there are enough of them.

    Args:
        pool: a range is not listed: it may be a large data set.
    """
    if not count:
        return []
    if isinstance(pool, range) and len(pool) > count:
        found = rng.choice(len(pool) - 1, count, replace=False)
        return [int(other) + (other >= index) for other in found]
    others = [other for other in pool if other != index] or [index]
    return [others[k] for k in rng.choice(len(others), count, replace=len(others) < count)]
