"""Parity: maps computed by onnxruntime are torch's, and the figures behind are those of `eval`."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from darknet_py.analysis.attribution import prefix
from darknet_py.analysis.attribution.changes import unchanged
from darknet_py.analysis.attribution.effects import Effects
from darknet_py.analysis.attribution.kept_maps import KeptMaps
from darknet_py.analysis.attribution.measure import Attribution
from darknet_py.analysis.attribution.prefix import maps_function, needed_part
from darknet_py.edit.variant import compile_variant
from darknet_py.engines.torch_engine import engine_of_copy
from darknet_py.errors import UsageError
from darknet_py.export.onnx_graph import onnx_graph
from darknet_py.model.adapt.parameters import named_arrays
from darknet_py.model.network import Network
from darknet_py.predict.detections import Detections
from darknet_py.progress import no_progress
from darknet_py.scoring.coco import coco_results
from darknet_py.scoring.tables import TruthTable, detection_table, table_of_arrays
from darknet_py.tasks.api import evaluate_network
from darknet_py.tasks.base import EvaluationSettings
from darknet_py.tasks.detection_evaluation import DetectionEvaluation
from tests.attribution.planted import Planted

CFG = "demo/yolov3-tiny-spp@net.width=96,net.height=96"
LAYERS = [[-1], [0], [-1, 3, 8, 13], [25], [14, 19]]


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return Network(compile_variant(CFG)).eval()


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("has_onnxruntime", [True, False])
def test_maps_before_a_layer_are_those_of_torch(
    layers: list[int], has_onnxruntime: bool, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_onnxruntime:

        def missing(name: str) -> None:
            raise UsageError(f"{name} is not installed")

        monkeypatch.setattr(prefix, "library", missing)
    images = np.random.default_rng(0).random((3, 3, 96, 96), np.float32)
    maps_of, _ = maps_function(network, layers)
    found = maps_of(images)
    with torch.inference_mode():
        expected = network.maps_of(torch.from_numpy(images), layers)
    assert sorted(found) == sorted(expected)
    for at, one in expected.items():
        assert float((found[at] - one).abs().max()) <= 1e-5 * float(one.abs().max()), at
        assert found[at].is_contiguous(memory_format=torch.channels_last), at


def test_nodes_behind_the_maps_are_left_out(network: Network) -> None:
    arrays = {
        n.index: {name: a.numpy() for name, a in named_arrays(network, n).items()} for n in network.graph
    }
    whole = onnx_graph(network.graph, arrays, outputs=[2])
    part = needed_part(whole)
    assert [node.kind for node in part.nodes if node.kind in ("Conv", "MaxPool")] == [
        "Conv",
        "MaxPool",
        "Conv",
    ]
    assert (
        sum(array.size for array in part.weights.values()) < sum(a.size for a in whole.weights.values()) / 10
    )


def test_rows_from_arrays_are_those_of_a_results_list() -> None:
    draw = np.random.default_rng(1)
    none, nothing = np.zeros(0, np.int64), np.zeros(0)
    truth = TruthTable(
        np.array([3, 5, 9]), np.array([7, 1, 4]), none, none, nothing, nothing, np.zeros(0, np.bool_)
    )
    rows, results = [], []
    for image, count in ((9, 40), (3, 0), (5, 17)):
        boxes_xywh = draw.random((count, 4), np.float32) * 640
        scores, labels = draw.random(count, np.float32), draw.integers(0, 3, count)
        xyxy = np.concatenate([boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]], axis=1)
        results += coco_results(Detections(xyxy, scores, labels), image, [7, 1, 4])
        exact = xyxy.astype(float)
        rows.append((image, np.hstack([exact[:, :2], exact[:, 2:] - exact[:, :2]]), scores, labels))
    found, expected = table_of_arrays(truth, rows, [7, 1, 4]), detection_table(truth, results)
    for name in ("images", "labels", "boxes_xywh", "scores"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name


def test_ap_from_kept_maps_is_that_of_an_evaluation() -> None:
    case = Planted.draw(1)
    attribution = Attribution(case.network, case.val, None)
    kept = KeptMaps(case.network, case.val, case.network.reads_from(3), count=len(case.val))
    found = attribution.detections_after(case.network, 3, kept, None, unchanged)
    engine = engine_of_copy(case.network, "cpu")
    expected = evaluate_network(engine, case.val, EvaluationSettings(), progress=no_progress)
    assert isinstance(expected, DetectionEvaluation)
    assert len(found.table.scores) == len(expected.detections) > 0
    assert np.allclose(np.sort(found.table.scores), sorted(one["score"] for one in expected.detections))
    assert Effects({"found": found.matches}).ap("found") == pytest.approx(expected.ap, abs=1e-9)
