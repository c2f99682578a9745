"""Detects, draws, evaluates and scores where torch cannot be imported; `test_without_torch.py` runs it."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

import darknet_py
import darknet_py.cli.detect
import darknet_py.predict.detector
import darknet_py.scoring.score
from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
from darknet_py.predict.detect_files import detect_files
from darknet_py.predict.names import class_names

NET = "[net]\nwidth={0}\nheight={0}\nchannels=3\n"
CONV = "[convolutional]\nfilters=26\nsize=4\nstride=4\nactivation=linear\n"
HEAD = "[yolo]\nanchors=4,4, 8,8\nnum=2\nclasses=8\nnms_kind=greedynms\n"
CLASSIFIER = NET.format(8) + "[connected]\noutput=2\n[softmax]\n"


class Noise:
    """An engine that draws its raw maps."""

    name, device = "noise", "cpu"

    def __init__(self, graph):
        self.graph = graph

    def __call__(self, images):
        draw = np.random.default_rng(len(images))
        shapes = [self.graph[at].shape for at in self.graph.raw_outputs]
        return [
            draw.normal(0, 1, (len(images), s.channels, s.height, s.width)).astype(np.float32) for s in shapes
        ]


def evaluated(graph, data):
    from darknet_py.tasks.api import evaluate_network, open_in_network_order
    from darknet_py.tasks.base import EvaluationSettings

    dataset = open_in_network_order(graph, data, "val", names=None)
    return evaluate_network(Noise(graph), dataset, EvaluationSettings(), progress=lambda done, total: None)


detector = darknet_py.compile(NET.format(32) + CONV + HEAD)
pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
cv2.imwrite("a.jpg", pixels)
ready = BatchDetector(Noise(detector), DetectorSettings(threshold=0.1), names=class_names(8))
(entry,) = detect_files(ready, [Path("a.jpg")], out=Path("out"))
assert entry["detections"]
assert Path("out/a.jpg").stat().st_size > 100
assert "PIL.Image" not in sys.modules  # a plain JPEG does without

found = evaluated(detector, "scenes:train=2,val=3,size=96")
assert found.images == 3
assert len(found.detections) > 10

for place in ("train/x", "train/y", "val/x", "val/y"):
    Path(place).mkdir(parents=True)
    cv2.imwrite(f"{place}/1.png", pixels)
shares = evaluated(darknet_py.compile(CLASSIFIER), ".")
assert shares.images == 2
assert shares.top1 in (0, 0.5, 1)
