"""The structural diff of two networks: which layer of one is which of the other, and what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from darknet_py.arithmetic.field import Field
from darknet_py.cfg.edits import NAME
from darknet_py.cfg.keys import keys_of
from darknet_py.edit.alignment import aligned
from darknet_py.edit.folding import expanded
from darknet_py.graph.graph import Graph, Node
from darknet_py.graph.reach import fields
from darknet_py.layers.base import Layer, absolute

Kind = Literal["same", "follows", "changed", "replaced", "added", "removed"]


@dataclass(frozen=True)
class Change:
    """One key of a layer that differs, as the cfg would write it; None where the section has none."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Pair:
    """One layer of A, one of B, or both where they correspond.

    Args:
        kind: `follows` when the keys are equal, and shape, cost or receptive field differ.
    """

    a: Node | None
    b: Node | None
    kind: Kind
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class GraphDiff:
    """Two networks, and their layers in pairs."""

    a: Graph
    b: Graph

    @cached_property
    def net(self) -> tuple[Change, ...]:
        """Keys of [net] that differ."""
        return tuple(_changes(self.a, -1, self.b, -1))

    @cached_property
    def places(self) -> dict[int, int]:
        """For each layer of A that corresponds to one of B, that one's index."""
        return {a: b for a, b in aligned(self.a, self.b) if a is not None and b is not None}

    @cached_property
    def fields(self) -> tuple[list[Field], list[Field]]:
        """The receptive field of every layer, in A and in B."""
        return fields(self.a), fields(self.b)

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Every layer of both, in order."""
        return tuple(self._pair(a, b) for a, b in aligned(self.a, self.b))

    @property
    def same(self) -> bool:
        """Whether A and B are the same network."""
        return not self.net and all(pair.kind == "same" for pair in self.pairs)

    @cached_property
    def written_otherwise(self) -> bool:
        """Whether A and B differ only in that one has a composite layer and the other its sections."""
        if self.same or self.net or self.a.cost != self.b.cost:
            return False
        a, b = expanded(self.a), expanded(self.b)
        return (a is not self.a or b is not self.b) and GraphDiff(a, b).same

    def _pair(self, a: int | None, b: int | None) -> Pair:
        old = self.a[a] if a is not None else None
        new = self.b[b] if b is not None else None
        if old is None or new is None:
            return Pair(old, new, "added" if old is None else "removed")
        changes = (*_changes(self.a, old.index, self.b, new.index), *self._rewired(old, new))
        if old.layer.section != new.layer.section:
            return Pair(old, new, "replaced", changes)
        if changes:
            return Pair(old, new, "changed", changes)
        seen = self.fields[0][old.index], self.fields[1][new.index]
        same = (old.shape, old.cost, seen[0]) == (new.shape, new.cost, seen[1])
        return Pair(old, new, "same" if same else "follows")

    def _rewired(self, old: Node, new: Node) -> Iterator[Change]:
        """References that do not refer to corresponding layers."""
        before, after = _named(old), _named(new)
        for key in before.keys() | after.keys():
            was, now = before.get(key, ()), after.get(key, ())
            if [self.places.get(i, i if i < 0 else None) for i in was] != list(now):
                yield Change(key, _written(was), _written(now))


def _named(node: Node) -> dict[str, tuple[int, ...]]:
    """The layers that a layer refers to, by key; none for a number out of range, Darknet's word for none."""
    found = {}
    for field, key in keys_of(type(node.layer)).items():
        if key.refers:
            value = getattr(node.layer, field)
            numbers = value if isinstance(value, tuple) else (value,)
            far = [number for number in numbers if abs(number) > node.index + 1]
            found[key.name] = () if far else tuple(absolute(number, node.index) for number in numbers)
    return found


def _changes(a: Graph, at_a: int, b: Graph, at_b: int) -> Iterator[Change]:
    """Keys that differ, among those that either text sets; references are compared separately."""
    old: Layer = a.net if at_a < 0 else a[at_a].layer
    new: Layer = b.net if at_b < 0 else b[at_b].layer
    written = {entry.key for g, at in ((a, at_a), (b, at_b)) for entry in g.document.sections[at + 1].entries}
    before, after = _values(old), _values(new)
    for key in dict.fromkeys((*before, *after)):
        if key in written and before.get(key) != after.get(key):
            yield Change(key, before.get(key), after.get(key))


def _values(layer: Layer) -> dict[str, str]:
    keys = keys_of(type(layer))
    return {key.name: _written(getattr(layer, f)) for f, key in keys.items() if not key.refers and f != NAME}


def _written(value: object) -> str:
    """A value as a cfg has it."""
    if isinstance(value, tuple):
        return ",".join(_written(item) for item in value)
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(int(value)) if isinstance(value, bool) else str(value)
