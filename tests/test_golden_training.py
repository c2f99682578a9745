"""Golden. Oracle: whole training steps recorded from AlexeyAB's Darknet (tests/golden/README.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.network import Network
from darknet_py.train.loss import yolo_loss
from darknet_py.train.schedule import learning_rate
from darknet_py.train.step import Trainer
from darknet_py.train.truths import Truths
from darknet_py.weights import load_weights, save_weights

GOLDEN = Path(__file__).parent / "golden" / "training"
CASES = sorted(path.stem for path in GOLDEN.glob("*.npz"))
ITERATIONS = 10


def truths_of(rows: np.ndarray) -> Truths:
    """The lists of some images; they end at the first x of 0."""
    return Truths.of([image[: int(np.argmax(np.append(image[:, 0], 0) == 0)), :5] for image in rows])


def relative(mine: np.ndarray, darknet: np.ndarray) -> float:
    return float(np.abs(mine.astype(np.float64) - darknet).max() / np.abs(darknet).max())


def train(
    recorded: np.lib.npyio.NpzFile, tmp_path: Path, text: str
) -> tuple[np.ndarray, list[float], list[float]]:
    """Ten iterations: the weights, and the losses and rates that we report."""
    network = Network(compile(parse(text)))
    file = tmp_path / "net.weights"
    file.write_bytes(recorded["weights_before"].tobytes())
    load_weights(network, file)
    trainer, losses, rates = Trainer(network), [], []
    for iteration in range(1, ITERATIONS + 1):
        rates.append(learning_rate(network.graph.net, iteration))
        losses.append(
            trainer.step(torch.from_numpy(recorded["images"]), truths_of(recorded["truths"]), rate=rates[-1])
        )
    save_weights(network, file)
    return np.frombuffer(file.read_bytes()[20:], "<f4"), losses, rates


@pytest.mark.parametrize("case", CASES)
def test_the_delta_is_darknets(case: str) -> None:
    with np.load(GOLDEN / f"{case}.npz", allow_pickle=False) as recorded:
        graph = compile(parse(str(recorded["cfg"])))
        layer, net = graph[graph.heads[0]].layer, graph.net
        output = torch.from_numpy(recorded["yolo_output_iteration1_last_minibatch"])
        n = len(output)
        raw = output.clone().view(n, len(layer.mask), layer.entries, *output.shape[2:])
        raw[:, :, :2] = (raw[:, :, :2] + 0.5 * (layer.scale_x_y - 1)) / layer.scale_x_y
        if not layer.new_coords:
            raw[:, :, :2] = raw[:, :, :2].double().logit().float()
            raw[:, :, 4:] = raw[:, :, 4:].double().logit().float()
        found = yolo_loss(
            layer, raw.view_as(output), truths_of(recorded["truths"][-n:]), (net.height, net.width)
        )
        assert relative(found.delta.numpy(), recorded["yolo_delta_iteration1_last_minibatch"]) <= 1e-5


@pytest.mark.parametrize("case", CASES)
def test_ten_iterations_are_darknets(case: str, tmp_path: Path) -> None:
    with np.load(GOLDEN / f"{case}.npz", allow_pickle=False) as recorded:
        weights, losses, rates = train(recorded, tmp_path, str(recorded["cfg"]))
        darknet = np.frombuffer(recorded["weights_after_10"].tobytes()[20:], "<f4")
        assert relative(np.array(rates), recorded["learning_rate"]) <= 1e-6
        assert relative(np.array(losses), recorded["loss"]) <= 1e-5
        assert relative(weights, darknet) <= 2e-6


def test_without_weight_decay_the_weights_miss_darknets(tmp_path: Path) -> None:
    """A control: the bound above can fail."""
    with np.load(GOLDEN / "objsmooth.npz", allow_pickle=False) as recorded:
        weights, _, _ = train(recorded, tmp_path, str(recorded["cfg"]).replace("decay=0.0005", "decay=0"))
        darknet = np.frombuffer(recorded["weights_after_10"].tobytes()[20:], "<f4")
        assert relative(weights, darknet) > 2e-6
