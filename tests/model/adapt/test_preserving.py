"""Property. Oracle: the outputs of the network that the weights come from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from darknet_py.cfg.document import Document, read
from darknet_py.cfg.edits import parse_edits
from darknet_py.cfg.sections import new_section
from darknet_py.edit.editing import Changes, apply_edits
from darknet_py.edit.overrides import apply_overrides
from darknet_py.model.adapt.api import Adaptation
from tests.model.adapt.networks import assert_equal_outputs, assert_same_outputs, carried, net
from tests.paths import ROOT

CONV = "convolutional filters={} size={} pad=1 activation={}"
LEAKY = CONV.format(6, 3, "leaky") + " batch_normalize=1"
END = CONV.format(5, 1, "linear")
BASE = (LEAKY, CONV.format(4, 1, "relu"), LEAKY, END)
SPP = (CONV.format(4, 3, "relu"), "spp sizes={}", CONV.format(6, 1, "relu"), END)


def edited(document: Document, text: str = "", **changes: object) -> Document:
    if text:
        document = apply_overrides(document, parse_edits(text))
    return apply_edits(document, Changes(**changes)).document if changes else document  # type: ignore[arg-type]


def inserted(document: Document, *sections: tuple[int, str]) -> Document:
    return edited(document, inserts=tuple((at, new_section(text)) for at, text in sections))


def check(a: Document, b: Document, folder: Path) -> None:
    """B is said to preserve A's outputs, and does; to the bit for integers."""
    old, new, ledger = carried(a, b, folder)
    assert ledger.preserving, ledger.reasons
    assert_same_outputs(old, new)
    if "batch_normalize=1" not in str(a):
        old, new, _ = carried(a, b, folder, integers=True)
        assert_equal_outputs(old, new)


def sections(document: Document) -> tuple[str, ...]:
    return tuple(section.name for section in document.sections)


def test_a_branch_added_to_an_spp_starts_at_zero(tmp_path: Path) -> None:
    a, b = (net(*(one.format(sizes) for one in SPP), size=26) for sizes in ("5,9,13", "5,9,13,19"))
    check(a, b, tmp_path)
    _, new, ledger = carried(a, b, tmp_path)
    weights = new.layers[2].conv.weight
    assert not weights[:, :4].any(), "the largest window comes first"
    assert weights[:, 4:].abs().min() > 0
    (entry,) = [layer for layer in ledger.layers if layer.to == 2]
    assert (entry.source, entry.what, entry.zero, entry.cut) == (2, "grown", 6 * 4, 0)


def test_a_branch_cut_from_an_spp_is_preserving_only_where_its_columns_are_zero(tmp_path: Path) -> None:
    from darknet_py.graph.compile import compile
    from darknet_py.model.adapt.api import adapt
    from darknet_py.model.weights import save_weights

    a, b = (net(*(one.format(sizes) for one in SPP), size=26) for sizes in ("5,9,13", "5,9,19"))
    old, _, ledger = carried(a, b, tmp_path)
    assert not ledger.preserving
    assert "4 of the 16 channels that it read are gone" in ledger.reasons[0].why
    (entry,) = [layer for layer in ledger.layers if layer.to == 2]
    assert (entry.what, entry.zero, entry.cut) == ("cut", 24, 24)
    with torch.no_grad():
        old.layers[2].conv.weight[:, :4] = 0  # of the 13
    save_weights(old, tmp_path / "zero.weights")
    new, ledger = adapt(tmp_path / "zero.weights", old.graph, compile(b))
    assert ledger.preserving
    assert_same_outputs(old, new)


@pytest.mark.parametrize(
    "section",
    [
        "spp sizes=3,5",
        "dropout probability=.5",
        "convolutional filters=4 size=1 activation=linear",
        "convolutional filters=4 size=3 pad=1 activation=linear",
        "convolutional filters=4 size=1 groups=4 activation=linear",
        "maxpool size=1 stride=1",
        "activation activation=linear",
        "empty",
        "route layers=-1,0",
    ],
)
def test_a_layer_that_can_be_an_identity_starts_as_one(tmp_path: Path, section: str) -> None:
    a = net(*BASE)
    check(a, inserted(a, (1, section)), tmp_path)


def test_a_weighted_shortcut_starts_as_the_map_before(tmp_path: Path) -> None:
    a = net(LEAKY, LEAKY, END)
    b = inserted(a, (1, "shortcut from=0 weights_type=per_channel activation=linear"))
    check(a, b, tmp_path)


