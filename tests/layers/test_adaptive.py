"""Parity. Oracle: torch's adaptive pools; for stochastic pooling, one whole-map pool of each bin."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import bin_edges
from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.model.network import Network

SIZES = [(7, 9), (4, 4), (13, 5), (1, 6), (2, 2), (16, 16)]


def network(section: str, height: int, width: int) -> Network:
    text = f"[net]\nwidth={width}\nheight={height}\nchannels=3\n[{section}\nadaptive=4\n"
    return Network(compile(parse(text)))


def map_of(size: tuple[int, int]) -> torch.Tensor:
    return torch.randn(2, 3, *size)


@pytest.mark.parametrize("size", SIZES)
def test_the_output_is_n_by_n_for_any_map(size: tuple[int, int]) -> None:
    net = network("stochpool]", *size)
    assert net.graph[0].shape == Shape(3, 4, 4)
    assert net(map_of(size))[0].shape == (2, 3, 4, 4)


@pytest.mark.parametrize("size", SIZES)
def test_maximum_and_mean_are_torchs_adaptive_pools(size: tuple[int, int]) -> None:
    x = map_of(size)
    assert torch.equal(network("maxpool]", *size)(x)[0], F.adaptive_max_pool2d(x, 4))
    assert torch.allclose(network("local_avgpool]", *size)(x)[0], F.adaptive_avg_pool2d(x, 4), atol=1e-6)


@pytest.mark.parametrize("negatives", ["relu", "shift", "softmax", "abs"])
@pytest.mark.parametrize("size", SIZES)
def test_stochastic_bins_are_evaluated_like_maps_of_their_own(size: tuple[int, int], negatives: str) -> None:
    x = map_of(size)
    bins = network(f"stochpool]\nnegatives={negatives}", *size).eval()(x)[0]
    for i in range(4):
        for j in range(4):
            (top, bottom), (left, right) = bin_edges(i, 4, size[0]), bin_edges(j, 4, size[1])
            part = x[..., top:bottom, left:right]
            text = f"[net]\nwidth={part.shape[3]}\nheight={part.shape[2]}\nchannels=3\n"
            text += f"[stochpool]\nsize=99\nstride=99\npadding=98\nnegatives={negatives}\n"
            one = Network(compile(parse(text))).eval()(part.contiguous())[0]
            assert torch.allclose(bins[..., i, j], one[..., 0, 0], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_draws_of_a_bin_are_cells_of_it_and_their_gradient_goes_there(size: tuple[int, int]) -> None:
    x = map_of(size).double().requires_grad_()
    net = network("stochpool]", *size).train()
    net.at(seed=1, iteration=1, samples=[0, 1])
    drawn = net(x)[0]
    for i in range(4):
        for j in range(4):
            (top, bottom), (left, right) = bin_edges(i, 4, size[0]), bin_edges(j, 4, size[1])
            cells = x[..., top:bottom, left:right].flatten(2)
            assert (cells == drawn[..., i, j].unsqueeze(-1)).any(dim=-1).all()
    drawn.sum().backward()
    assert x.grad.sum().item() == pytest.approx(drawn.numel())
    assert torch.autograd.gradcheck(lambda y: net(y)[0], (x.detach().requires_grad_(),))
