"""Networks with random numbers for tests of an adaptation, and what their outputs have in common."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from darknet_py.cfg.document import Document, parse
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.model.adapt.api import Adaptation, adapt
from darknet_py.model.adapt.ledger import AdaptLedger
from darknet_py.model.network import Network
from darknet_py.model.weights import save_weights

TOLERANCES = {torch.float32: 2e-6, torch.float64: 1e-13}  # of the greatest value: sums are grouped otherwise
EXACT = Adaptation(verify=False)


def net(*sections: str, size: int = 16, channels: int = 3) -> Document:
    """A cfg: each section as `name key=value key=value`."""
    lines = [f"[net]\nwidth={size}\nheight={size}\nchannels={channels}\n"]
    for section in sections:
        name, *keys = section.split()
        lines.append("\n".join([f"[{name}]", *keys, ""]))
    return parse("\n".join(lines), path="test.cfg")


@torch.no_grad()
def filled(graph: Graph, *, integers: bool = False, seed: int = 0) -> Network:
    """A network whose every array is random, and none is at its initial value."""
    network, generator = Network(graph), torch.Generator().manual_seed(seed)
    for node in graph:
        for name, tensor in node.layer.arrays(network.layers[node.index]):
            if integers:
                tensor.copy_(torch.randint(-2, 3, tensor.shape, generator=generator).float())
            elif name in ("variances", "scales"):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
            else:
                width = max(1, tensor[0].numel()) if tensor.dim() > 1 else 4
                tensor.copy_((torch.rand(tensor.shape, generator=generator) - 0.5) * (6 / width) ** 0.5)
    return network.eval()


def carried(
    a: Document, b: Document, folder: Path, how: Adaptation = EXACT, *, integers: bool = False
) -> tuple[Network, Network, AdaptLedger]:
    """A with random numbers, B with those of A, and the ledger."""
    old = filled(compile(a), integers=integers)
    save_weights(old, folder / "a.weights")
    new, ledger = adapt(folder / "a.weights", old.graph, compile(b), how)
    return old, new, ledger


@torch.no_grad()
def assert_same_outputs(old: Network, new: Network) -> None:
    """The raw outputs of both, number by number."""
    image = torch.rand(2, *_image(old), generator=torch.Generator().manual_seed(1))
    for dtype in TOLERANCES:
        outputs = zip(old.to(dtype)(image.to(dtype)), new.to(dtype)(image.to(dtype)), strict=True)
        for before, after in outputs:
            assert relative(before, after) <= TOLERANCES[dtype], dtype
    old.float(), new.float()


@torch.no_grad()
def assert_equal_outputs(old: Network, new: Network) -> None:
    """The outputs for an image of integers, to the bit."""
    image = torch.randint(0, 3, (2, *_image(old)), generator=torch.Generator().manual_seed(1)).float()
    for before, after in zip(old(image), new(image), strict=True):
        assert torch.equal(before, after)


def relative(before: Tensor, after: Tensor) -> float:
    """The greatest difference, as a share of the greatest value."""
    return float((before - after).abs().max() / before.abs().max().clamp(min=1e-30))


def _image(network: Network) -> tuple[int, int, int]:
    shape = network.graph.image
    return shape.channels, shape.height, shape.width