@pytest.mark.parametrize("norm", ["", " batch_normalize=1"])
def test_a_new_residual_block_starts_at_zero(tmp_path: Path, norm: str) -> None:
    a = net(*BASE)
    block = (1, CONV.format(4, 3, "leaky") + norm), (1, "shortcut from=1 activation=linear")
    check(a, inserted(a, *block), tmp_path)


def test_swapped_branches_of_a_route_give_the_same_outputs(tmp_path: Path) -> None:
    swapped = [
        net(LEAKY, CONV.format(4, 1, "relu"), f"route layers={order}", LEAKY, END) for order in ("0,1", "1,0")
    ]
    check(*swapped, tmp_path)
    _, _, ledger = carried(*swapped, tmp_path)
    assert [layer.what for layer in ledger.layers] == ["copied", "copied", "permuted", "copied"]


def test_a_depthwise_convolution_follows_its_permuted_inputs(tmp_path: Path) -> None:
    deep = "convolutional filters=10 size=3 pad=1 groups=10 activation=relu"
    check(
        *(net(LEAKY, CONV.format(4, 1, "relu"), f"route layers={o}", deep, END) for o in ("0,1", "1,0")),
        tmp_path,
    )


def test_a_connected_layer_follows_the_channels_of_its_map(tmp_path: Path) -> None:
    a, b = (
        net(
            CONV.format(3, 3, "relu"),
            CONV.format(2, 1, "relu"),
            f"route layers={order}",
            "connected output=7",
            size=6,
        )
        for order in ("0,1", "1,0")
    )
    check(a, b, tmp_path)


def test_pools_in_sequence_are_those_side_by_side(tmp_path: Path) -> None:
    pool = "maxpool size=5 stride=1"
    fast = (pool, pool, pool, "route layers=-1,-2,-3,-4")
    first, last = CONV.format(4, 3, "relu"), (CONV.format(6, 1, "relu"), END)
    a, b = net(first, "spp sizes=5,9,13", *last, size=26), net(first, *fast, *last, size=26)
    check(a, b, tmp_path)
    check(b, a, tmp_path)


def test_sections_and_the_spp_that_they_are_have_the_same_columns(tmp_path: Path) -> None:
    a = net(*(one.format("3,5") for one in SPP))
    b = edited(a, expands=None)
    assert "route" in sections(b)
    assert str(a) != str(b)
    check(a, b, tmp_path)
    check(b, a, tmp_path)


def test_ports_that_list_the_smallest_pool_first_are_read_by_what_they_pool(tmp_path: Path) -> None:
    first, last = CONV.format(4, 3, "relu"), (CONV.format(6, 1, "relu"), END)
    pools = ("maxpool size=3 stride=1", "route layers=0", "maxpool size=5 stride=1")
    a, b = (net(first, *pools, f"route layers={order}", *last) for order in ("3,1,0", "0,1,3"))
    check(a, b, tmp_path)


def test_filters_added_to_a_layer_are_read_at_zero(tmp_path: Path) -> None:
    a = net(*BASE)
    check(a, edited(a, "1.filters=9"), tmp_path)
    check(a, edited(a, "0.filters=8,2.filters=7"), tmp_path)


def test_another_input_size_is_the_same_network(tmp_path: Path) -> None:
    a = net(*BASE)
    _, _, ledger = carried(a, edited(a, "net.width=32,net.height=24"), tmp_path, Adaptation())
    assert ledger.preserving
    assert ledger.difference == 0


def test_fewer_image_channels_cut_columns_and_more_start_at_zero(tmp_path: Path) -> None:
    a = net(*BASE)
    _, new, ledger = carried(a, edited(a, "net.channels=4"), tmp_path, Adaptation())
    assert ledger.preserving
    assert not new.layers[0].conv.weight[:, 3].any()
    _, _, ledger = carried(a, edited(a, "net.channels=1"), tmp_path, Adaptation())
    assert not ledger.preserving
    assert ledger.layers[0].what == "cut"


def test_yolov3_tiny_with_an_spp_inserted_computes_what_it_did(tmp_path: Path) -> None:
    a = edited(read(ROOT / "cfg" / "yolov3-tiny.cfg"), "net.width=256,net.height=64")
    old, new, ledger = carried(a, inserted(a, (13, "spp sizes=5,9,13")), tmp_path)
    assert ledger.preserving
    assert [layer.to for layer in ledger.layers if layer.what == "grown"] == [15]
    assert ledger.carried == ledger.floats[0]
    assert_same_outputs(old, new)
