"""Golden. Oracle: published weights on real images, recorded from AlexeyAB's Darknet.

They need the shared folder of weights and images beside the checkout, and are skipped without it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from darknet_py.data.formats.registry import open_data
from darknet_py.engines.torch_engine import TorchEngine
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights
from darknet_py.tasks.detection_evaluation import evaluate_detector
from tests.paths import ROOT, SHARED

WEIGHTS = SHARED / "weights"
PAIRS = {
    "yolov3-tiny": (ROOT / "cfg" / "yolov3-tiny.cfg", WEIGHTS / "yolov3-tiny.weights"),
    "yolo-fastest-1.1": (WEIGHTS / "yolo-fastest-1.1.cfg", WEIGHTS / "yolo-fastest-1.1.weights"),
    "yolo-fastest-1.1-xl": (WEIGHTS / "yolo-fastest-1.1-xl.cfg", WEIGHTS / "yolo-fastest-1.1-xl.weights"),
}
RECORDED = sorted((SHARED / "golden" / "whole").glob("*.npz")) if SHARED.is_dir() else []
DARKNET = {  # AP, AP50 of Darknet's own detections on the 128 validation images
    "yolov3-tiny": (0.2323, 0.4402),
    "yolo-fastest-1.1": (0.1672, 0.3522),
    "yolo-fastest-1.1-xl": (0.2304, 0.4261),
}
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs {SHARED.name}/ beside the checkout")


def published(name: str) -> Network:
    cfg, weights = PAIRS[name]
    network = Network.from_cfg(cfg)
    load_weights(network, weights)
    return network.eval()


@needs_shared
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_maps_of_published_weights_are_darknets(path: Path) -> None:
    name = max((n for n in PAIRS if path.stem.startswith(n)), key=len)
    with np.load(path, allow_pickle=False) as recorded, torch.inference_mode():
        image = torch.from_numpy(recorded["input"]).reshape(1, 3, *recorded["input"].shape[-2:])
        maps = published(name).trace(image)
        compared = 0
        for key in recorded.files:
            if not key.startswith("layer_") or key.endswith("_stats"):
                continue
            darknet, mine = recorded[key], maps[int(key.split("_")[1])].numpy()
            mine = mine.reshape(-1)[::997][: darknet.size] if key.endswith("997th") else mine.reshape(-1)
            worst = np.abs(mine - darknet.reshape(-1)).max() / np.abs(darknet).max()
            assert worst <= 1e-4, (key, worst)
            compared += 1
        assert compared >= 2


@needs_shared
@pytest.mark.parametrize("name", PAIRS)
def test_coco_figures_of_published_weights_are_darknets(name: str) -> None:
    data = open_data(str(SHARED / "data" / "coco-mini"), split="val")
    scores = evaluate_detector(TorchEngine(published(name)), data)
    assert scores.images == 128
    assert scores.ap == pytest.approx(DARKNET[name][0], abs=0.002)
    assert scores.ap50 == pytest.approx(DARKNET[name][1], abs=0.002)
