"""`--train-from`: which layers are frozen and shared, and where their maps are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet_py.errors import UsageError
from darknet_py.graph.graph import Graph
from darknet_py.graph.sharing import weight_sources
from darknet_py.layers.heads.head import Head
from darknet_py.model.rewriting import rewritten
from darknet_py.runs.merging import TRAIN_FROM
from darknet_py.train.prefix.stores import MapStore

if TYPE_CHECKING:
    from darknet_py.train.settings import Settings

VERSIONS = 4  # of each training image
LIMIT = 2 * 10**9  # bytes of kept maps

SampleKey = tuple[object, ...]
Change = tuple[int, str, str]


@dataclass(frozen=True)
class KnownSample:
    """A sample that need not be made again: what its maps are found by, and its boxes.

    Args:
        rows: (T, 5) as fractions.
    """

    content: bytes
    rows: np.ndarray


@dataclass(frozen=True)
class PrefixSettings:
    """A training of the layers from one on.

    Args:
        layer: the first that is trained.
        versions: of each training image: its augmentation in epoch e is that of epoch e mod `versions`.
        store: where the maps of the layers before are kept; None computes them in every iteration. The
            weights are the same.
        known: the samples of this process whose maps are in the store.
    """

    layer: int
    versions: int = VERSIONS
    store: MapStore | None = field(default=None, compare=False, repr=False)
    known: dict[SampleKey, KnownSample] = field(default_factory=dict, compare=False, repr=False)

    def fingerprint(self) -> dict[str, Any]:
        """What else decides the bits of a run: maps are computed image by image."""
        return {TRAIN_FROM: {"layer": self.layer, "versions": self.versions}}

    def changes(self, graph: Graph) -> Iterator[Change]:
        """The keys of the cfg that freeze the layers and let samples come back.

        Raises: UsageError: when the network has no such layer, or its layers cannot be parted there.
        """
        check_layer(graph, self.layer)
        yield self.layer, "stopbackward", "1"  # of the section of the last frozen layer
        yield 0, "augment_versions", str(self.versions)
        for node in graph:
            if isinstance(node.layer, Head) and node.layer.random:
                yield node.index + 1, "random", "0"


def bytes_of_maps(graph: Graph, layer: int) -> int:
    """About what the kept maps of one image take, in float32."""
    nodes = rewritten(graph).nodes
    read = {index for node in nodes[layer:] for index in node.inputs} | set(graph.outputs)
    return 4 * sum(
        nodes[index].shape.floats if index >= 0 else graph.image.floats for index in read if index < layer
    )


def check_layer(graph: Graph, layer: int) -> None:
    """Check that a network can be trained from a layer on.

    Raises: UsageError: when it cannot.
    """
    option, last = f"--train-from {layer}", (len(graph) if graph.classifier is None else graph.classifier) - 1
    if layer == 0:
        raise UsageError(f"{option} freezes no layer", hint="leave it out to train all layers")
    if layer > last:
        raise UsageError(f"{option} is no layer to begin with", hint=f"the network has layers 1 to {last}")
    for user, source in weight_sources(graph.nodes).items():
        if source < layer <= user:
            message = f"{option} parts layer {user} from layer {source}, whose weights it uses"
            raise UsageError(message, hint=f"train from layer {source} on, or from one after {user}")
    if not any(node.cost.parameters for node in graph.nodes[layer:]):
        raise UsageError(f"{option} leaves no weights to train", hint="train from an earlier layer on")


def check_start(graph: Graph, settings: Settings) -> None:
    """Check that the layers before `settings.prefix.layer` start from a file's weights, and run on their own.

    Raises: UsageError: when some would stay random, or the network is to be compiled.
    """
    assert settings.prefix is not None
    layer, partial = settings.prefix.layer, settings.partial
    option = f"--train-from {layer}"
    if settings.compiled:
        message = f"--compile compiles complete networks, and {option} computes them in two parts"
        raise UsageError(message, hint="leave --compile out: kept maps save more")
    if settings.weights is None:
        message = f"{option} freezes the layers before as --weights has them, and there is no --weights"
        raise UsageError(message, hint="add --weights F; with --weights-cfg A if they belong to another cfg")
    random = [node for node in graph.nodes[partial or layer : layer] if node.cost.parameters]
    if random:
        message = f"{option} would freeze random numbers: --partial {partial} reads no weights of "
        raise UsageError(message + random[0].name, hint=f"give --partial {layer} or more, or leave it out")
