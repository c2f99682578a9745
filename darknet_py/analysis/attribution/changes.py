"""What takes the place of a branch's map: the next smaller pool, zeros, the map itself, a mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from darknet_py.analysis.attribution.kept_maps import MapBatch
from darknet_py.analysis.attribution.prefix import Maps
from darknet_py.analysis.attribution.sites import Branch, Site

Change = Callable[[Maps], Maps]


def unchanged(maps: Maps) -> Maps:
    """The maps as they are."""
    return maps


def muted(branches: Iterable[Branch]) -> Change:
    """Zeros in the place of some branches: the network without their weights."""
    layers = [branch.layer for branch in branches]
    return lambda maps: maps | {layer: torch.zeros_like(maps[layer]) for layer in layers}


def with_smaller_window(site: Site, branch: Branch) -> Change:
    """The next smaller pool of the block in the place of the branch; the map itself where there is none."""
    if branch.smaller is None:
        return with_identity(site, branch)
    smaller = branch.smaller
    return lambda maps: maps | {branch.layer: maps[smaller]}


def with_identity(site: Site, branch: Branch) -> Change:
    """Of each window its own cell: a window of one cell with the branch's stride."""
    return lambda maps: maps | {branch.layer: own_cells(maps[site.source], maps[branch.layer], branch)}


def with_means(branch: Branch, means: Tensor) -> Change:
    """The mean of each channel in the place of the branch.

    Args:
        means: (C,).
    """
    return lambda maps: maps | {branch.layer: means[None, :, None, None].expand_as(maps[branch.layer])}


def channel_means(batches: Iterable[MapBatch], layer: int) -> Tensor:
    """The mean of each channel of a map over images and cells, (C,)."""
    sums = [(batch.maps[layer].double().mean(dim=(2, 3)).sum(dim=0), len(batch.indices)) for batch in batches]
    return (sum(one for one, _ in sums) / sum(count for _, count in sums)).float()  # type: ignore[union-attr]


def own_cells(source: Tensor, pooled: Tensor, branch: Branch) -> Tensor:
    """The cell of the source at the corner of each step, as many as the pooled map has."""
    down, across = branch.stride
    rows, columns = (
        torch.arange(count).mul(step).clamp(max=side - 1)
        for count, step, side in zip(pooled.shape[2:], (down, across), source.shape[2:], strict=True)
    )
    return source[:, :, rows][:, :, :, columns]


def channels_of(maps: Mapping[int, Tensor], inputs: Iterable[int]) -> dict[int, slice]:
    """Where the channels of each input lie in their concatenation."""
    slices, start = {}, 0
    for index in inputs:
        slices[index] = slice(start, start + maps[index].shape[1])
        start = slices[index].stop
    return slices
