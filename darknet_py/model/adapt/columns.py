"""Which column of a layer of A each column of a layer of B continues, by what the two read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from darknet_py.model.adapt.terms import Channel, Terms


@dataclass(frozen=True)
class Columns:
    """Columns of B by columns of A.

    Args:
        source: for each column of B the column of A that it continues; None for a new one.
        same: whether it reads the same as that one, by its term; else it stands in its place.
    """

    source: list[int | None]
    same: list[bool]


def match_columns(new: Sequence[Channel], old: Sequence[Channel], terms: Terms) -> Columns:
    """Match columns by term, equal ones in their order.

    A column that is left over stands in for one of A that stems from the same layer's channel, such as the
    cells of another pool, if nothing else of that channel was matched: beside other branches of the channel
    it is a new branch.
    """
    places: dict[int, list[int]] = defaultdict(list)
    for at in range(len(old) - 1, -1, -1):
        places[old[at].term].append(at)
    source = [places[channel.term].pop() if places.get(channel.term) else None for channel in new]
    same = [at is not None for at in source]
    known = {terms.roots[channel.term] for channel, at in zip(new, source, strict=True) if at is not None}
    left: dict[int, list[int]] = defaultdict(list)
    for at in sorted((at for rest in places.values() for at in rest), reverse=True):
        root = terms.roots[old[at].term]
        if root not in known:
            left[root].append(at)
    for at, channel in enumerate(new):
        root = terms.roots[channel.term]
        if source[at] is None and left.get(root):
            source[at] = left[root].pop()
    return Columns(source, same)


def nearest_columns(
    new: Sequence[Channel], old: Sequence[Channel], columns: Columns, terms: Terms
) -> list[int | None]:
    """For each new column the column of A that `copy` starts it from: the nearest pool of the channel."""
    by_root: dict[int, list[int]] = defaultdict(list)
    for at, channel in enumerate(old):
        by_root[terms.roots[channel.term]].append(at)
    found: list[int | None] = []
    for channel, known in zip(new, columns.source, strict=True):
        choices = by_root.get(terms.roots[channel.term], []) if known is None else []
        kind, size = terms.pools.get(channel.term, ("", 1))

        def distance(at: int, kind: str = kind, size: int = size) -> tuple[bool, int]:
            other, its_size = terms.pools.get(old[at].term, ("", 1))
            return other != kind, abs(its_size - size)

        found.append(min(choices, key=distance, default=None))
    return found
