"""Golden. Oracle: the names that were promised to others, and the recorded outputs of Darknet."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

import darknet_py
import darknet_py.train
from darknet_py import load
from tests.paths import GOLDEN

LAYERS = GOLDEN / "layers"


def test_the_public_names_are_these() -> None:
    assert sorted(darknet_py.__all__) == [
        "Detections", "Detector", "Network", "__version__", "compare", "compile", "evaluate", "export",
        "lint", "load", "open_data", "report", "train",
    ]  # fmt: skip
    assert set(darknet_py.__all__) <= set(dir(darknet_py))
    assert all(callable(getattr(darknet_py, name)) for name in darknet_py.__all__ if name != "__version__")
    assert darknet_py.train.__all__ == ["Replay", "replay"]
    assert darknet_py.train.Replay._fields == ("loss", "learning_rate", "weights", "deltas")


def test_load_reads_a_cfg_and_weights_and_is_ready_to_evaluate(tmp_path: Path) -> None:
    with np.load(LAYERS / "tiny-whole.npz", allow_pickle=False) as recorded:
        (tmp_path / "net.cfg").write_text(str(recorded["cfg"]))
        (tmp_path / "net.weights").write_bytes(recorded["weights"].tobytes())
        network = load(str(tmp_path / "net.cfg"), str(tmp_path / "net.weights"))
        images = torch.from_numpy(recorded["input"])
        assert not network.training
        with torch.inference_mode():
            raws, maps = network(images), network.trace(images)
        assert len(maps) == len(json.loads(str(recorded["table"])))
        assert [tuple(raw.shape) for raw in raws] == [tuple(maps[i].shape) for i in network.graph.heads]
        for index, mine in enumerate(maps):
            darknet = recorded[f"layer_{index:03d}"]
            assert np.abs(mine.numpy().reshape(darknet.shape) - darknet).max() <= 1e-5 * np.abs(darknet).max()


def test_weights_are_optional_and_shipped_cfgs_are_found_by_name() -> None:
    assert [tuple(raw.shape) for raw in load("demo/yolov3-tiny")(torch.zeros(1, 3, 160, 160))] == [
        (1, 39, 5, 5),
        (1, 39, 10, 10),
    ]


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, darknet_py; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
