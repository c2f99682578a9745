"""What each channel of each map is: a term over the layers with weights of the first network.

The channels that layer i of A puts out are terms of their own. A pool of a channel is another term, made of
the pool's keys and the channel's; a concatenation has the terms of its parts, a sum that of all it adds. Two
channels with one term are the same function of the image, wherever they stand in their maps. A channel of B
has A's term where it takes the place of A's channel, and is `exact` where it computes the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import chain, zip_longest
from typing import NamedTuple

from darknet_py.cfg.keys import keys_of
from darknet_py.graph.graph import Node
from darknet_py.layers.base import Layer
from darknet_py.layers.heads.head import Head
from darknet_py.layers.merging.route import Route
from darknet_py.layers.merging.scale_channels import ScaleChannels
from darknet_py.layers.merging.shortcut import Shortcut
from darknet_py.layers.pools.base import WindowPool
from darknet_py.layers.pools.maxpool import MaxPool
from darknet_py.layers.pools.spp import IN_DARKNET, Spp
from darknet_py.layers.transforms.activation import Activation
from darknet_py.layers.transforms.cost import CostLayer
from darknet_py.layers.transforms.dropout import Dropout
from darknet_py.layers.transforms.empty import Empty
from darknet_py.layers.transforms.reorg import Reorg
from darknet_py.layers.transforms.reorg3d import Reorg3d
from darknet_py.layers.transforms.upsample import Upsample

RETURN_THEIR_INPUT = (Dropout, Empty, CostLayer, Head)  # in evaluation, and heads before their sigmoid
REPEATED = {"stride", "pad", "padding", "dilation"}  # what `stride_x`, `around` and `spread` say of a kernel


class Channel(NamedTuple):
    """One channel of a map of B, or of A, whose channels are all exact."""

    term: int
    exact: bool = True


Map = list[Channel]


class Terms:
    """Terms as numbers: equal terms have one number. Number 0 is the channel that is zero everywhere."""

    ZERO = 0

    def __init__(self) -> None:
        self._numbers: dict[tuple[Hashable, ...], int] = {("zero",): 0}
        self.roots = [0]  # of each term, the term of the layer with weights that it was made of
        self.maxima: dict[int, tuple[int, int]] = {}  # of a maximum: of which term, and its window
        self.pools: dict[int, tuple[str, int]] = {}  # the section and size of the last pool of a term

    def of(self, *parts: Hashable, root: int | None = None) -> int:
        """The number of a term.

        Args:
            root: a term that it stems from; without one it is a root itself.
        """
        number = self._numbers.get(parts)
        if number is None:
            number = self._numbers[parts] = len(self.roots)
            self.roots.append(number if root is None else self.roots[root])
        return number


def operation(layer: Layer, *, without: frozenset[str] = frozenset()) -> tuple[tuple[str, object], ...]:
    """The keys of a layer that decide what it computes in evaluation, apart from what it refers to."""
    general = keys_of(Layer)
    values = {
        field: getattr(layer, field)
        for field, key in keys_of(type(layer)).items()
        if field not in general and field not in without and not key.refers and not key.ignored
    }
    if "stride_x" in values:
        values.pop("stride", None)
    if around := getattr(layer, "around", None):
        values["around"] = around
    if hasattr(layer, "around"):
        values["spread"] = getattr(layer, "spread", 1)
        values = {field: value for field, value in values.items() if field not in REPEATED}
    return tuple(sorted(values.items(), key=lambda item: item[0]))


def computed(node: Node, maps: Sequence[Map], terms: Terms, *, learned: Hashable = None) -> Map:
    """The channels that a layer puts out.

    Args:
        learned: identifies the parameters of this layer; None where it has none.
    """
    layer = node.layer
    if isinstance(layer, Route):
        parts = (m[_block(len(m), layer.groups, layer.group_id)] for m in maps)
        return list(chain.from_iterable(parts))
    if returns_input(node):
        return list(maps[0])
    if isinstance(layer, Spp):
        pools = layer.pools()
        labels = [learned if learned is None else (learned, number) for number in range(len(pools))]
        branches = [_pooled(pool, maps[0], terms, label) for pool, label in zip(pools, labels, strict=True)]
        return [*chain.from_iterable(branches), *maps[0]]
    if isinstance(layer, Shortcut) and not layer.weights:
        return _sums(node, layer, maps, terms)
    if isinstance(layer, ScaleChannels):
        scales = maps[0] if not layer.scale_wh else maps[0] * len(maps[1])
        return _per_channel(layer, (maps[1], scales), terms, learned)
    if layer.channelwise and len({len(m) for m in maps}) == 1:
        return (
            _pooled(layer, maps[0], terms, learned)
            if len(maps) == 1
            else _per_channel(layer, maps, terms, learned)
        )
    return _mixed(node, maps, terms, learned)


def returns_input(node: Node) -> bool:
    """Whether a layer returns its input, by its kind or by its keys."""
    layer = node.layer
    if isinstance(layer, RETURN_THEIR_INPUT):
        return True
    if isinstance(layer, WindowPool):
        window = layer.section in IN_DARKNET and layer.size == 1 and layer.channelwise
        return window and not layer.adaptive and not layer.padding and node.shape == node.maps[0]
    if isinstance(layer, Activation):
        return layer.activation == "linear"
    if isinstance(layer, Upsample):
        return layer.stride == 1 and layer.scale == 1
    return isinstance(layer, (Reorg, Reorg3d)) and layer.stride == 1 and not getattr(layer, "flatten", False)


def _block(channels: int, groups: int, group: int) -> slice:
    return slice(group * (channels // groups), (group + 1) * (channels // groups))


def _pooled(layer: Layer, source: Map, terms: Terms, learned: Hashable) -> Map:
    """One function of each channel by itself; the maximum of maxima is the maximum of the larger window."""
    if isinstance(layer, MaxPool) and layer.size % 2 and layer.grown_from(layer):  # around each cell
        sizes = [terms.maxima.get(channel.term, (channel.term, 1)) for channel in source]
        pools = {
            size: layer.with_values(size=layer.size + size - 1, padding=layer.size + size - 2)
            for size in {size for _, size in sizes}
        }
        found = []
        for channel, (term, size) in zip(source, sizes, strict=True):
            pool = pools[size]
            found += _one_by_one(pool, [Channel(term, channel.exact)], terms, learned)
            terms.maxima[found[-1].term] = term, pool.size
        return found
    return _one_by_one(layer, source, terms, learned)


def _one_by_one(layer: Layer, source: Map, terms: Terms, learned: Hashable) -> Map:
    key, sizes, found = (layer.section, operation(layer), learned), layer.window_sizes, []
    for channel in source:
        term = terms.of(key, channel.term, root=channel.term)
        if sizes:
            terms.pools[term] = layer.section, sizes[0]
        found.append(Channel(term, channel.exact))
    return found


def _per_channel(layer: Layer, maps: Sequence[Map], terms: Terms, learned: Hashable) -> Map:
    """One function of the same channel of several maps; the first map is what it changes."""
    key = layer.section, operation(layer), learned
    return [
        Channel(terms.of(key, *(c.term for c in read), root=read[0].term), all(c.exact for c in read))
        for read in zip(*maps, strict=True)
    ]


def _sums(node: Node, layer: Shortcut, maps: Sequence[Map], terms: Terms) -> Map:
    """Sums, in any order, and without what is zero; an activation of them where there is one."""
    shapes = {(m.height, m.width) for m in node.maps}
    plain = len(shapes) == 1 and (layer.alpha, layer.beta) == (1, 1)
    found = []
    for read in list(zip_longest(*maps))[: len(maps[0])]:
        added = [channel for channel in read if channel is not None]
        exact = all(channel.exact for channel in added)
        numbers = [channel.term for channel in added]
        if plain:
            nonzero = sorted(number for number in numbers if number != terms.ZERO)
            root = numbers[0] if numbers[0] != terms.ZERO or not nonzero else nonzero[0]
            term = terms.of("sum", *nonzero, root=root) if len(nonzero) > 1 else root
        else:
            key = "overlap", layer.alpha, layer.beta, tuple(map(str, node.maps))
            term = terms.of(key, *numbers, root=numbers[0])
        if layer.activation != "linear":
            term = terms.of("activation", layer.activation, term, root=term)
        found.append(Channel(term, exact))
    return found


def _mixed(node: Node, maps: Sequence[Map], terms: Terms, learned: Hashable) -> Map:
    """Functions of all channels that it reads, in their order."""
    layer = node.layer
    read = terms.of("maps", *(tuple(c.term for c in m) for m in maps))
    exact = all(channel.exact for m in maps for channel in m)
    key = layer.section, operation(layer), learned, str(node.shape)
    same = bool(maps) and len(maps[0]) == node.shape.channels
    return [
        Channel(terms.of(key, read, at, root=maps[0][at].term if same else None), exact)
        for at in range(node.shape.channels)
    ]
