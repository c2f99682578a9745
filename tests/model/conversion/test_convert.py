"""Weights in other formats. Oracles: the bytes of the source; torch modules under other names."""

from __future__ import annotations

import json
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from darknet_py import load
from darknet_py.model.network import Network
from darknet_py.model.weights import file_layout, weights_bytes
from tests.paths import SHARED

CFG = """[net]
width=32
height=32
channels=3

[convolutional]
batch_normalize=1
filters=4
size=3
stride=2
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[convolutional]
batch_normalize=1
filters=8
size=3
stride=1
pad=1
activation=leaky

[convolutional]
filters=21
size=1
stride=1
activation=linear

[yolo]
mask=0,1,2
anchors=4,4, 8,8, 16,16
classes=2
num=3
"""


@pytest.fixture
def cfg(tmp_path: Path) -> Path:
    path = tmp_path / "net.cfg"
    path.write_text(CFG)
    return path


def drawn(cfg: Path) -> Network:
    """A network whose arrays are drawn, variances above zero."""
    network, generator = load(cfg), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for array in file_layout(network):
            array.tensor.copy_(torch.rand(array.tensor.shape, generator=generator) + 0.1)
    return network


@pytest.fixture
def weights(cfg: Path) -> Path:
    path = cfg.with_suffix(".weights")
    path.write_bytes(weights_bytes(drawn(cfg), seen=1 << 33))
    return path


class PyTorchYolov3(nn.Module):
    """The net of `CFG` under the names of eriklindernoren/PyTorch-YOLOv3, by torch's own modules."""

    def __init__(self) -> None:
        super().__init__()
        self.module_list = nn.ModuleList(nn.Sequential() for _ in range(5))
        for at, before, filters, size, stride, normed in (
            (0, 3, 4, 3, 2, True),
            (2, 4, 8, 3, 1, True),
            (3, 8, 21, 1, 1, False),
        ):
            conv = nn.Conv2d(before, filters, size, stride, size // 2, bias=not normed)
            self.module_list[at].add_module(f"conv_{at}", conv)
            if normed:
                self.module_list[at].add_module(f"batch_norm_{at}", nn.BatchNorm2d(filters, eps=1e-5))
                self.module_list[at].add_module(f"leaky_{at}", nn.LeakyReLU(0.1))
        self.module_list[1].add_module("maxpool_1", nn.MaxPool2d(2, 2))

    def forward(self, maps: Tensor) -> Tensor:
        for module in self.module_list[:4]:
            maps = module(maps)
        return maps


@pytest.fixture
def foreign() -> PyTorchYolov3:
    torch.manual_seed(3)
    module = PyTorchYolov3().eval()
    with torch.no_grad():
        for tensor in module.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.1, 1.0)
    return module


@pytest.mark.parametrize("version", [(0, 1, 0), (0, 2, 0), (0, 2, 5)])
@pytest.mark.parametrize(
    "through", ["a.safetensors", "a.pt", "pytorch-yolov3", "ultralytics", "pytorch-yolov4"]
)
def test_weights_come_back_to_the_byte(
    cli: Any, cfg: Path, weights: Path, version: tuple[int, int, int], through: str
) -> None:
    weights.write_bytes(weights_bytes(drawn(cfg), seen=64_000, version=version))
    names = () if "." in through else ("--names", through)
    middle = weights.with_name("middle.pt" if names else through)
    assert cli("convert", weights, middle, "--cfg", cfg, *names)[0] == 0
    back = weights.with_name("back.weights")
    assert cli("convert", middle, back, "--cfg", cfg)[0] == 0
    assert back.read_bytes() == weights.read_bytes()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("yolov3-tiny.weights", "yolov3-tiny"),
        ("yolo-fastest-1.1.weights", "yolo-fastest-1.1.cfg"),
        ("yolo-fastest-1.1-xl.weights", "yolo-fastest-1.1-xl.cfg"),
    ],
)
def test_published_weights_come_back_to_the_byte(cli: Any, tmp_path: Path, file: str, name: str) -> None:
    source = SHARED / "weights" / file
    if not source.exists():
        pytest.skip(f"{source} is not here")
    cfg = source.with_name(name) if name.endswith(".cfg") else name
    assert cli("convert", source, tmp_path / "a.safetensors", "--cfg", cfg)[0] == 0
    assert cli("convert", tmp_path / "a.safetensors", tmp_path / "a.weights")[0] == 0
    assert (tmp_path / "a.weights").read_bytes() == source.read_bytes()


def test_safetensors_name_layers_and_keep_the_cfg(cli: Any, cfg: Path, weights: Path) -> None:
    target = weights.with_suffix(".safetensors")
    assert cli("convert", weights, target, "--cfg", cfg)[0] == 0
    data = target.read_bytes()
    table = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert table["__metadata__"]["cfg"] == CFG
    assert (table["__metadata__"]["seen"], table["__metadata__"]["version"]) == (str(1 << 33), "0.2.5")
    assert table["2.convolutional.weights"]["shape"] == [8, 4, 3, 3]
    assert table["3.convolutional.biases"]["shape"] == [21]


