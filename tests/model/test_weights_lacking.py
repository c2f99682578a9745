"""Property. Oracle: Darknet's reader (format page, 4.2): what `dontload` and `dontloadscales` skip."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.errors import WeightsError
from darknet_py.graph.compile import compile
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights, save_weights

HEADER = struct.pack("<iiiQ", 0, 2, 5, 640)

COUNTS = {
    "biases": 4,
    "scales": 12,
    "weights": 4 * 3 * 9,
}  # of layer 0; "scales" are scales, means, variances
SECOND_FLOATS, THIRD_FLOATS = 3 + 3 * 4, 2 + 2 * 3 * 4


def network(*, first: str = "", second: str = "") -> Network:
    norm = "[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\npad=1\n"
    plain = "[convolutional]\nfilters=3\nactivation=linear\n"
    last = "[convolutional]\nfilters=2\nsize=2\npad=0\nactivation=linear\n"
    text = f"[net]\nwidth=8\nheight=8\nchannels=3\n{norm}{first}\n{plain}{second}\n{last}"
    return Network(compile(parse(text, path="a.cfg")))


def written(path: Path, count: int) -> Path:
    path.write_bytes(HEADER + np.arange(1, count + 1, dtype="<f4").tobytes())
    return path


def total() -> int:
    return sum(COUNTS.values()) + SECOND_FLOATS + THIRD_FLOATS


def test_a_layer_that_is_not_loaded_takes_no_bytes(tmp_path: Path) -> None:
    into = network(second="dontload=1")
    before = {name: tensor.clone() for name, tensor in into.layers[1].state_dict().items()}
    ledger = load_weights(into, written(tmp_path / "a.weights", total() - SECOND_FLOATS))
    assert (ledger.floats, ledger.total) == (total() - SECOND_FLOATS, total())
    for name, tensor in into.layers[1].state_dict().items():
        assert torch.equal(tensor, before[name])
    first = sum(COUNTS.values())
    assert into.layers[2].conv.bias.tolist() == [first + 1, first + 2]


def test_scales_that_are_not_loaded_take_no_bytes(tmp_path: Path) -> None:
    into = network(first="dontloadscales=1")
    ledger = load_weights(into, written(tmp_path / "a.weights", total() - COUNTS["scales"]))
    assert ledger.floats == total() - COUNTS["scales"]
    conv, norm = into.layers[0].conv, into.layers[0].norm
    assert norm.bias.tolist() == [1, 2, 3, 4]
    assert conv.weight.flatten()[:2].tolist() == [5, 6]
    assert norm.weight.tolist() == [1] * 4
    assert norm.running_mean.tolist() == [0] * 4
    assert norm.running_var.tolist() == [1] * 4


def test_both_together(tmp_path: Path) -> None:
    into = network(first="dontloadscales=1", second="dontload=1")
    load_weights(into, written(tmp_path / "a.weights", total() - COUNTS["scales"] - SECOND_FLOATS))
    first = COUNTS["biases"] + COUNTS["weights"]
    assert into.layers[2].conv.bias.tolist() == [first + 1, first + 2]


@pytest.mark.parametrize("keys", [{"first": "dontloadscales=1"}, {"second": "dontload=1"}], ids=str)
def test_what_this_program_wrote_is_read_whole(keys: dict[str, str], tmp_path: Path) -> None:
    """Files are written whole, whatever the cfg says of the file that training began with."""
    trained, again = network(**keys), network(**keys)
    with torch.no_grad():
        for tensor in trained.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(torch.rand(tensor.shape))
    save_weights(trained, tmp_path / "a.weights")
    load_weights(again, tmp_path / "a.weights")
    for name, tensor in trained.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]) or "num_batches" in name, name


@pytest.mark.parametrize("partial", [2, 3])
def test_a_partial_reading_skips_as_the_cfg_says(partial: int, tmp_path: Path) -> None:
    into = network(second="dontload=1")
    have = sum(COUNTS.values()) + THIRD_FLOATS
    ledger = load_weights(into, written(tmp_path / "a.weights", have), partial=partial)
    assert ledger.layers == partial
    assert ledger.floats == (have if partial == 3 else sum(COUNTS.values()))


def test_neither_size_is_told_by_what_the_cfg_expects(tmp_path: Path) -> None:
    short = written(tmp_path / "a.weights", total() - SECOND_FLOATS - 1)
    with pytest.raises(WeightsError, match=r"ends inside layer 2 .*: it needs 26 floats, 25 remain"):
        load_weights(network(second="dontload=1"), short)
    long = written(tmp_path / "b.weights", total() - SECOND_FLOATS + 1)
    with pytest.raises(WeightsError, match="so 4 are left over"):
        load_weights(network(second="dontload=1"), long)
