"""Property. Oracle: the state that was saved, and the bytes of the file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.errors import CheckpointError
from darknet_py.graph.compile import compile
from darknet_py.network import Network
from darknet_py.train.checkpoint import Position, load_checkpoint, save_checkpoint
from darknet_py.train.initialise import initialise
from darknet_py.train.step import Trainer
from darknet_py.train.truths import Truths

CFG = """[net]
width=16
height=16
channels=3
[convolutional]
batch_normalize=1
filters=18
size=3
stride=4
pad=1
activation=leaky
[convolutional]
filters=18
activation=linear
[yolo]
mask=0,1,2
anchors=4,4, 8,8, 16,16
classes=1
num=3
"""
HERE = Position(7, 123, 4.5, 0.25, {"cfg": "abc", "seed": 1})


def trained(seed: int, updates: int) -> Trainer:
    network = Network(compile(parse(CFG)))
    initialise(network, seed=seed)
    trainer = Trainer(network)
    for iteration in range(1, updates + 1):
        images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(iteration))
        trainer.step(images, Truths.of([TRUTH, TRUTH]), rate=0.01, iteration=iteration)
    return trainer


TRUTH = torch.tensor([[0.5, 0.5, 0.5, 0.5, 0]]).numpy()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "c.safetensors", trained(0, 3), HERE)
    return tmp_path / "c.safetensors"


def test_what_is_loaded_goes_on_like_what_was_saved(file: Path) -> None:
    whole, other = trained(0, 5), trained(9, 1)
    assert load_checkpoint(file, other, HERE.fingerprint) == HERE
    for iteration in (4, 5):
        images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(iteration))
        other.step(images, Truths.of([TRUTH, TRUTH]), rate=0.01, iteration=iteration)
    for key, value in whole.network.state_dict().items():
        assert torch.equal(value, other.network.state_dict()[key]), key


def test_a_checkpoint_of_another_run_is_refused_and_says_what_differs(file: Path) -> None:
    with pytest.raises(CheckpointError, match="is of another run: seed differ"):
        load_checkpoint(file, trained(0, 0), {"cfg": "abc", "seed": 2})


def test_every_truncation_is_refused(file: Path) -> None:
    whole, trainer = file.read_bytes(), trained(0, 0)
    for length in range(0, len(whole), 97):
        file.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            load_checkpoint(file, trainer, HERE.fingerprint)


def test_a_flipped_bit_in_a_tensor_is_refused(file: Path) -> None:
    whole, trainer = bytearray(file.read_bytes()), trained(0, 0)
    before = {key: value.clone() for key, value in trainer.network.state_dict().items()}
    for place in range(len(whole) - 4000, len(whole), 131):
        whole[place] ^= 1 << place % 8
        file.write_bytes(whole)
        with pytest.raises(CheckpointError, match="damaged"):
            load_checkpoint(file, trainer, HERE.fingerprint)
        whole[place] ^= 1 << place % 8
    assert all(torch.equal(value, before[key]) for key, value in trainer.network.state_dict().items())


def test_statistics_settle_within_twenty_iterations() -> None:
    trainer = trained(0, 0)
    images = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    for iteration in range(1, 21):
        trainer.step(images, Truths.of([TRUTH] * 8), rate=0.0, iteration=iteration)
    block = trainer.network.layers[0]
    with torch.no_grad():
        map_ = block.conv(images)
    assert torch.allclose(block.norm.running_mean, map_.mean(dim=(0, 2, 3)), rtol=1e-4, atol=1e-6)
    assert torch.allclose(block.norm.running_var, map_.var(dim=(0, 2, 3)), rtol=1e-4)
