"""Golden. Oracle: outputs recorded from AlexeyAB's Darknet (tests/golden/README.md), every layer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights
from tests.paths import GOLDEN

FOLDER = GOLDEN / "layers"
CASES = sorted(path.stem for path in FOLDER.glob("*.npz"))
TOLERANCE = 1e-5  # of the layer's greatest absolute value


def difference(mine: np.ndarray, darknet: np.ndarray) -> float:
    """The greatest difference over the greatest absolute value."""
    scale = max(float(np.abs(darknet).max()), 1e-30)
    return float(np.abs(mine.reshape(darknet.shape).astype(np.float64) - darknet).max()) / scale


@pytest.mark.parametrize("case", CASES)
def test_every_layer_computes_what_darknet_computed(case: str, tmp_path: Path) -> None:
    with np.load(FOLDER / f"{case}.npz", allow_pickle=False) as recorded:
        network = Network(compile(parse(str(recorded["cfg"]))))
        file = tmp_path / "net.weights"
        file.write_bytes(recorded["weights"].tobytes())
        load_weights(network, file)
        with torch.inference_mode():
            maps = network.eval().trace(torch.from_numpy(recorded["input"]))
        table = json.loads(str(recorded["table"]))
        assert len(maps) == len(table)
        for index, mine in enumerate(maps):
            darknet = recorded[f"layer_{index:03d}"]
            assert difference(mine.numpy(), darknet) <= TOLERANCE, f"layer {index}"


def test_there_are_87_cases() -> None:
    assert len(CASES) == 87
