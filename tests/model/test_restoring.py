"""Networks built with their weights. Oracle: the same file, read into a network that was built as usual."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from darknet_py import compile
from darknet_py.errors import WeightsError
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.model.restoring import restore
from darknet_py.model.weights import load_weights, save_weights
from tests.paths import ROOT

SMALL = sorted((ROOT / "cfg" / "demo").glob("*.cfg")) + sorted((ROOT / "cfg" / "cifar").glob("*.cfg"))


def saved(name: str | Path, path: Path) -> Path:
    network = Network(compile(name))
    initialise(network, seed=1)
    save_weights(network, path)
    return path


@pytest.mark.parametrize("name", SMALL, ids=lambda path: path.stem)
def test_restored_weights_are_those_of_the_file(name: Path, tmp_path: Path) -> None:
    path = saved(name, tmp_path / "a.weights")
    restored, copied = restore(compile(name), path), Network(compile(name))
    load_weights(copied, path)
    expected = copied.state_dict()
    assert restored.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in restored.state_dict().items())


def test_writing_to_a_restored_network_leaves_the_file_as_it_is(
    tmp_path: Path, tiny_cfg: Callable[..., str]
) -> None:
    path = saved(tiny_cfg(), tmp_path / "a.weights")
    before = path.read_bytes()
    network = restore(compile(tiny_cfg()), path)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.zero_()
    assert path.read_bytes() == before
    assert not any(tensor.any() for tensor in network.state_dict().values())


def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, tiny_cfg: Callable[..., str]) -> None:
    path = saved(tiny_cfg(), tmp_path / "a.weights")
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(WeightsError, match=r"ends inside layer 0 \[convolutional\]"):
        restore(compile(tiny_cfg()), path)


def test_a_number_that_is_not_finite_is_found(tmp_path: Path, tiny_cfg: Callable[..., str]) -> None:
    path = saved(tiny_cfg(), tmp_path / "a.weights")
    data = bytearray(path.read_bytes())
    data[-4:] = bytes([0, 0, 0x80, 0x7F])
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="1 NaN or infinite numbers in the weights of layer 0"):
        restore(compile(tiny_cfg()), path)
