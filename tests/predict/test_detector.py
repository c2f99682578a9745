"""Story and golden: detections in the pixels of each image, and Darknet's own from Darknet's own input."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
import torch

from darknet_py.boxes import clip
from darknet_py.errors import UsageError
from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
from darknet_py.predict.decode import candidates
from darknet_py.predict.detections import Detections
from darknet_py.predict.letterbox import Fit
from darknet_py.predict.nms import NmsSettings, nms
from darknet_py.scoring.coco import coco_results
from tests.fake_engine import FakeEngine
from tests.paths import SHARED

INF, NAN = float("inf"), float("nan")


def seeing(rows: list[list[float]], **net: int) -> FakeEngine:
    """An engine that sees `rows` (B, 5 + K) in every image."""
    return FakeEngine(lambda image: np.array(rows), **{"height": 32, "width": 64, **net})


def black(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def test_boxes_come_back_in_the_pixels_of_each_image_in_order():
    network = seeing([[0.5, 0.5, 0.5, 1.5, 1.0, 0.9]])
    found = list(
        BatchDetector(network, DetectorSettings(batch=2)).detect(
            black(*size) for size in ((10, 20), (30, 40), (50, 60))
        )
    )
    assert [each.boxes_xyxy.tolist() for each in found] == [
        [[5, 0, 15, 10]],
        [[10, 0, 30, 30]],
        [[15, 0, 45, 50]],
    ]
    assert network.shapes == [(2, 3, 32, 64), (1, 3, 32, 64)]


def test_a_letterboxed_image_has_its_boxes_back_too():
    network = seeing([[0.5, 0.5, 0.25, 0.5, 1.0, 0.9]], letter_box=True)
    (found,) = BatchDetector(network).detect([black(100, 100)])  # covers the middle 32 of 64 columns
    assert found.boxes_xyxy.tolist() == [[25, 25, 75, 75]]


def test_images_are_read_a_batch_ahead_and_no_more():
    read = []
    images = (read.append(n) or black(8, 8) for n in range(9))
    next(BatchDetector(seeing([[0.5] * 6]), DetectorSettings(batch=3)).detect(images))
    assert read == [0, 1, 2]


def test_a_grey_network_is_given_grey_images():
    network = seeing([[0.5] * 6], channels=1)
    list(BatchDetector(network).detect([black(8, 8)]))
    assert network.shapes == [(1, 1, 32, 64)]


def test_I01_what_is_not_finite_is_counted_and_the_rest_found():
    rows = [[NAN, 0.5, 0.1, 0.1, 1.0, 1.0], [0.5, 0.5, INF, 0.1, 1.0, 1.0], [0.5, 0.5, 0.1, 0.1, 0.8, 0.8]]
    (found,) = BatchDetector(seeing(rows)).detect([black(8, 8)])
    assert found.scores.tolist() == [pytest.approx(0.64)]
    assert found.dropped == 2


@pytest.mark.parametrize("value", [-0.1, 1.1, NAN, INF])
@pytest.mark.parametrize("name", ["threshold", "nms"])
def test_a_threshold_out_of_range_is_refused(name, value):
    with pytest.raises(UsageError) as error:
        DetectorSettings(**{name: value})
    assert str(error.value) == f"error: {name} is {value}, and must lie in 0..1"


def test_a_batch_of_nothing_and_a_network_without_heads_are_refused():
    with pytest.raises(UsageError, match="batch is 0, and must be at least 1"):
        DetectorSettings(batch=0)
    network = seeing([[0.5] * 6])
    network.heads = ()
    with pytest.raises(UsageError, match="the network has no head"):
        BatchDetector(network)


def test_heads_of_different_classes_are_refused():
    network = seeing([[0.5] * 6], classes=2)
    network.heads = (16, 23)
    heads = (network, seeing([[0.5] * 6], classes=80))
    network.__class__ = type("TwoHeads", (FakeEngine,), {"head_layers": heads})
    with pytest.raises(UsageError) as caught:
        BatchDetector(network)
    assert str(caught.value) == (
        "error: layer 16 has 2 classes, and layer 23 has 80\n"
        "   = a label is one class: set the same `classes` in every head"
    )


def test_the_unit_of_nms_matters_to_greedynms_alone():
    rows = [[0.50, 0.5, 0.4, 0.4, 1.0, 0.9], [0.54, 0.5, 0.4, 0.4, 1.0, 0.8]]
    network = seeing(rows)
    counts = {}
    for network.nms_kind in ("default", "greedynms"):
        for relative in (True, False):
            detector = BatchDetector(network, DetectorSettings(nms=0.77, relative=relative))
            counts[network.nms_kind, relative] = len(next(detector.detect([black(20, 400)])))
    assert counts["default", True] == counts["default", False] == 1
    assert (counts["greedynms", True], counts["greedynms", False]) == (1, 2)


@pytest.mark.parametrize("model", ["yolo-fastest-1.1", "yolo-fastest-1.1-xl"])
@pytest.mark.parametrize("image", [139, 632])
def test_darknets_input_gives_darknets_detections(model, image):
    # AlexeyAB's Darknet, commit 59596d7, `detector valid`: stretched, threshold .001, greedynms .6 in pixels.
    golden = SHARED / f"golden/whole/{model}-{image:012d}-stretch.npz"
    if not golden.exists():
        pytest.skip(f"no {golden}")
    from darknet_py.model.network import Network
    from darknet_py.model.weights import load_weights

    network = Network.from_cfg(SHARED / f"weights/{model}.cfg").eval()
    load_weights(network, SHARED / f"weights/{model}.weights")
    annotations = SHARED / "data/coco-mini/annotations/instances_val2017.json"
    truth = json.loads(annotations.read_text())
    size = next((entry["height"], entry["width"]) for entry in truth["images"] if entry["id"] == image)
    fit = Fit.stretch(size, (network.graph.net.height, network.graph.net.width))
    with torch.inference_mode():
        raws = network(torch.from_numpy(np.load(golden, allow_pickle=False)["input"]))
    (found,) = candidates(network.graph, [raw.numpy() for raw in raws], threshold=0.001)
    boxes = fit.to_pixels(fit.correct(found.boxes_cxcywh_fraction))
    kept = nms(boxes, found.scores, NmsSettings(threshold=0.6, kind="greedynms"))
    kept = Detections(clip(kept.boxes_xyxy, size), kept.scores, kept.labels)
    ours = coco_results(kept, image, sorted(entry["id"] for entry in truth["categories"]))

    packed = (SHARED / f"golden/whole/darknet-detections-{model}.json.gz").read_bytes()
    recorded = json.loads(gzip.decompress(packed))
    theirs = [entry for entry in recorded if entry["image_id"] == image]
    assert np.allclose(rows(ours), rows(theirs), atol=2e-3)


def rows(results: list[dict]) -> np.ndarray:
    """Category, score and box of each, in an order that rounding does not disturb."""
    found = [[each["category_id"], round(each["bbox"][0]), each["score"], *each["bbox"]] for each in results]
    return np.array(sorted(found))
