"""Weights of one network carried to another: the network, and the ledger of what became of every tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from darknet_py.graph.graph import Graph
from darknet_py.model.adapt.carry import Carrier
from darknet_py.model.adapt.choices import ZERO
from darknet_py.model.adapt.heads import Classes, check_classes, decoded_otherwise, head_rows
from darknet_py.model.adapt.ledger import AdaptLedger, Reason
from darknet_py.model.adapt.matching import correspondence, parse_pins
from darknet_py.model.adapt.paired_start import initialise_like
from darknet_py.model.adapt.verify import TOLERANCE, Rows, difference, resized
from darknet_py.model.network import Network
from darknet_py.model.restoring import restore

Outputs = list[tuple[int, int, Rows]]


@dataclass(frozen=True)
class Adaptation:
    """How weights are carried over.

    Args:
        start: what new inputs start from, of `choices.STARTS`.
        pins: pairs of layers as `--map` takes them, `12=14`.
        classes: for each class of B that of A, None for one that A has not; without it classes are matched by
            position, if both networks have as many.
        seed: of the layers that start at random.
        like: a network whose random weights they share where they match, see `paired_start.py`.
        verify: compare the outputs in a forward pass.
    """

    start: str = ZERO
    pins: Sequence[str] = ()
    classes: Classes = None
    seed: int = 0
    like: Graph | None = None
    verify: bool = True


def adapt(
    weights: str | Path, a: Graph, b: Graph, options: Adaptation | None = None
) -> tuple[Network, AdaptLedger]:
    """Carry the weights of network A over to network B.

    Args:
        weights: a complete `.weights` file of A.

    Returns:
        B with its weights, in evaluation mode, and what became of every tensor.

    Raises:
        UsageError: when the mapping would be a guess, or `--map` or classes do not fit.
        WeightsError: when the file does not fit A.
        CfgError: when one of the networks cannot be executed.
    """
    new = Network(b)
    ledger = adapt_into(new, weights, a, options)
    return new.eval(), ledger


@torch.no_grad()
def adapt_into(new: Network, weights: str | Path, a: Graph, options: Adaptation | None = None) -> AdaptLedger:
    """As `adapt`, into a network that exists, whose numbers are overwritten."""
    options, b = options or Adaptation(), new.graph
    check_classes(a, b, options.classes)
    old = restore(resized(a, (b.net.height, b.net.width)), weights)
    source = correspondence(old.graph, b, parse_pins(options.pins, old.graph, b))
    initialise_like(new, options.like, seed=options.seed)
    walk = Carrier(a=old, b=new, source=source, classes=options.classes, start=options.start)
    walk.run()
    outputs, reasons = _outputs(walk)
    sizes = [(graph.net.height, graph.net.width) for graph in (old.graph, b)]
    found = difference(old, new, outputs) if options.verify and sizes[0] == sizes[1] else None
    if not reasons and found is not None and not found <= TOLERANCE:
        reasons = [Reason("the outputs", f"differ in a forward pass by {found:.2g} of the greatest value")]
    return AdaptLedger(
        a=a.document.path,
        b=b.document.path,
        floats=(a.cost.parameters, b.cost.parameters),
        layers=tuple(walk.entries),
        same_maps=tuple(_same_maps(walk)),
        reasons=tuple(reasons),
        difference=found,
    )


def _same_maps(walk: Carrier) -> list[tuple[int, int]]:
    """The layers of B whose map is that of a layer of A, channel by channel."""
    return [
        (at, source) for at, source in sorted(walk.source.items()) if walk.maps_b[at] == walk.maps_a[source]
    ]


def _outputs(walk: Carrier) -> tuple[Outputs, list[Reason]]:
    """The outputs that correspond, and why they are not preserved."""
    a, b = walk.a.graph, walk.b.graph
    places = {at: number for number, at in enumerate(a.outputs)}
    found: Outputs = []
    reasons: list[Reason] = []
    used = set()
    for number, at in enumerate(b.outputs):
        source = walk.source.get(at) if b.heads else a.outputs[0]
        if source not in places:
            reasons.append(Reason(b[at].name, "a new output"))
            continue
        used.add(source)
        wanted = _wanted_rows(walk, source, at)
        old, new = walk.maps_a[source], walk.maps_b[at]
        rows = [
            (row, of) for row, of in enumerate(wanted) if of is not None and new[row].term == old[of].term
        ]
        found.append((number, places[source], rows))
        reasons += [Reason(b[at].name, why) for why in _why_not(walk, source, at, rows)]
    reasons += [Reason(a[at].name, "an output that is gone") for at in a.outputs if at not in used]
    inexact = any(not c.exact for at in b.outputs for c in walk.maps_b[at])
    return found, [*(walk.reasons if inexact else ()), *reasons]


def _wanted_rows(walk: Carrier, source: int, at: int) -> list[int | None]:
    """For each channel of an output of B, the channel of A's output with the same meaning."""
    found = head_rows((walk.a.graph, walk.b.graph), (source, at), walk.classes)
    old, new = walk.a.graph[source].shape.channels, walk.b.graph[at].shape.channels
    return (
        found
        if found is not None and len(found) == new
        else [row if row < old else None for row in range(new)]
    )


def _why_not(walk: Carrier, source: int, at: int, rows: Rows) -> list[str]:
    """Why an output of B is not that of A, apart from what the layers before it compute."""
    a, b, before, channels = walk.a.graph, walk.b.graph, len(walk.maps_a[source]), len(walk.maps_b[at])
    wanted = [of for of in _wanted_rows(walk, source, at) if of is not None]
    found = []
    if len(wanted) < channels:
        found.append(f"{channels - len(wanted)} of its {channels} channels are new")
    if len(wanted) < before:
        found.append(f"{before - len(wanted)} of the {before} channels that it had are gone")
    if len(rows) < len(wanted):
        found.append(f"{len(wanted) - len(rows)} of its {channels} channels are others than before")
    if other := decoded_otherwise((a, b), (source, at)):
        found.append(f"boxes are decoded otherwise: {other}")
    if any(not channel.exact for channel in walk.maps_b[at]) and not walk.reasons:
        found.append("it computes something else")
    return found
