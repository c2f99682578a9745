"""The outputs of two networks compared in a forward pass in float64."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.edits import set_value
from darknet_py.graph.graph import Graph
from darknet_py.lint.check import compile_checked
from darknet_py.model.network import Network
from darknet_py.model.restoring import undrawn
from darknet_py.model.weights import file_layout

Rows = list[tuple[int, int]]  # channels of an output of B, and those of A that they are
TOLERANCE = 1e-10  # of the greatest value: sums are grouped otherwise
SEED = 0
CELLS = 3  # of the coarsest map, in rows


@torch.no_grad()
def difference(a: Network, b: Network, outputs: Sequence[tuple[int, int, Rows]]) -> float | None:
    """The greatest difference of the outputs on a random image, as a share of A's greatest value.

    The image is as small as the networks allow: 3 rows of the coarsest map, and as many columns as
    distinguish the widest windows.

    Args:
        outputs: pairs (position in B's outputs, position in A's) and the channels that correspond.

    Returns:
        None where no channels correspond, or their maps have different sizes.
    """
    a, b = _in_float64(a, b)
    image = torch.rand(1, *_image(b), generator=torch.Generator().manual_seed(SEED), dtype=torch.float64)
    new, old = _raw(b, image), _raw(a, image[:, : a.graph.image.channels])
    worst: float | None = None
    for at_b, at_a, rows in outputs:
        ours, theirs = new[at_b], old[at_a]
        if not rows or ours.shape[2:] != theirs.shape[2:]:
            continue
        ours, theirs = ours[:, [row for row, _ in rows]], theirs[:, [row for _, row in rows]]
        found = float((ours - theirs).abs().max() / theirs.abs().max().clamp(min=1e-300))
        worst = found if worst is None else max(worst, found)
    return worst


def _image(network: Network) -> tuple[int, int, int]:
    shape = network.graph.image
    return shape.channels, shape.height, shape.width


def _raw(network: Network, image: Tensor) -> list[Tensor]:
    missing = network.graph.image.channels - image.shape[1]
    if missing > 0:
        image = torch.cat([image, image.new_zeros(1, missing, *image.shape[2:])], dim=1)
    raw: list[Tensor] = network(image)
    return raw


def _in_float64(a: Network, b: Network) -> tuple[Network, Network]:
    """Copies in float64, of a small image where both are the same layers then."""
    size = small_size(a.graph, b.graph)
    small = [resized(network.graph, size) for network in (a, b)]
    if any(graph.image == network.graph.image for graph, network in zip(small, (a, b), strict=True)):
        return copy.deepcopy(a).double().eval(), copy.deepcopy(b).double().eval()
    copies = [undrawn(graph).double().eval() for graph in small]
    for copied, network in zip(copies, (a, b), strict=True):
        for to, source in zip(file_layout(copied), file_layout(network), strict=True):
            to.tensor.copy_(source.tensor)
    return copies[0], copies[1]


def small_size(*graphs: Graph) -> tuple[int, int]:
    """Height and width of an image that distinguishes the outputs of fully convolutional networks.

    A window that covers its map for every cell gives the same as a larger one: a row of k // 2 + 2 cells is
    wider than what a window of k cells covers from either end.

    >>> small_size(compile("yolov3-tiny"), compile("yolov3-spp"))  # /32, and a pool of 13 cells
    (96, 256)
    """
    height = min(graph.image.height for graph in graphs)
    width = min(graph.image.width for graph in graphs)
    maps = [(math.ceil(graph.image.width / node.maps[0].width), node) for graph in graphs for node in graph]
    coarsest = max((stride for stride, node in maps if node.maps[0].width > 1), default=1)
    widest = max(stride * (size // 2 + 2) for stride, node in maps for size in (1, *node.layer.window_sizes))
    columns = max(CELLS, math.ceil(widest / coarsest))
    return min(height, CELLS * coarsest), min(width, columns * coarsest)


def resized(graph: Graph, size: tuple[int, int]) -> Graph:
    """The network for images of another height and width; the same where that would be other layers."""
    if (graph.net.height, graph.net.width) == size:
        return graph
    document = graph.document
    for key, value in zip(("height", "width"), size, strict=True):
        document = set_value(document, 0, key, str(value))
    try:
        found = compile_checked(document)
    except CfgError:
        return graph
    return found if found.cost.parameters == graph.cost.parameters else graph
