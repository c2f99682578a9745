"""A sampled section in a network: its node, its module, and input maps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from darknet_py.conform.cases import Case
from darknet_py.graph.graph import Node
from darknet_py.layers.base import Layer


class CheckFailed(Exception):
    """A check that failed.

    Args:
        expected: the expected result, in words.
        found: the actual result.
    """

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected {expected}; found {found}")
        self.expected, self.found = expected, found


@dataclass(frozen=True)
class Sample:
    """One case, compiled."""

    case: Case

    @cached_property
    def node(self) -> Node:
        """Its node in the graph."""
        return self.case.node()

    @property
    def layer(self) -> Layer:
        """The declaration."""
        return self.node.layer

    def module(self) -> nn.Module:
        """A new module with small positive random numbers in its arrays."""
        return weighted(self.node)

    def maps(
        self, batch: int = 2, dtype: torch.dtype = torch.float32, *, positive: bool = False
    ) -> list[Tensor]:
        """Its inputs: normal numbers from a fixed seed; `positive`: their absolute values."""
        made = normal_maps(self.node, batch)
        return [(m.abs() if positive else m).to(dtype) for m in made]

    def like(self, section: str, keys: dict[str, str]) -> Sample:
        """Another section on the same map."""
        return Sample(replace(self.case, section=section, keys=tuple(keys.items())))


def normal_maps(node: Node, batch: int = 2) -> list[Tensor]:
    """Maps that a node reads, of normal numbers from a fixed seed, in float64."""
    generator = torch.Generator().manual_seed(2)
    shapes = [(batch, m.channels, m.height, m.width) for m in node.maps]
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def weighted(node: Node) -> nn.Module:
    """The module of a node with small positive random numbers in its arrays."""
    module, generator = node.layer.module(*node.maps), torch.Generator().manual_seed(1)
    for _, array in node.layer.arrays(module):
        array.data.copy_(torch.rand(array.shape, generator=generator) * 0.9 + 0.1)
    return module


def difference(ours: Tensor, theirs: Tensor) -> float:
    """The largest absolute difference of two tensors; infinite if only one is NaN."""
    if ours.shape != theirs.shape:
        return float("inf")
    both = ours.isnan() & theirs.isnan()
    gap = (ours.double() - theirs.double()).abs().masked_fill(both | (ours == theirs), 0.0)
    return float(gap.nan_to_num(nan=float("inf"), posinf=float("inf")).max()) if gap.numel() else 0.0
