"""Weights of network A written into network B, layer by layer, with what became of them."""

from __future__ import annotations

from darknet_py.graph.graph import Node
from darknet_py.layers.heads.head import Head
from darknet_py.layers.merging.shortcut import Shortcut
from darknet_py.layers.parametric.batchnorm import BatchNorm
from darknet_py.layers.parametric.connected import Connected
from darknet_py.layers.parametric.local import Local
from darknet_py.model.adapt import beginnings
from darknet_py.model.adapt.choices import NONE
from darknet_py.model.adapt.columns import match_columns
from darknet_py.model.adapt.heads import describe_classes, head_before, head_rows
from darknet_py.model.adapt.ledger import LayerEntry, TensorEntry
from darknet_py.model.adapt.parameters import SIZED, named_arrays, parameters_of
from darknet_py.model.adapt.rows import (
    Pairing,
    Rows,
    blocks_of,
    copy_vectors,
    copy_weights,
    entry,
    group_rows,
)
from darknet_py.model.adapt.terms import Channel, Map, computed, operation
from darknet_py.model.adapt.walk import Walk, terms_of
from darknet_py.model.network import Network


class Carrier(Walk):
    """The walk that fills B."""

    def run(self) -> None:
        """Fill B."""
        for maps, graph in ((self.maps_a, self.a.graph), (self.maps_b, self.b.graph)):
            maps[-1] = [Channel(self.terms.of("image", at)) for at in range(graph.image.channels)]
        for node in self.a.graph:
            self.maps_a[node.index] = self._map_of_a(node)
        self.known = {channel.term for m in self.maps_a.values() for channel in m}
        for node in self.b.graph:
            self.maps_b[node.index] = self._map_of_b(node)
        self._removed()

    def _map_of_a(self, node: Node) -> Map:
        read = [self.maps_a[at] for at in node.inputs]
        if parameters_of(self.a, node) is None:
            learned = ("whole", node.index) if named_arrays(self.a, node) else None
            return computed(node, read, self.terms, learned=learned)
        return [self._output(node, at, read[0]) for at in range(node.shape.channels)]

    def _output(self, node: Node, row: int, read: Map, *, exact: bool = True) -> Channel:
        """The channel of one row of a layer of A."""
        root = read[row].term if isinstance(node.layer, BatchNorm) else None
        return Channel(self.terms.of("out", node.index, row, root=root), exact)

    def _map_of_b(self, node: Node) -> Map:
        source = self.source.get(node.index)
        old = None if source is None else self.a.graph[source]
        if getattr(node.layer, "shared", False):
            return self._shared(node, old)
        if not named_arrays(self.b, node):
            read = [self.maps_b[at] for at in node.inputs]
            return self.in_place(node, old, computed(node, read, self.terms))
        if parameters_of(self.b, node) is None:
            return self._complete(node, old)
        found = self._rows(node, old) if old is not None and self._fits(node, old) else None
        return self._begin(node, old, "") if found is None else found

    def _fits(self, node: Node, old: Node) -> bool:
        """Whether rows of one layer can be rows of the other."""
        if node.layer.section != old.layer.section:
            return False
        new, before = parameters_of(self.b, node), parameters_of(self.a, old, lent=True)
        return new is not None and before is not None and new.form == before.form

    def _rows(self, node: Node, old: Node) -> Map | None:
        """Carry a layer's rows; None where it reads nothing that it read."""
        new, before = parameters_of(self.b, node), parameters_of(self.a, old, lent=True)
        assert new is not None
        assert before is not None
        read = self.maps_a[old.inputs[0]], self.maps_b[node.inputs[0]]
        pair = Pairing(before, new, read, self.terms, self.start)
        same, changed = self._same(node, old), _difference(old, node)
        if new.weights is None:
            rows, exact = self._rows_of_vectors(node, pair)
            tensors = []
        else:
            rows = self._row_plan(node, old, pair)
            blocks = blocks_of(pair, rows)
            if not any(at is not None for block in blocks for at in block.columns.source):
                return None
            weights, exact = copy_weights(pair, blocks)
            tensors = [weights]
        tensors = [*copy_vectors(pair, rows), *tensors]
        self.enter(node, old, tensors, self.notes.get(node.index, "") if same else changed)
        if not same:
            self.reason(node, changed)
        elif not all(exact.values()) and all(channel.exact for channel in read[1]):
            self.reason(node, self._what_is_lost(pair))
        return [
            Channel(self.terms.of("new", node.index, row))
            if at is None
            else self._output(old, at, read[0], exact=same and exact[row])
            for row, at in enumerate(rows)
        ]

    def _rows_of_vectors(self, node: Node, pair: Pairing) -> tuple[Rows, dict[int, bool]]:
        """The rows of a layer that has one number, or a few, for each channel, and which are exact."""
        if not isinstance(node.layer, BatchNorm):
            rows = [row if row < pair.old.rows else None for row in range(pair.new.rows)]
            return rows, dict.fromkeys(range(pair.new.rows), True)
        old, new = pair.read
        columns = match_columns(new, old, self.terms)
        exact = {at: columns.same[at] and channel.exact for at, channel in enumerate(new)}
        return columns.source, exact

    def _row_plan(self, node: Node, old: Node, pair: Pairing) -> Rows:
        ends = head_before(self.a.graph, old.index), head_before(self.b.graph, node.index)
        if ends[0] is not None and ends[1] is not None:
            found = head_rows((self.a.graph, self.b.graph), (ends[0], ends[1]), self.classes)
            if found is not None and len(found) == pair.new.rows:
                counts = (self._classes(self.a, ends[0]), self._classes(self.b, ends[1]))
                moved = found != list(range(pair.old.rows))
                self.notes[node.index] = describe_classes(*counts, self.classes) if moved else ""
                return found
        return group_rows(pair)

    @staticmethod
    def _classes(network: Network, end: int) -> int:
        node = network.graph[end]
        return node.layer.classes if isinstance(node.layer, Head) else node.shape.floats

    def _same(self, node: Node, old: Node) -> bool:
        """Whether a row computes the same of the same columns."""
        if isinstance(node.layer, (Connected, Local)) and _size(node) != _size(old):
            return False
        return operation(node.layer, without=SIZED) == operation(old.layer, without=SIZED)

    def _what_is_lost(self, pair: Pairing) -> str:
        terms = {channel.term for channel in pair.read[1]}
        lost = sum(channel.term not in terms for channel in pair.read[0])
        if lost:
            return f"{lost} of the {len(pair.read[0])} channels that it read are gone or others"
        return f"its new inputs do not start at zero (--adapt {self.start})"

    def _begin(self, node: Node, old: Node | None, note: str) -> Map:
        """Start a layer that continues none of A."""
        new, read = parameters_of(self.b, node), self.maps_b[node.inputs[0]]
        assert new is not None
        wanted = self.wanted(node.index)
        begun = None
        if self.start != NONE and old is None and wanted is not None:
            if self.is_added(node.index):
                begun = beginnings.zero(node, new)
            begun = begun or beginnings.identity(node, new, read, wanted, self.terms)
        if begun is None:
            why = _difference(old, node) if old is not None else "a new layer with random weights"
            if old is not None and self._fits(node, old):
                why = "it reads none of the channels that it read"
            standing = wanted if old is None else self.maps_a[old.index]
            begun = beginnings.Beginning(self.standing(node, standing), note or why, why)
        if begun.why:
            self.reason(node, begun.why)
        tensors = [
            TensorEntry(name, "initialised", tensor.numel(), 0)
            for name, tensor in named_arrays(self.b, node).items()
        ]
        self.enter(node, None, tensors, begun.note)
        return begun.channels

    def _complete(self, node: Node, old: Node | None) -> Map:
        """Carry a layer whose tensors are carried all or not at all."""
        new = named_arrays(self.b, node)
        before = {} if old is None else named_arrays(self.a, old)
        read = [self.maps_b[at] for at in node.inputs]
        fits = (
            old is not None
            and operation(node.layer) == operation(old.layer)
            and node.layer.section == old.layer.section
            and {name: t.shape for name, t in new.items()} == {name: t.shape for name, t in before.items()}
        )
        if not fits or old is None:
            return self._begin_complete(node, old, read)
        for name, tensor in new.items():
            tensor.copy_(before[name])
        sizes = [(name, tensor.numel()) for name, tensor in new.items()]
        self.enter(node, old, [entry(name, size, size, size, moved=False) for name, size in sizes], "")
        return self.in_place(node, old, computed(node, read, self.terms, learned=("whole", old.index)))

    def _begin_complete(self, node: Node, old: Node | None, read: list[Map]) -> Map:
        """Start such a layer; a weighted sum returns the map whose place it takes."""
        layer, arrays, note = node.layer, named_arrays(self.b, node), "a new layer"
        found = computed(node, read, self.terms, learned=("new", node.index))
        wanted = self.wanted(node.index) if old is None and self.start != NONE else None
        plain = isinstance(layer, Shortcut) and layer.weights_normalization == "none"
        if wanted is not None and plain and getattr(layer, "activation", "") == beginnings.LINEAR:
            same = [at for at, m in enumerate(read) if terms_of(m) == terms_of(wanted)]
            if same:
                arrays["weights"].zero_()
                arrays["weights"][same[0]] = 1.0
                found, note = list(read[same[0]]), "starts as the identity"
        tensors = [TensorEntry(name, "initialised", t.numel(), 0) for name, t in arrays.items()]
        self.enter(node, None, tensors, note)
        return self.in_place(node, old, found)

    def _shared(self, node: Node, old: Node | None) -> Map:
        """A convolution with the weights of another layer of B."""
        if old is None or old.shape.channels != node.shape.channels:
            self.reason(node, "a new layer with the weights of another")
            return self.standing(node, self.wanted(node.index))
        given = self.b.graph[node.index].layer
        source = getattr(given, "share_index", 0)
        source = source + node.index if source < 0 else source
        entries = {one.to: one for one in self.entries}
        lent = entries.get(source)
        read = self.maps_a[old.inputs[0]], self.maps_b[node.inputs[0]]
        before = getattr(old.layer, "share_index", 0)
        before = before + old.index if before < 0 else before
        same = (
            lent is not None
            and lent.what == "copied"
            and lent.source == before
            and self._same(node, old)
            and terms_of(read[0]) == terms_of(read[1])
        )
        exact = same and all(channel.exact for channel in read[1])
        if not same:
            self.reason(node, "it shares weights that are not those that it shared")
        return [Channel(channel.term, exact) for channel in self.maps_a[old.index]]

    def _removed(self) -> None:
        """Enter the layers of A that no layer of B continues."""
        used = {one.source for one in self.entries}
        for node in self.a.graph:
            arrays = {} if getattr(node.layer, "shared", False) else named_arrays(self.a, node)
            if arrays and node.index not in used:
                tensors = [TensorEntry(name, "cut", 0, 0, cut=t.numel()) for name, t in arrays.items()]
                self.entries.append(LayerEntry(None, node.index, node.layer.section, tuple(tensors)))


def _size(node: Node) -> tuple[int, int]:
    return node.maps[0].height, node.maps[0].width


def _difference(old: Node, node: Node) -> str:
    """The first key by which two layers compute something else."""
    if old.layer.section != node.layer.section:
        return f"[{old.layer.section}] became [{node.layer.section}]"
    before, after = dict(operation(old.layer)), dict(operation(node.layer))
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            return f"{key} {before.get(key)} became {after.get(key)}"
    return f"its input of {old.maps[0]} became one of {node.maps[0]}"
