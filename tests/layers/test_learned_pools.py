"""Property and parity. Oracle: the order that `.weights` is said to have, and the papers' first weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from darknet_py.model.initialization import initialise
from darknet_py.model.weights import load_weights, save_weights
from darknet_py.ops.pools.power import LARGEST, by_map, by_windows
from darknet_py.ops.pools.window import BinGrid, Grid
from tests.layers.nets import network, section

CONV = section("convolutional", filters=3, size=1, activation="linear")
LEARNED = (
    section("gempool", size=2, stride=2),
    section("mixpool", mode="gated", size=3),
    section("netvlad", clusters=4),
)


def learned(*sections):
    return network(CONV, *sections, shape=(2, 8, 6))


def test_learned_floats_follow_the_layers_order_p_then_the_gate_then_w_b_and_c(tmp_path):
    net, path = learned(*LEARNED), tmp_path / "pools.weights"
    initialise(net, seed=3)
    with torch.no_grad():
        net.layers[2].gate.copy_(torch.arange(9.0).view(3, 3))
    save_weights(net, path)
    vlad = net.layers[3]
    parts = [vlad.weight, vlad.bias, vlad.centres]
    tail = np.concatenate([part.detach().numpy().ravel() for part in parts])
    floats = np.fromfile(path, "<f4", offset=20)
    assert floats[9:10].tolist() == [3.0]  # behind the convolution's 3 biases and 6 weights
    assert floats[10:19].tolist() == list(range(9))
    np.testing.assert_array_equal(floats[19:], tail)
    assert len(floats) == net.graph.cost.parameters == net.graph.cost.trainable
    other = learned(*LEARNED)
    load_weights(other, path)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters(), strict=True))


def test_first_weights_are_p_zeros_and_centres_of_length_1_with_the_assignment_of_the_nearest():
    net = learned(*LEARNED)
    initialise(net, seed=1)
    _, gem, mix, vlad = net.layers
    assert gem.p.tolist() == [3.0]
    assert not mix.gate.any()
    torch.testing.assert_close(vlad.centres.norm(dim=1), torch.ones(4))
    torch.testing.assert_close(vlad.weight, 200 * vlad.centres)
    torch.testing.assert_close(vlad.bias, torch.full((4,), -100.0))
    x = torch.nn.functional.normalize(torch.randn(50, 3), dim=1)
    nearest = torch.cdist(x, vlad.centres).argmin(dim=1)
    assert torch.equal((x @ vlad.weight.T + vlad.bias).argmax(dim=1), nearest)


def test_first_weights_depend_on_the_seed_alone():
    nets = [learned(*LEARNED) for _ in range(3)]
    with torch.no_grad():
        for parameter in nets[1].parameters():
            parameter.fill_(7)
    for net, seed in zip(nets, (5, 5, 6), strict=True):
        initialise(net, seed=seed)
    same = [torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True)]
    assert all(same)
    assert not torch.equal(nets[0].layers[3].centres, nets[2].layers[3].centres)


def test_a_learned_pool_changes_no_weight_of_the_layers_before_it():
    with_pool, without = learned(LEARNED[2]), learned()
    for net in (with_pool, without):
        initialise(net, seed=2)
    assert torch.equal(with_pool.layers[0].conv.weight, without.layers[0].conv.weight)


def test_every_learned_pool_moves_from_its_first_weights():
    net = learned(*LEARNED)
    initialise(net, seed=4)
    (out,) = net(torch.randn(2, 2, 8, 6))
    (out * torch.randn(out.shape)).sum().backward()
    for module in net.layers[1:]:
        assert all(p.grad.isfinite().all() and p.grad.any() for p in module.parameters())


def test_gempool_without_learning_has_no_weight():
    net = learned(section("gempool", size=2, stride=2, learn=0, p=2))
    assert net.graph[1].cost.parameters == 0
    assert not list(net.layers[1].parameters())
    initialise(net, seed=0)
    assert net.layers[1].p == 2


@pytest.mark.parametrize(
    "text, length",
    [
        (section("netvlad", clusters=5), 5 * 3),
        (section("bilinear"), 9),
        (section("bilinear", from_=-1), 9),
        (section("sppnet", levels="3,1"), 3 * 10),
        (section("sppnet", levels="2,3", pool="gempool"), 3 * 13),
        (section("sppnet", levels=2, pool="medianpool"), 3 * 4),
    ],
)
@pytest.mark.parametrize("size", [(8, 6), (1, 1), (1, 7), (13, 13)])
def test_one_module_gives_one_length_for_maps_of_any_size(text, length, size):
    net = learned(text)
    assert net.graph[1].shape.floats == length
    assert net(torch.randn(2, 2, *size))[0].shape == (2, length, 1, 1)


def test_every_branch_of_a_pyramid_learns_its_own_p():
    net = learned(section("sppnet", levels="2,1", pool="gempool"), CONV)
    held = [array for _, array in net.graph[1].layer.arrays(net.layers[1])]
    assert [array.tolist() for array in held] == [[3.0], [3.0]]
    assert net.graph[1].cost.parameters == net.graph[1].cost.trainable == 2
    initialise(net, seed=0)
    net(torch.rand(1, 2, 8, 6))[0].sum().backward()
    assert all(array.grad.any() for array in held)


@pytest.mark.parametrize(
    "grid", [Grid(3, (2, 1), 2), Grid(2, (2, 2), 0), Grid(9, (1, 1), 8), BinGrid(1, (1, 1), 0, 3)]
)
@pytest.mark.parametrize("p", [0.7, 1.0, 2.0, 3.0, 4.4, LARGEST])
def test_powers_of_the_map_give_what_windows_one_by_one_give(grid, p):
    x = torch.rand(2, 3, 7, 8) * 10
    x[0, 0] = 0
    x[0, 1, :3] *= 1e-3
    results = []
    for mean in (by_map, by_windows):
        source, power = x.clone().requires_grad_(), torch.tensor([p], requires_grad=True)
        out = mean(source.clamp(min=1e-6), grid, power)
        results.append((out, *torch.autograd.grad(out.sum(), [source, power])))
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("p", [1.0, 2.0, LARGEST, 40.0])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_power_means_neither_overflow_nor_vanish(p, scale):
    x = (torch.rand(1, 2, 6, 6) + 0.5) * scale
    pooled = network(section("lppool", size=3, p=p), shape=(2, 6, 6)).layers[0](x.requires_grad_())
    (gradient,) = torch.autograd.grad(pooled.sum(), x)
    assert ((pooled >= 0.5 * scale) & (pooled <= 1.5 * scale)).all()
    # Homogeneous of degree 1: the gradient times the map is the sum of the outputs (Euler).
    assert (gradient * x).sum().item() == pytest.approx(pooled.sum().item(), rel=1e-4)


class Largest(TorchDispatchMode):
    """The most numbers that any tensor had, of those that operations made."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else (out,):
            self.numbers = max(self.numbers, tensor.numel() if isinstance(tensor, torch.Tensor) else 0)
        return out


def test_netvlad_never_holds_a_residual_for_every_cell_and_cluster():
    net = network(section("netvlad", clusters=16), shape=(32, 10, 10))
    x = torch.randn(2, 32, 10, 10, requires_grad=True)
    with Largest() as largest:
        net.layers[0](x).sum().backward()
    assert 0 < largest.numbers <= x.numel() < 2 * 16 * 32 * 100
