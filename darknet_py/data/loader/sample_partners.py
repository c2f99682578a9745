"""Iterations that are loaded in one go, so that mixtures of images need each of them read once.

Darknet draws the images of a mosaic from anywhere in the data set, which reads four for each sample. Here
they come from a pool: the images of the sample's own batch, or of its neighbours too where batches are small.
A group is loaded by one process, and which images it holds follows from the plan alone, so neither the number
of processes nor a stop changes a sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from darknet_py.data.loader.sampler import Batches, Draw

POOL = 64  # images at least that mixtures are drawn from


@dataclass(frozen=True)
class Group:
    """Iterations to load.

    Args:
        pool: the images that their mixtures are made of; none where nothing is mixed.
        slot: which of the places for groups that are on their way this one takes.
    """

    todo: tuple[list[Draw], ...]
    pool: tuple[int, ...]
    slot: int


@dataclass(frozen=True)
class Groups:
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
        """How many each process that loads is given at once: two, or one where it holds several batches."""
        return 1 if self.size > 1 else 2

    @property
    def slots(self) -> int:
        """Places for those on their way, and the one that is being handed out."""
        return self.ahead * self.workers + 1

    def __iter__(self) -> Iterator[Group]:
        first, last, size, slots = self.plan.first, self.plan.last, self.size, self.slots
        for number, start in enumerate(range((first - 1) // size * size + 1, last + 1, size)):
            draws = {k: self.plan.draws(k) for k in range(start, start + size)}
            todo = tuple(found for k, found in draws.items() if first <= k <= last)
            pool = dict.fromkeys(draw.index for found in draws.values() for draw in found)
            yield Group(todo, tuple(pool) if self.mixed else (), number % slots)


def partners(index: int, pool: Sequence[int], count: int, rng: np.random.Generator) -> list[int]:
    """Other images of the pool, each once where there are enough of them."""
    if not count:
        return []
    others = [other for other in pool if other != index] or [index]
    return [others[k] for k in rng.choice(len(others), count, replace=len(others) < count)]