@pytest.mark.parametrize("holder", ["", "model", "ema"])
@pytest.mark.parametrize("prefix", ["", "module.", "model.module."])
def test_a_network_saved_by_another_program_computes_the_same(
    cli: Any, cfg: Path, foreign: PyTorchYolov3, holder: str, prefix: str
) -> None:
    state: Any = OrderedDict((prefix + name, value) for name, value in foreign.state_dict().items())
    torch.save(
        {holder: state, "epoch": 3, "optimizer": {"lr": 0.1}} if holder else state, cfg.with_suffix(".pt")
    )
    assert cli("convert", cfg.with_suffix(".pt"), cfg.with_suffix(".weights"), "--cfg", cfg)[0] == 0
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        ours, theirs = load(cfg, cfg.with_suffix(".weights"))(images)[0], foreign(images)
    assert float((ours - theirs).abs().max()) <= 1e-6 * float(theirs.abs().max())


def test_half_precision_is_widened_and_named(cli: Any, cfg: Path, foreign: PyTorchYolov3) -> None:
    state = {name: value.half() for name, value in foreign.state_dict().items()}
    torch.save(state, cfg.with_suffix(".pt"))
    code, out, _ = cli("convert", cfg.with_suffix(".pt"), cfg.with_suffix(".weights"), "--cfg", cfg)
    assert code == 0
    assert "12 arrays of half precision became float32" in out


class Canary:
    """Unpickling it would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("inside", [False, True])
def test_code_in_a_pickle_never_runs(
    cli: Any, cfg: Path, foreign: PyTorchYolov3, tmp_path: Path, inside: bool
) -> None:
    canary = tmp_path / "canary"
    value = {**foreign.state_dict(), "extra": Canary(canary)} if inside else Canary(canary)
    torch.save(value, cfg.with_suffix(".pt"))
    code, _, err = cli("convert", cfg.with_suffix(".pt"), cfg.with_suffix(".weights"), "--cfg", cfg)
    assert code == 3
    assert "holds Python objects, which are not loaded" in err
    assert not canary.exists()
    assert not cfg.with_suffix(".weights").exists()


def test_a_state_dict_of_another_cfg_is_refused_by_shape(cli: Any, cfg: Path, foreign: PyTorchYolov3) -> None:
    torch.save(foreign.state_dict(), cfg.with_suffix(".pt"))
    edits = ("--set", "3.filters=18,4.classes=1")
    code, _, err = cli("convert", cfg.with_suffix(".pt"), cfg.with_name("x.weights"), "--cfg", cfg, *edits)
    assert code == 3
    assert err == (
        f"{cfg.with_suffix('.pt')}: error: `module_list.3.conv_3.bias` has the shape (21,); "
        "layer 3 [convolutional] (cfg line 26) takes (18,)\n   = it is another cfg's\n"
    )


def test_names_that_do_not_say_their_layer_are_not_guessed(
    cli: Any, cfg: Path, foreign: PyTorchYolov3
) -> None:
    state = {f"down.{n}": value for n, value in enumerate(foreign.state_dict().values())}
    torch.save(state, cfg.with_suffix(".pt"))
    code, _, err = cli("convert", cfg.with_suffix(".pt"), cfg.with_suffix(".weights"), "--cfg", cfg)
    assert code == 3
    assert "has names of no known implementation (`down.0`, `down.1`, `down.2`, ...)" in err


def test_an_archive_that_unpacks_to_gigabytes_is_refused_before(cli: Any, cfg: Path) -> None:
    with zipfile.ZipFile(cfg.with_suffix(".pt"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(80 << 20))
    code, _, err = cli("convert", cfg.with_suffix(".pt"), cfg.with_suffix(".weights"), "--cfg", cfg)
    assert code == 3
    assert "`a/data.pkl` in it is compressed, which PyTorch does not do" in err


def test_every_cut_of_a_safetensors_file_is_one_message(cli: Any, cfg: Path, weights: Path) -> None:
    target = weights.with_suffix(".safetensors")
    cli("convert", weights, target, "--cfg", cfg)
    data = target.read_bytes()
    for end in np.linspace(0, len(data) - 1, 40).astype(int):
        target.write_bytes(data[:end])
        code, _, err = cli("convert", target, weights.with_name("x.weights"), "--cfg", cfg)
        assert code == 3, end
        assert err.startswith(str(target)), end
        assert "Traceback" not in err


def test_a_cfg_that_was_changed_in_the_metadata_is_noticed(cli: Any, cfg: Path, weights: Path) -> None:
    target = weights.with_suffix(".safetensors")
    cli("convert", weights, target, "--cfg", cfg)
    target.write_bytes(target.read_bytes().replace(b"filters=8", b"filters=9"))
    code, _, err = cli("convert", target, weights.with_name("x.weights"))
    assert code == 3
    assert "the cfg in its metadata does not have the digest beside it" in err


def test_other_types_and_shapes_are_named(cli: Any, cfg: Path, weights: Path) -> None:
    target = weights.with_suffix(".safetensors")
    cli("convert", weights, target, "--cfg", cfg)
    data = target.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    for old, new, message in (
        (b'"F32","shape":[21]', b'"F16","shape":[42]', "`3.convolutional.biases` is of type F16; float32"),
        (b"[8,4,3,3]", b"[4,8,3,3]", "has the shape [4, 8, 3, 3]; the network's is [8, 4, 3, 3]"),
    ):
        target.write_bytes(data[:8] + data[8 : 8 + size].replace(old, new) + data[8 + size :])
        code, _, err = cli("convert", target, weights.with_name("x.weights"))
        assert code == 3
        assert message in err
