"""Story. Oracle: the boxes that were drawn; a small network of each head learns four pictures by heart."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from darknet_py.boxes import iou, xyxy_from_cxcywh
from darknet_py.losses.truths import Truths
from darknet_py.model.initialization import initialise
from darknet_py.predict.decode import candidates
from darknet_py.predict.nms import NmsSettings, nms
from darknet_py.train.schedule import learning_rate
from darknet_py.train.step import Trainer
from tests.layers.nets import network, section

SIZE, UPDATES, RATE = 64, 200, 0.003
NET = "batch=4\nadam=1\ndecay=0\neps=1e-8\nburn_in=20\npower=1\npolicy=poly\n"
NET += f"max_batches={UPDATES}\nlearning_rate={RATE}"
BODY = [
    section("convolutional", filters=16, size=3, stride=2, pad=1, activation="leaky", batch_normalize=1),
    section("convolutional", filters=32, size=3, stride=2, pad=1, activation="leaky", batch_normalize=1),
    section("convolutional", filters=32, size=3, stride=2, pad=1, activation="leaky", batch_normalize=1),
    section("convolutional", filters=48, size=3, pad=1, activation="leaky", batch_normalize=1),
]
COLOURS = torch.tensor([[0.9, 0.2], [0.2, 0.9], [0.1, 0.6]])
ANCHORED = {"num": 2, "classes": 2, "anchors": "16,16, 28,24", "iou_normalizer": 1}  # pixels
YOLOV2 = {"softmax": 1, "bias_match": 1, "rescore": 1, "object_scale": 5, "coord_scale": 5}
HEADS = {
    "Gaussian_yolo ciou": section("Gaussian_yolo", **ANCHORED, iou_loss="ciou", uc_normalizer=0.1),
    "Gaussian_yolo left_top": section("Gaussian_yolo", **ANCHORED, yolo_point="left_top"),
    "region": section("region", num=2, classes=2, anchors="2,2, 3.5,3", **YOLOV2),
}


def pictures():
    """Two bright boxes on grey in each picture, of two colours, and where they are."""
    rng = np.random.default_rng(3)
    images, rows = torch.full((4, 3, SIZE, SIZE), 0.3), []
    for image in images:
        boxes = []
        for label, left in ((0, 4), (1, 34)):
            w, h = rng.integers(12, 26, 2)
            x, y = left + rng.integers(0, 4), rng.integers(2, SIZE - h - 2)
            image[:, y : y + h, x : x + w] = COLOURS[:, label, None, None]
            boxes.append([(x + w / 2) / SIZE, (y + h / 2) / SIZE, w / SIZE, h / SIZE, label])
        rows.append(np.array(boxes, np.float32))
    return images, rows


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_four_pictures_are_learned_by_heart(head):
    entries = 11 if head.startswith("[Gaussian") else 7
    last = section("convolutional", filters=2 * entries, activation="linear")
    net = network(*BODY, last, head, shape=(3, SIZE, SIZE), net=NET)
    initialise(net, seed=1)
    images, rows = pictures()
    trainer, truths = Trainer(net), Truths.of(rows)
    for iteration in range(1, UPDATES + 1):
        trainer.step(images, truths, rate=learning_rate(net.graph.net, iteration), iteration=iteration)
    with torch.no_grad():
        found = candidates(net.graph, [raw.detach().numpy() for raw in net.eval()(images)], threshold=0.1)
    overlaps = []
    for one, boxes in zip(found, rows, strict=True):
        kept = nms(one.boxes_cxcywh_fraction, one.scores, NmsSettings())
        for *box, label in boxes.tolist():
            best = kept.boxes_xyxy[kept.labels == int(label)][:1]
            assert len(best), "a class that is not found"
            overlaps.append(float(iou(torch.from_numpy(best), xyxy_from_cxcywh(torch.tensor([box])))))
    assert min(overlaps) > 0.3
    assert np.mean(overlaps) > 0.7
