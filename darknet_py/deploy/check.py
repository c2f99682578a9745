"""Whether an exported network computes what the network computes, and the first layer where it does not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from darknet_py.deploy.forms import Form
from darknet_py.errors import DarknetPyError
from darknet_py.graph.graph import Graph
from darknet_py.layers.heads.head import Head
from darknet_py.model.network import Network
from darknet_py.ops.cells import Floats

WITHIN = 1e-4  # of the greatest value of a map


class ExportDiffers(DarknetPyError):
    """An export that computes something else than the network."""


@dataclass
class Difference:
    """How far the export is from the network, over all inputs that were tried.

    Attributes:
        inputs: how many were tried.
        greatest: the greatest difference, as a fraction of the greatest value of its map.
    """

    inputs: int = 0
    greatest: float = 0.0


def relative(ours: Floats, theirs: Floats) -> float:
    """The greatest difference, over the greatest value of `theirs`; infinite where shapes or NaNs differ."""
    if ours.shape != theirs.shape:
        return float("inf")
    if not ours.size:
        return 0.0
    gap = float(np.abs(ours.astype(np.float64) - theirs).max())
    scale = float(np.abs(theirs).max())
    share = gap / scale if scale else (0.0 if gap == 0 else float("inf"))
    return share if np.isfinite(share) else float("inf")


def compare(network: Network, form: Form, inputs: Iterable[Floats], where: object) -> Difference:
    """Run both on each input.

    Raises:
        ExportDiffers: at the first input with a difference above 1e-4, with the first layer that differs.
    """
    found = Difference()
    for images in inputs:
        theirs = _arrays(network, images)
        _check_finite(theirs, where)
        ours = form.run(images)
        share = max(relative(*pair) for pair in zip(ours, theirs, strict=True))
        found.inputs, found.greatest = found.inputs + len(images), max(found.greatest, share)
        if share > WITHIN:
            raise ExportDiffers(
                f"differs from the network by {share:.2g} of the greatest value, on input {found.inputs}; "
                f"at most {WITHIN:g} is accepted, and nothing is kept",
                where=where,
                hint=_first_difference(network, form, images),
            )
    return found


def _arrays(network: Network, images: Floats) -> list[Floats]:
    with torch.inference_mode():
        return [raw.float().numpy() for raw in network(torch.from_numpy(images))]


def _check_finite(maps: Sequence[Floats], where: object) -> None:
    if not all(np.isfinite(one).all() for one in maps):
        message = "the network itself gives numbers that are not finite, so that nothing can be compared"
        raise ExportDiffers(message, where=where, hint="the weights are of another network, or diverged")


def _first_difference(network: Network, form: Form, images: Floats) -> str:
    """The first layer whose map differs, as a hint."""
    theirs, ours = raw_trace(network, images), form.trace(images)
    shares = {i: relative(ours[i], theirs[i].numpy()) for i in sorted(ours)}
    first = next((i for i, share in shares.items() if share > WITHIN), None)
    if first is None:
        return "computed layer by layer no map differs: the difference is made where layers are fused"
    hint = f"the first layer that differs is {network.graph[first].name}, by {shares[first]:.2g}"
    exact = [i for i in shares if i < first]
    return f"{hint}; the {len(exact)} layers before it agree" if exact else hint


def raw_trace(network: Network, images: Floats) -> list[Tensor]:
    """Every layer's map; of a head the raw map that it reads."""
    with torch.inference_mode():
        inputs = torch.from_numpy(images)
        return raw_maps(network.graph, inputs, network.trace(inputs))


def raw_maps(graph: Graph, inputs: Tensor, maps: Sequence[Tensor]) -> list[Tensor]:
    """The maps of `Network.trace`, in place of a head's the raw map that it reads."""
    kept: list[Tensor] = []
    for node, own in zip(graph, maps, strict=True):
        at = node.inputs[0] if isinstance(node.layer, Head) else node.index
        kept.append(own if at == node.index else kept[at] if at >= 0 else inputs)
    return kept
