"""How a layer without a counterpart starts: as an identity, or at zero, where its kind can."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from darknet_py.graph.graph import Node
from darknet_py.layers.parametric.batchnorm import BatchNorm
from darknet_py.layers.parametric.convolutional import Convolutional
from darknet_py.layers.transforms.activations import ACTIVATIONS
from darknet_py.model.adapt.parameters import Parameters
from darknet_py.model.adapt.terms import Channel, Map, Terms
from darknet_py.ops.block import EPSILON

LINEAR = "linear"


@dataclass(frozen=True)
class Beginning:
    """How a new layer starts.

    Args:
        channels: that it puts out.
        note: for the ledger.
        why: it is no identity; empty where it is one.
    """

    channels: Map
    note: str = ""
    why: str = ""


def identity(node: Node, new: Parameters, read: Map, wanted: Map, terms: Terms) -> Beginning | None:
    """Start a layer as the identity, or as near to it as its form allows.

    Args:
        read: the channels that it reads.
        wanted: the channels of A that its output takes the place of.

    Returns:
        None where no row can return the channel that it should.
    """
    if isinstance(node.layer, BatchNorm) and len(read) == len(wanted):
        _neutral(new)
        why = "[batchnorm] is no identity in training, and in evaluation only to rounding"
        return Beginning([Channel(c.term, exact=False) for c in read], "starts near the identity", why)
    sources = _identity_columns(node, new, read, wanted, terms)
    layer = node.layer
    if sources is None or not isinstance(layer, Convolutional) or new.weights is None:
        return None
    per, width, tap = new.rows // new.groups, new.weights.shape[1], layer.around * (layer.size + 1)
    new.weights.zero_()
    rows = torch.arange(new.rows)
    new.weights[rows, torch.tensor(sources) % width, tap] = 1.0
    _neutral(new)
    why = _no_identity(layer)
    same = [read[at].exact and read[at].term == want.term for at, want in zip(sources, wanted, strict=True)]
    channels = [Channel(want.term, exact=ok and not why) for want, ok in zip(wanted, same, strict=True)]
    assert all(source // width == row // per for row, source in enumerate(sources))
    return Beginning(channels, f"starts {'near' if why else 'as'} the identity", why)


def _identity_columns(node: Node, new: Parameters, read: Map, wanted: Map, terms: Terms) -> list[int] | None:
    """For each row the channel that it should return: the one wanted, else one that stems from the same."""
    layer = node.layer
    if not isinstance(layer, Convolutional) or len(wanted) != new.rows or layer.around >= layer.size:
        return None
    if (node.shape.height, node.shape.width) != (node.maps[0].height, node.maps[0].width):
        return None
    if (layer.stride_x, layer.stride_y) != (1, 1):
        return None
    by_term: dict[tuple[int, int], int] = {}
    by_root: dict[tuple[int, int], int] = {}
    width, per = len(read) // new.groups, new.rows // new.groups
    for at, channel in enumerate(read):
        by_term.setdefault((at // width, channel.term), at)
        if channel.term == terms.roots[channel.term]:
            by_root[at // width, channel.term] = at  # the channel itself, before any pool of it
        by_root.setdefault((at // width, terms.roots[channel.term]), at)
    found = []
    for row, want in enumerate(wanted):
        group = row // per
        at = by_term.get((group, want.term), by_root.get((group, terms.roots[want.term]), -1))
        if at < 0:
            return None
        found.append(at)
    return found


def zero(node: Node, new: Parameters) -> Beginning | None:
    """Start a convolution that is added to a map at zero; None where its activation of 0 is not 0."""
    layer = node.layer
    if not isinstance(layer, Convolutional) or new.weights is None:
        return None
    at_zero = ACTIVATIONS[layer.activation]()(torch.zeros(1, new.rows, 1, 1))
    if not bool((at_zero == 0).all()):
        return None
    _neutral(new)
    if layer.batch_normalize:
        new.vectors["scales"].zero_()  # the weights stay random: they learn as soon as the scale does
    else:
        new.weights.zero_()
    return Beginning([Channel(Terms.ZERO)] * new.rows, "starts at zero, as it is added")


def _neutral(new: Parameters) -> None:
    """Batch normalisation that returns its input in evaluation; biases of zero."""
    values = {"biases": 0.0, "scales": 1.0, "means": 0.0, "variances": 1.0 - EPSILON}
    for name, tensor in new.vectors.items():
        tensor.fill_(values[name])


def _no_identity(layer: Convolutional) -> str:
    """Why a convolution cannot be the identity; empty where it can."""
    parts = []
    if layer.batch_normalize:
        parts.append("batch normalisation")
    if layer.activation != LINEAR:
        parts.append(f"activation={layer.activation}")
    return f"a new convolution with {' and '.join(parts)} cannot be the identity" if parts else ""
