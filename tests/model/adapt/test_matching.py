"""Property. Oracle: layers that the test knows by their place before and after an edit."""

from __future__ import annotations

from pathlib import Path

import pytest

from darknet_py.cfg.document import read
from darknet_py.errors import UsageError
from darknet_py.graph.compile import compile
from darknet_py.model.adapt.matching import correspondence, parse_pins
from tests.model.adapt.networks import carried, net
from tests.model.adapt.test_preserving import CONV, END, LEAKY, inserted
from tests.paths import ROOT

TWICE = net(CONV.format(4, 3, "leaky"), CONV.format(4, 3, "leaky"), END)


def test_a_mapping_that_would_be_a_guess_is_refused_with_both_candidates() -> None:
    a, b = compile(TWICE), compile(inserted(TWICE, (1, CONV.format(4, 3, "leaky"))))
    with pytest.raises(UsageError) as caught:
        correspondence(a, b, {})
    assert str(caught.value).splitlines() == [
        "error: layer 1 [convolutional] (cfg line 12) of A matches layer 1 [convolutional] (cfg line 12) and "
        "layer 2 [convolutional] (cfg line 18) of B equally well, and which one it is would be a guess",
        "   = --map 1=1 or --map 1=2 decides",
    ]
    for at in (1, 2):
        assert correspondence(a, b, {1: at}) == {0: 0, at: 1, 3: 2}


def test_a_layer_that_is_removed_from_two_equal_ones_is_a_guess() -> None:
    a, b = compile(inserted(TWICE, (1, CONV.format(4, 3, "leaky")))), compile(TWICE)
    with pytest.raises(UsageError, match=r"of B matches layer 1 .* and layer 2 .* of A equally well"):
        correspondence(a, b, {})


def test_the_neighbours_decide_between_two_equal_layers() -> None:
    a = compile(read(ROOT / "cfg" / "yolov3-tiny.cfg"))
    b = compile(read(ROOT / "cfg" / "pools" / "yolov3-tiny-spp.cfg"))
    found = correspondence(a, b, {})
    assert found == {at: at for at in range(14)} | {at: at - 2 for at in range(16, 26)}


@pytest.mark.slow
def test_the_new_convolution_of_yolov3_spp_is_the_one_that_reads_the_pools() -> None:
    a, b = (compile(read(ROOT / "cfg" / f"{name}.cfg")) for name in ("yolov3", "yolov3-spp"))
    found = correspondence(a, b, {})
    new = [at for at in range(len(b)) if at not in found]
    assert new == list(range(78, 85))
    assert b[84].layer.section == "convolutional"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["1"], "is no pair of layers"),
        (["9=1"], "A has no layer '9'"),
        (["1=x"], "B has no layer 'x'"),
        (["1=1", "1=2"], "is mapped twice"),
        (["0=2", "1=1"], "the pairs cross"),
    ],
)
def test_a_pin_that_cannot_be_is_refused(texts: list[str], message: str) -> None:
    graph = compile(TWICE)
    with pytest.raises(UsageError, match=message):
        parse_pins(texts, graph, graph)


def test_a_pin_decides_what_is_carried(tmp_path: Path) -> None:
    from darknet_py.model.adapt.api import Adaptation

    b = inserted(TWICE, (1, CONV.format(4, 3, "leaky")))
    for at, new in ((1, 2), (2, 1)):
        *_, ledger = carried(TWICE, b, tmp_path, Adaptation(pins=(f"1={at}",), verify=False))
        assert [(layer.to, layer.source) for layer in ledger.layers if layer.to in (1, 2)] == sorted(
            [(at, 1), (new, None)]
        )


def test_shared_weights_follow_their_source(tmp_path: Path) -> None:
    shared = "convolutional filters=6 size=3 pad=1 batch_normalize=1 activation=leaky share_index=1"
    a = net(LEAKY, LEAKY, shared, END)
    *_, ledger = carried(a, a, tmp_path)
    assert ledger.preserving
    *_, ledger = carried(a, inserted(a, (0, "dropout")), tmp_path)
    assert ledger.preserving
    assert [layer.what for layer in ledger.layers] == ["copied"] * 3
