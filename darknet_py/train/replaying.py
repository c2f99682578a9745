"""Training on given tensors in Darknet's arithmetic: how a port proves itself."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from darknet_py.cfg.document import must_parse, read
from darknet_py.errors import UsageError
from darknet_py.lint.check import compile_checked
from darknet_py.losses.truths import Truths
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights, weights_bytes
from darknet_py.train.schedule import check_schedule, learning_rate
from darknet_py.train.step import Trainer


class Replay(NamedTuple):
    """What a replayed training gave.

    Args:
        loss: of each iteration, as Darknet prints it.
        learning_rate: of each iteration.
        weights: the bytes of a `.weights` file after the last one.
        deltas: for each head, -dLoss/d(its map), (minibatch, channels, height, width), at the last
            minibatch of iteration 1.
    """

    loss: list[float]
    learning_rate: list[float]
    weights: bytes
    deltas: list[np.ndarray]


def replay(
    cfg: str | Path,
    weights: str | Path,
    images: np.ndarray,
    truths: np.ndarray,
    iterations: int,
    *,
    seen: int = 0,
) -> Replay:
    """Train on the same images in every iteration, without augmentation.

    Args:
        images: (N, C, H, W) float32 in 0..1, one batch; computed in the cfg's subdivisions.
        truths: (N, T, 5 or more), rows x, y, w, h, class as fractions of the image; a list ends at the first
            x of 0.
        seen: images trained on before; the first iteration's number follows from it.

    Raises:
        CfgError, WeightsError: when the files cannot be used.
        UsageError: when the images have not the channels of the cfg.
        NotFinite: when an update would have been NaN.
    """
    network = Network(compile_checked(must_parse(read(cfg))))
    load_weights(network, weights)
    check_schedule(network.graph.net)
    trainer, batch, lists = (
        Trainer(network),
        _images_of(images, network.graph.net.channels),
        _truths_of(truths),
    )
    losses: list[float] = []
    rates: list[float] = []
    deltas: list[np.ndarray] = []
    first = seen // len(batch) + 1
    for iteration in range(first, first + iterations):
        rates.append(learning_rate(network.graph.net, iteration))
        found = trainer.step(batch, lists, rate=rates[-1], iteration=iteration)
        losses.append(found.loss)
        deltas = deltas or [delta.cpu().numpy() for delta in found.deltas]
    return Replay(losses, rates, weights_bytes(network, seen=seen + iterations * len(batch)), deltas)


def _images_of(images: np.ndarray, channels: int) -> torch.Tensor:
    if np.ndim(images) != 4 or np.shape(images)[1] != channels:
        shape = " x ".join(map(str, np.shape(images)))
        raise UsageError(f"images are N x {channels} x H x W for this cfg, and these are {shape}")
    return torch.from_numpy(np.asarray(images, np.float32))


def _truths_of(truths: np.ndarray) -> Truths:
    return Truths.of([rows[: int(np.argmax(np.append(rows[:, 0], 0) == 0)), :5] for rows in truths])
