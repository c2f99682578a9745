"""Property. Oracle: an evaluation by one thread; and how large the batches are that an engine gets."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import cv2
import numpy as np
import pytest

from darknet_py import compile
from darknet_py.tasks.api import evaluate_network, open_in_network_order
from darknet_py.tasks.base import EvaluationSettings

CFG = """[net]
width=32
height=32
channels=3
[convolutional]
filters=26
size=8
stride=8
activation=linear
[yolo]
anchors=4,4, 8,8
num=2
classes=8
"""


CLASSIFIER = "[net]\nwidth=8\nheight=8\nchannels=3\n[connected]\noutput=3\n[softmax]\n"


class Counted:
    """An engine whose maps depend on the image alone, and which counts images."""

    name, device = "counted", "cpu"

    def __init__(self, callers: int, cfg: str = CFG) -> None:
        self.graph, self.callers, self.lock = compile(cfg), callers, Lock()
        self.batches: list[int] = []

    def __call__(self, images: np.ndarray) -> list[np.ndarray]:
        with self.lock:
            self.batches.append(len(images))
        draws = [np.random.default_rng(int(image.sum())) for image in images]
        shape = self.graph[self.graph.raw_outputs[0]].shape
        size = (shape.channels, shape.height, shape.width)
        return [np.stack([draw.normal(0, 1, size).astype(np.float32) for draw in draws])]


@pytest.mark.parametrize(
    ("callers", "images", "batches"), [(1, 7, [7]), (2, 7, [4, 3]), (4, 7, [2, 2, 2, 1]), (2, 20, [8, 8, 4])]
)
def test_images_are_shared_out_and_the_figures_are_the_same(
    callers: int, images: int, batches: list[int]
) -> None:
    one, several = Counted(1), Counted(callers)
    data = open_in_network_order(one.graph, f"scenes:train=2,val={images},size=96", "val", names=None)
    found = [
        evaluate_network(each, data, EvaluationSettings(batch=8), progress=lambda done, total: None)
        for each in (one, several)
    ]
    assert sorted(several.batches, reverse=True) == batches
    assert found[0].detections == found[1].detections
    assert len(found[0].detections) > 10 * images
    assert found[0].to_json() == found[1].to_json()


@pytest.mark.parametrize(("callers", "batch", "batches"), [(2, 8, [5, 4]), (4, 2, [2, 2, 2, 2, 1])])
def test_images_of_a_classifier_are_shared_out_too(
    tmp_path: Path, callers: int, batch: int, batches: list[int]
) -> None:
    draw = np.random.default_rng(0)
    for number in range(18):
        path = tmp_path / ("train", "val")[number % 2] / "abc"[number // 2 % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), draw.integers(0, 256, (12, 9 + number, 3), np.uint8))
    one, several = Counted(1, CLASSIFIER), Counted(callers, CLASSIFIER)
    data = open_in_network_order(one.graph, str(tmp_path), "val", names=None)
    found = []
    for each in (one, several):
        steps: list[int] = []
        settings = EvaluationSettings(batch=batch)
        found.append(
            evaluate_network(
                each, data, settings, progress=lambda done, total, steps=steps: steps.append(done)
            )
        )
        assert steps == sorted(steps)
        assert steps[-1] == 9
    assert sorted(several.batches, reverse=True) == batches
    assert found[0].to_json() == found[1].to_json()
