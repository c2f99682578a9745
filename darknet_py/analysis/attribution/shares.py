"""Shares that need no AP: of the weights, of the gradient, and of windows whose maximum lies outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from darknet_py.analysis.attribution.changes import channels_of, own_cells
from darknet_py.analysis.attribution.kept_maps import MapBatch
from darknet_py.analysis.attribution.sites import Branch, Site, origins
from darknet_py.data.dataset import Dataset
from darknet_py.graph.graph import Graph
from darknet_py.layers.pools.maxpool import MaxPool
from darknet_py.losses.heads import has_loss, losses_of
from darknet_py.losses.truths import Truths
from darknet_py.model.network import Network
from darknet_py.ops.block import ConvBlock
from darknet_py.predict.letterbox import Fit

SIDES = (0.5, 1.5)  # limits of an object's side, in windows
SIZES = ("smaller than half the window", "half to one and a half", "larger")


@dataclass(frozen=True)
class OutsideShare:
    """How often the maximum of a window lies outside the next smaller window.

    Args:
        all: of all cells and channels, 0..1.
        objects: the same at the middle of objects, by their side in windows (`SIZES`); None without objects.
    """

    all: float
    objects: tuple[float | None, ...]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {"all": self.all, "objects": dict(zip(SIZES, self.objects, strict=True))}


def weight_shares(network: Network, site: Site) -> dict[int, float]:
    """Of the squared weights of the convolutions that read a block, the share of each input's channels.

    Returns: by layer; empty where the reader is no plain convolution.
    """
    graph = network.graph
    inputs = graph[site.join].inputs
    channels = channels_of({at: torch.empty(1, graph[at].shape.channels) for at in inputs}, inputs)
    squares, origin = dict.fromkeys(inputs, 0.0), origins(graph)
    for node in graph:
        block = network.layers[node.index]
        reads = site.join in (origin[at] for at in node.inputs)
        if reads and isinstance(block, ConvBlock) and block.conv.groups == 1:
            weight = block.conv.weight.detach().double().square()
            for at, part in channels.items():
                squares[at] += float(weight[:, part].sum())
    total = sum(squares.values())
    return {at: square / total for at, square in squares.items()} if total else {}


def gradient_shares(
    network: Network, site: Site, dataset: Dataset, batches: Iterable[MapBatch]
) -> dict[int, float]:
    """Of the squared gradient of the loss by a block's inputs, the share of each.

    Returns: by layer; empty where a head has no loss.
    """
    heads, net = network.graph.head_layers, network.graph.net
    if not has_loss(heads):
        return {}
    inputs = network.graph[site.join].inputs
    squares = dict.fromkeys(inputs, 0.0)
    for batch in batches:
        leaves = {at: batch.maps[at].clone().requires_grad_() for at in inputs}
        raws = network.resume(batch.maps | leaves, site.behind)
        truths = Truths.of(
            [fitted_truths(dataset, at, fit) for at, fit in zip(batch.indices, batch.fits, strict=True)]
        )
        deltas = [
            one.delta
            for one in losses_of(heads, [raw.detach() for raw in raws], truths, (net.height, net.width))
        ]
        gradients = torch.autograd.grad(raws, list(leaves.values()), deltas, allow_unused=True)
        for at, gradient in zip(leaves, gradients, strict=True):
            squares[at] += float(gradient.double().square().sum()) if gradient is not None else 0.0
    total = sum(squares.values())
    return {at: square / total for at, square in squares.items()} if total else {}


def fitted_truths(dataset: Dataset, index: int, fit: Fit) -> np.ndarray:
    """An image's boxes in fractions of the input, and their classes, (T, 5); crowds left out."""
    record = dataset.record(index)
    boxes = np.asarray(record.boxes_xywh, np.float64).reshape(-1, 4)[~np.asarray(record.crowd, bool)]
    labels = np.asarray(record.labels)[~np.asarray(record.crowd, bool)]
    image, inner, whole = (
        np.array(size[::-1], np.float64) for size in (fit.image_size, fit.inner_size, fit.net_size)
    )
    centres = ((boxes[:, :2] + boxes[:, 2:] / 2) * inner / image + (whole - inner) / 2) / whole
    return np.concatenate([centres, boxes[:, 2:] * inner / image / whole, labels[:, None]], axis=1)


def window_on_input(graph: Graph, site: Site, branch: Branch) -> tuple[float, float]:
    """Rows and columns of a branch's window, in pixels of the network's input."""
    shape = graph.image if site.source < 0 else graph[site.source].shape
    return branch.size * graph.image.height / shape.height, branch.size * graph.image.width / shape.width


def outside_share(
    graph: Graph, site: Site, branch: Branch, dataset: Dataset, batches: Iterable[MapBatch]
) -> OutsideShare | None:
    """How often a maximum lies outside the next smaller window, or of a pool on its own outside its own cell.

    Returns: None for a pool that is no maximum.
    """
    if not isinstance(graph[branch.layer].layer, MaxPool):
        return None
    total, cells = 0.0, 0
    sums, counts = np.zeros(len(SIZES)), np.zeros(len(SIZES), np.int64)
    window = window_on_input(graph, site, branch)
    for batch in batches:
        pooled = batch.maps[branch.layer]
        inner = (
            batch.maps[branch.smaller]
            if branch.smaller is not None
            else own_cells(batch.maps[site.source], pooled, branch)
        )
        beyond = (pooled > inner).float().mean(dim=1)  # (N, H, W)
        total, cells = total + float(beyond.double().sum()), cells + beyond.numel()
        for share, index, fit in zip(beyond, batch.indices, batch.fits, strict=True):
            values, sizes = _at_objects(share, fitted_truths(dataset, index, fit), fit, window)
            np.add.at(sums, sizes, values)
            np.add.at(counts, sizes, 1)
    objects = tuple(float(s / n) if n else None for s, n in zip(sums, counts.tolist(), strict=True))
    return OutsideShare(total / cells, objects)


def _at_objects(
    share: Tensor, truths: np.ndarray, fit: Fit, window: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """The share at the middle of each object, and the object's size (index of `SIZES`)."""
    rows, columns = share.shape
    row = np.clip((truths[:, 1] * rows).astype(np.int64), 0, rows - 1)
    column = np.clip((truths[:, 0] * columns).astype(np.int64), 0, columns - 1)
    sides = np.sqrt(truths[:, 2] * fit.net_size[1] * truths[:, 3] * fit.net_size[0] / np.prod(window))
    return share.numpy()[row, column], np.searchsorted(SIDES, sides)
