"""The state of a walk over two networks: their maps as terms, the ledger, and what a new layer replaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from darknet_py.graph.graph import Node
from darknet_py.layers.merging.route import Route
from darknet_py.layers.merging.shortcut import Shortcut
from darknet_py.layers.pools.pyramid import Pyramid
from darknet_py.model.adapt.beginnings import LINEAR
from darknet_py.model.adapt.choices import ZERO
from darknet_py.model.adapt.heads import Classes
from darknet_py.model.adapt.ledger import LayerEntry, Reason, TensorEntry
from darknet_py.model.adapt.terms import Channel, Map, Terms, returns_input
from darknet_py.model.network import Network


@dataclass
class Walk:
    """Two networks and what is known of them; `a` is filled, `b` is initialised.

    Args:
        classes: for each class of B that of A.
        source: for each layer of B that corresponds to one of A, that one.
        start: what new inputs start from, of `choices.STARTS`.
    """

    a: Network
    b: Network
    source: Mapping[int, int]
    classes: Classes = None
    start: str = ZERO
    terms: Terms = field(default_factory=Terms)
    maps_a: dict[int, Map] = field(default_factory=dict)
    maps_b: dict[int, Map] = field(default_factory=dict)
    entries: list[LayerEntry] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    notes: dict[int, str] = field(default_factory=dict)
    known: set[int] = field(default_factory=set)

    def standing(self, node: Node, wanted: Map | None) -> Map:
        """Channels that only take the place of A's, where they are as many; else new ones."""
        if wanted is not None and len(wanted) == node.shape.channels:
            return [Channel(channel.term, exact=False) for channel in wanted]
        return [Channel(self.terms.of("new", node.index, at)) for at in range(node.shape.channels)]

    def wanted(self, at: int) -> Map | None:
        """The map of A in whose place B's readers get that of a layer that A does not have."""
        for reader in self.b.graph[at + 1 :]:
            if at not in reader.inputs:
                continue
            source = self.source.get(reader.index)
            if source is None:
                found = self.wanted(reader.index)
            else:
                inputs, found = self.a.graph[source].inputs, None
                if len(inputs) == len(reader.inputs):
                    found = self.maps_a[inputs[reader.inputs.index(at)]]
                elif len(inputs) == 1:
                    found = self.maps_a[inputs[0]]
            if found is not None:
                return found
        return self.maps_a[self.a.graph.outputs[0]] if (at,) == self.b.graph.outputs else None

    def is_added(self, at: int) -> bool:
        """Whether only new shortcuts read a layer, and add it to a map that should stay as it is."""
        readers = [node for node in self.b.graph[at + 1 :] if at in node.inputs]
        for reader in readers:
            layer, others = reader.layer, [one for one in reader.inputs if one != at]
            if reader.index not in self.source and returns_input(reader) and self.is_added(reader.index):
                continue
            if reader.index in self.source or not isinstance(layer, Shortcut) or layer.weights:
                return False
            wanted = self.wanted(reader.index)
            if wanted is None or layer.activation != LINEAR or len(others) != 1:
                return False
            if terms_of(self.maps_b.get(others[0], [])) != terms_of(wanted):
                return False
        return bool(readers) and at not in self.b.graph.outputs

    def in_place(self, node: Node, old: Node | None, found: Map) -> Map:
        """The channels of a layer; those of a sum or of a mixture that A has not stand in for A's."""
        layer = node.layer
        if (
            old is None
            or isinstance(layer, (Route, Pyramid))
            or (layer.channelwise and len(node.inputs) == 1)
        ):
            return found
        wanted = self.maps_a[old.index]
        if layer.section != old.layer.section or len(wanted) != len(found):
            return found
        if not {channel.term for channel in found} <= self.known:
            self.reason(node, "it combines other maps than before, or otherwise")
        return [
            channel if channel.term in self.known else Channel(want.term, exact=False)
            for channel, want in zip(found, wanted, strict=True)
        ]

    def enter(self, node: Node, old: Node | None, tensors: list[TensorEntry], note: str) -> None:
        """Add a layer of B to the ledger; `old` is the layer of A that it continues."""
        at = None if old is None else old.index
        self.entries.append(LayerEntry(node.index, at, node.layer.section, tuple(tensors), note))

    def reason(self, node: Node, why: str) -> None:
        """Note why a layer does not compute what A does."""
        self.reasons.append(Reason(node.name, why))


def terms_of(channels: Map) -> list[int]:
    """The terms of a map."""
    return [channel.term for channel in channels]
