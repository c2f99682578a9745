"""The outputs of two networks compared in a forward pass in float64."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from darknet_py.model.network import Network

Rows = list[tuple[int, int]]  # channels of an output of B, and those of A that they are
TOLERANCE = 1e-10  # of the greatest value: sums are grouped otherwise
SEED = 0


@torch.no_grad()
def difference(a: Network, b: Network, outputs: Sequence[tuple[int, int, Rows]]) -> float | None:
    """The greatest difference of the outputs on a random image, as a share of A's greatest value.

    Args:
        outputs: pairs (position in B's outputs, position in A's) and the channels that correspond.

    Returns:
        None where no channels correspond, or their maps have different sizes.
    """
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
    raw: list[Tensor] = copy.deepcopy(network).double().eval()(image)
    return raw
