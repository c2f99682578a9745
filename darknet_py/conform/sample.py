"""A drawn section as it stands in a network: its node, its module, and maps to give it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from darknet_py.conform.cases import Case
from darknet_py.graph.graph import Node
from darknet_py.layers.base import Layer


class CheckFailed(Exception):
    """A promise that a layer does not keep.

    Args:
        expected: what it should be, in words.
        found: what it is.
    """

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected {expected}; found {found}")
        self.expected, self.found = expected, found


@dataclass(frozen=True)
class Sample:
    """One case, built."""

    case: Case

    @cached_property
    def node(self) -> Node:
        """What compile makes of it."""
        return self.case.node()

    @property
    def layer(self) -> Layer:
        """The declaration."""
        return self.node.layer

    def module(self) -> nn.Module:
        """A new module, its arrays small random numbers, variances positive."""
        return weighted(self.node)

    def maps(
        self, batch: int = 2, dtype: torch.dtype = torch.float32, *, positive: bool = False
    ) -> list[Tensor]:
        """What it reads: normal numbers, the same each time; `positive`: their absolute values."""
        generator = torch.Generator().manual_seed(2)
        shapes = [(batch, m.channels, m.height, m.width) for m in self.node.maps]
        made = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
        return [(m.abs() if positive else m).to(dtype) for m in made]

    def like(self, section: str, keys: dict[str, str]) -> Sample:
        """Another section on the same map."""
        return Sample(replace(self.case, section=section, keys=tuple(keys.items())))


def weighted(node: Node) -> nn.Module:
    """A node's module, its arrays small random numbers, variances positive."""
    module, generator = node.layer.module(*node.maps), torch.Generator().manual_seed(1)
    for _, array in node.layer.arrays(module):
        array.data.copy_(torch.rand(array.shape, generator=generator) * 0.9 + 0.1)
    return module


def difference(ours: Tensor, theirs: Tensor) -> float:
    """The greatest difference of two tensors; infinite where one is NaN and the other is not."""
    if ours.shape != theirs.shape:
        return float("inf")
    both = ours.isnan() & theirs.isnan()
    gap = (ours.double() - theirs.double()).abs().masked_fill(both | (ours == theirs), 0.0)
    return float(gap.nan_to_num(nan=float("inf"), posinf=float("inf")).max()) if gap.numel() else 0.0
