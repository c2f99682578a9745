"""A network as a list of nodes: each layer with its inputs and its output shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Diagnostic, Span
from darknet_py.cfg.document import Document
from darknet_py.layers.base import Layer
from darknet_py.layers.heads.head import Head
from darknet_py.layers.net import Net
from darknet_py.layers.transforms.cost import CostLayer
from darknet_py.layers.transforms.softmax import Softmax


@dataclass(frozen=True)
class Node:
    """One layer of a graph. `inputs` are indices of nodes, -1 the image; `maps` are the shapes it reads."""

    index: int
    layer: Layer
    inputs: tuple[int, ...]
    maps: tuple[Shape, ...]
    shape: Shape
    span: Span

    @property
    def cost(self) -> Cost:
        """The cost for one image."""
        return self.layer.cost(*self.maps)

    @property
    def name(self) -> str:
        """The layer as messages name it."""
        return f"layer {self.index} [{self.layer.section}] (cfg line {self.span.line})"


@dataclass(frozen=True)
class Graph(Sequence[Node]):
    """Every layer after [net], in the order of the cfg.

    `diagnostics` are the warnings of reading the text: keys and layers that are ignored or not run.
    `lint.check.warnings` has these and what the rules find.
    """

    net: Net
    nodes: tuple[Node, ...]
    document: Document
    diagnostics: tuple[Diagnostic, ...] = ()

    @overload
    def __getitem__(self, at: int) -> Node: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Node, ...]: ...
    def __getitem__(self, at: int | slice) -> Node | tuple[Node, ...]:
        return self.nodes[at]

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def image(self) -> Shape:
        """The shape of the input."""
        return self.net.shape()

    @cached_property
    def heads(self) -> tuple[int, ...]:
        """Indices of the layers that predict boxes."""
        return tuple(node.index for node in self.nodes if isinstance(node.layer, Head))

    @cached_property
    def head_layers(self) -> tuple[Head, ...]:
        """The declarations of the heads, in the order of `heads`."""
        return tuple(node.layer for node in self.nodes if isinstance(node.layer, Head))

    @cached_property
    def classifier(self) -> int | None:
        """Index of the final [softmax] of a classifier, which a [cost] may follow; None for detectors."""
        last = [node for node in self.nodes if not isinstance(node.layer, CostLayer)][-1:]
        ends = last and isinstance(last[0].layer, Softmax) and not self.heads
        return last[0].index if ends else None

    @cached_property
    def outputs(self) -> tuple[int, ...]:
        """Indices of the outputs: the heads, or the last layer where there is none."""
        return self.heads or (len(self.nodes) - 1,)

    @cached_property
    def raw_outputs(self) -> tuple[int, ...]:
        """Indices of the maps that an engine returns: `outputs`, or what a classifier's [softmax] reads."""
        return self.outputs if self.classifier is None else self.nodes[self.classifier].inputs

    @cached_property
    def cost(self) -> Cost:
        """The sum over layers."""
        return sum((node.cost for node in self.nodes), Cost())
