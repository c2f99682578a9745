"""Weights of one network carried to another: the network, and the ledger of what became of every tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.edits import set_value
from darknet_py.graph.graph import Graph
from darknet_py.lint.check import compile_checked
from darknet_py.model.adapt.carry import Carrier
from darknet_py.model.adapt.choices import ZERO
from darknet_py.model.adapt.heads import NamesOfBoth, check_names, decoded_otherwise
from darknet_py.model.adapt.ledger import AdaptLedger, Reason
from darknet_py.model.adapt.matching import correspondence, parse_pins
from darknet_py.model.adapt.verify import TOLERANCE, Rows, difference
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights

Outputs = list[tuple[int, int, Rows]]


@dataclass(frozen=True)
class Adaptation:
    """How weights are carried over.

    Args:
        start: what new inputs start from, of `choices.STARTS`.
        pins: pairs of layers as `--map` takes them, `12=14`.
        seed: of the layers that start at random.
        verify: compare the outputs in a forward pass.
    """

    start: str = ZERO
    pins: Sequence[str] = ()
    names: NamesOfBoth = field(default_factory=NamesOfBoth)
    seed: int = 0
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
        UsageError: when the mapping would be a guess, or `--map` or names do not fit.
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
    check_names(a, options.names.a, "--from-names")
    check_names(b, options.names.b, "--to-names")
    old = Network(_at_size_of(a, b))
    load_weights(old, weights)
    source = correspondence(old.graph, b, parse_pins(options.pins, old.graph, b))
    initialise(new, seed=options.seed)
    walk = Carrier(a=old, b=new, source=source, names=options.names, start=options.start)
    walk.run()
    outputs, reasons = _outputs(walk)
    found = difference(old, new, outputs) if options.verify else None
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


def _at_size_of(a: Graph, b: Graph) -> Graph:
    """A with the input size of B, where its weights do not depend on it."""
    if (a.net.height, a.net.width) == (b.net.height, b.net.width):
        return a
    document = a.document
    for key, value in (("height", b.net.height), ("width", b.net.width)):
        document = set_value(document, 0, key, str(value))
    try:
        resized = compile_checked(document)
    except CfgError:
        return a
    return resized if resized.cost.parameters == a.cost.parameters else a


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
        columns = {channel.term: row for row, channel in enumerate(walk.maps_a[source])}
        new = walk.maps_b[at]
        rows = [(row, columns[c.term]) for row, c in enumerate(new) if c.term in columns]
        found.append((number, places[source], rows))
        reasons += [Reason(b[at].name, why) for why in _why_not(walk, source, at, len(rows))]
    reasons += [Reason(a[at].name, "an output that is gone") for at in a.outputs if at not in used]
    inexact = any(not c.exact for at in b.outputs for c in walk.maps_b[at])
    return found, [*(walk.reasons if inexact else ()), *reasons]


def _why_not(walk: Carrier, source: int, at: int, carried: int) -> list[str]:
    """Why an output of B is not that of A, apart from what the layers before it compute."""
    a, b, before = walk.a.graph, walk.b.graph, len(walk.maps_a[source])
    found = []
    if carried < len(walk.maps_b[at]):
        found.append(f"{len(walk.maps_b[at]) - carried} of its {len(walk.maps_b[at])} channels are new")
    if carried < before:
        found.append(f"{before - carried} of the {before} channels that it had are gone")
    if other := decoded_otherwise((a, b), (source, at)):
        found.append(f"boxes are decoded otherwise: {other}")
    inexact = any(not channel.exact for channel in walk.maps_b[at])
    if inexact and not walk.reasons:
        found.append("it computes something else")
    return found
