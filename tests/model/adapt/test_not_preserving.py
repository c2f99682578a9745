"""Property. Oracle: the maps of both networks, layer by layer, up to the first layer that an edit touches."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from darknet_py.model.adapt.api import Adaptation, adapt
from darknet_py.model.network import Network
from darknet_py.model.weights import save_weights
from tests.model.adapt.networks import EXACT, carried, net, relative
from tests.model.adapt.test_preserving import BASE, CONV, END, LEAKY, edited, inserted

POOLED = (LEAKY, "maxpool size=2 stride=2", CONV.format(4, 3, "leaky"), LEAKY, END)


@torch.no_grad()
def traces(old: Network, new: Network) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    image = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    return old.trace(image), new.trace(image)


@pytest.mark.parametrize(
    ("edit", "first", "why"),
    [
        ("2.size=5", 2, "became"),
        ("1.section=stochpool", 2, "gone or others"),
        ("1.size=3", 2, "gone or others"),
        ("2.activation=relu", 2, "activation leaky became relu"),
        ("2.batch_normalize=1", 2, "batch_normalize False became True"),
        ("2.dilation=2", 2, "spread 1 became 2"),
    ],
)
def test_every_layer_before_the_first_that_an_edit_touches_is_equal(
    tmp_path: Path, edit: str, first: int, why: str
) -> None:
    a = net(*POOLED)
    old, new, ledger = carried(a, edited(a, edit), tmp_path, Adaptation())
    assert not ledger.preserving
    assert ledger.reasons[0].layer.startswith(f"layer {first} [convolutional]")
    assert why in ledger.reasons[0].why
    assert ledger.difference
    before, after = traces(old, new)
    same = {at for at, _ in ledger.same_maps}
    assert set(range(first - ("section" in edit or "1.size" in edit))) <= same
    assert max(same) < first
    for at in same:
        assert relative(before[at], after[at]) <= 2e-6


def test_the_same_maps_are_those_that_are_equal(tmp_path: Path) -> None:
    a = net(*POOLED)
    old, new, ledger = carried(a, edited(a, "3.size=1"), tmp_path)
    before, after = traces(old, new)
    assert ledger.same_maps == ((0, 0), (1, 1), (2, 2))
    assert [torch.equal(x, y) for x, y in zip(before, after, strict=True)] == [True] * 3 + [False] * 2


def test_another_kernel_size_starts_anew_and_what_follows_is_copied(tmp_path: Path) -> None:
    a = net(*POOLED)
    _, _, ledger = carried(a, edited(a, "2.size=5"), tmp_path)
    found = {layer.to: (layer.source, layer.what) for layer in ledger.layers if layer.to is not None}
    assert found == {0: (0, "copied"), 2: (None, "initialised"), 3: (3, "copied"), 4: (4, "copied")}
    (gone,) = [layer for layer in ledger.layers if layer.to is None]
    assert (gone.source, gone.what, gone.floats) == (2, "cut", 6 * 4 * 9 + 4)


def test_a_new_convolution_with_batch_normalisation_starts_near_the_identity(tmp_path: Path) -> None:
    a = net(*BASE)
    new = "convolutional filters=4 size=1 batch_normalize=1 activation=leaky"
    _, network, ledger = carried(a, inserted(a, (1, new)), tmp_path, Adaptation())
    block = network.layers[2]
    assert torch.equal(block.conv.weight.flatten(1), torch.eye(4))
    assert torch.equal(block.norm.weight, torch.ones(4))
    assert torch.allclose(block.norm.running_var + 1e-5, torch.ones(4))
    assert not ledger.preserving
    assert ledger.reasons[0].why == (
        "a new convolution with batch normalisation and activation=leaky cannot be the identity"
    )
    assert ledger.difference is not None
    assert ledger.difference < 1e-6, "the map before has no negative numbers"


def test_columns_of_another_pool_are_cut_where_other_branches_are_read(tmp_path: Path) -> None:
    pools = "maxpool size=3 stride=1", "route layers=0", "maxpool size=5 stride=1", "route layers=3,1,0"
    a = net(LEAKY, *pools, CONV.format(4, 1, "relu"), END)
    _, new, ledger = carried(a, edited(a, "3.size=7"), tmp_path)
    entry = next(layer for layer in ledger.layers if layer.to == 5)
    assert (entry.what, entry.zero, entry.cut) == ("cut", 24, 24)
    assert not new.layers[5].conv.weight[:, :6].any()
    assert new.layers[5].conv.weight[:, 6:].all()


def test_copy_starts_new_columns_from_the_most_similar_pool_without_rescaling(tmp_path: Path) -> None:
    layers = CONV.format(4, 3, "relu"), "spp sizes={}", CONV.format(6, 1, "relu"), END
    a, b = (net(*(one.format(sizes) for one in layers)) for sizes in ("3,7", "3,7,9"))
    old, new, ledger = carried(a, b, tmp_path, Adaptation(start="copy", verify=False))
    weights, before = new.layers[2].conv.weight, old.layers[2].conv.weight
    assert torch.equal(weights[:, :4], before[:, :4]), "of 9 from 7"
    assert torch.equal(weights[:, 4:], before)
    assert not ledger.preserving
    assert "--adapt copy" in ledger.reasons[0].why


def test_none_draws_new_columns_and_new_layers_at_random(tmp_path: Path) -> None:
    a = net(*BASE)
    b = inserted(a, (1, "spp sizes=3"), (2, "convolutional filters=6 size=1 activation=linear"))
    _, new, ledger = carried(a, b, tmp_path, Adaptation(start="none", verify=False))
    assert new.layers[3].conv.weight.all()
    assert new.layers[4].conv.weight.flatten(1).std() > 0.05
    assert not ledger.preserving


def test_a_layer_that_reads_only_new_channels_starts_anew_and_not_at_zero(tmp_path: Path) -> None:
    a = net(*BASE)
    b = inserted(a, (1, "convolutional filters=9 size=3 pad=1 activation=leaky"))
    _, new, ledger = carried(a, b, tmp_path)
    assert new.layers[3].conv.weight.all()
    assert {layer.to: layer.what for layer in ledger.layers if layer.to}[3] == "initialised"
    assert [layer.source for layer in ledger.layers if layer.to is None] == [2]


@pytest.mark.parametrize("start", ["zero", "copy", "none"])
def test_every_number_is_in_the_ledger_once(tmp_path: Path, start: str) -> None:
    a = net(*BASE)
    b = edited(inserted(a, (1, "spp sizes=3,5"), (2, LEAKY)), "0.filters=3,5.filters=9")
    _, _, ledger = carried(a, b, tmp_path, Adaptation(start=start, verify=False))
    for layer in ledger.layers:
        for tensor in layer.tensors:
            assert tensor.floats == tensor.carried + tensor.zero + tensor.drawn
            assert min(tensor.carried, tensor.zero, tensor.drawn, tensor.cut) >= 0
    assert sum(layer.floats for layer in ledger.layers if layer.to is not None) == ledger.floats[1]
    assert ledger.carried + sum(layer.cut for layer in ledger.layers) == ledger.floats[0]
    assert ledger.json()["share"] == pytest.approx(ledger.carried / ledger.floats[1], abs=1e-6)


def test_the_default_verifies_and_exact_does_not(tmp_path: Path) -> None:
    a = net(*BASE)
    assert carried(a, a, tmp_path, Adaptation())[2].difference == 0
    assert carried(a, a, tmp_path, EXACT)[2].difference is None


def test_a_connected_layer_of_another_input_size_starts_anew(tmp_path: Path) -> None:
    a, b = (net(LEAKY, "connected output=5", size=size) for size in (8, 12))
    _, _, ledger = carried(a, b, tmp_path, Adaptation())
    assert [layer.what for layer in ledger.layers if layer.to is not None] == ["copied", "initialised"]
    assert not ledger.preserving
    assert ledger.difference is None


def test_outputs_that_are_not_finite_are_not_preserved(tmp_path: Path) -> None:
    sections = ["convolutional filters=3 size=3 pad=1 activation=linear"] * 9
    old, _, _ = carried(net(*sections), net(*sections), tmp_path)
    with torch.no_grad():
        for layer in old.layers:
            layer.conv.weight.fill_(3e38)  # their product is no float64
    save_weights(old, tmp_path / "large.weights")
    _, ledger = adapt(tmp_path / "large.weights", old.graph, old.graph)
    assert [reason.layer for reason in ledger.reasons] == ["the outputs"]
    assert ledger.json()["difference"] is None
