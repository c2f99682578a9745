"""The smallest trainer there is, a few updates old: what tests of checkpoints save and load."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.losses.truths import Truths
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.runs.checkpoint import DIGEST_BYTES, Position, load_checkpoint, save_checkpoint
from darknet_py.runs.checkpoints import Checkpoints
from darknet_py.train.state import expected_of, restore, state_of
from darknet_py.train.step import Trainer

CFG = """[net]
width=16
height=16
channels=3
{net}
[convolutional]
batch_normalize=1
filters=4
size=3
stride=4
pad=1
activation=leaky
[convolutional]
filters=6
activation=linear
[yolo]
mask=0
anchors=8,8
classes=1
num=1
"""
TRUTH = np.array([[0.5, 0.5, 0.5, 0.5, 0]])
IDENTITY: dict[str, Any] = {
    "fingerprint": {"cfg": "abc", "seed": 1},
    "environment": {"torch": "2", "threads": 1},
}


def position(iteration: int = 7, **other: Any) -> Position:
    facts = {"log_bytes": 123, "seconds": 4.5, "average": 0.25, "best": None} | IDENTITY
    return Position(**{"iteration": iteration} | facts | other)


def update(trainer: Trainer, iteration: int) -> None:
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(iteration))
    trainer.step(images, Truths.of([TRUTH, TRUTH]), rate=0.01, iteration=iteration)


def trained(seed: int, updates: int, *, net: str = "") -> Trainer:
    network = Network(compile(parse(CFG.format(net=net))))
    initialise(network, seed=seed)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainer = Trainer(network)
    for iteration in range(1, updates + 1):
        update(trainer, iteration)
    return trainer


def state(trainer: Trainer) -> dict[str, bytes]:
    """All that a checkpoint holds of a trainer."""
    return {key: tensor.numpy().tobytes() for key, tensor in state_of(trainer).items()}


def save_trainer(path: Path, trainer: Trainer, position: Position) -> None:
    save_checkpoint(path, state_of(trainer), position)


def with_digest(contents: bytes | bytearray) -> bytes:
    """A checkpoint's bytes with the digest that fits them."""
    data = bytes(contents[:-DIGEST_BYTES])
    return data + hashlib.sha256(data).digest()


def load_trainer(
    path: Path, trainer: Trainer, wanted: Position, *, allow_changed: Sequence[str] = ()
) -> Position:
    """Fill a trainer from a checkpoint; where the file is refused, it stays as it was."""
    position, tensors = load_checkpoint(path, expected_of(trainer), wanted, allow_changed=allow_changed)
    restore(trainer, tensors)
    return position


def load_newest(folder: Checkpoints, trainer: Trainer, wanted: Position) -> Position | None:
    """Fill a trainer from the newest complete checkpoint of a folder."""
    found = folder.load(expected_of(trainer), wanted)
    if found is None:
        return None
    restore(trainer, found[1])
    return found[0]
