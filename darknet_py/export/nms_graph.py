"""An ONNX graph that ends in boxes: the raw maps decoded, and ONNX's NonMaxSuppression.

| output      | shape  | content                                         |
|-------------|--------|-------------------------------------------------|
| boxes_xyxy  | (M, 4) | left, top, right, bottom in pixels of the input |
| scores     | (M,)   | objectness * class, above the threshold                     |
| labels     | (M,)   | int64, the class                                            |
| image_index | (M,)  | int64, which image of the batch                             |

M is the number of detections of all images. They are sorted by image, then label, then descending score. A
box counts for each class whose score is above the threshold, as in Darknet. NonMaxSuppression measures IoU,
so `nms_kind=greedynms` and `diounms` are not what the file computes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from darknet_py.cfg.diagnostics import CfgError, Refused
from darknet_py.export.names import IMAGES
from darknet_py.export.onnx_graph import OnnxNetwork, identity
from darknet_py.layers.heads.head import Head
from darknet_py.layers.onnx_form import declares
from darknet_py.onnx_ops.encoding import FLOAT, INT64, Value
from darknet_py.onnx_ops.head import Boxes
from darknet_py.onnx_ops.nodes import GraphNodes, Nodes

if TYPE_CHECKING:
    from darknet_py.graph.graph import Graph

PER_CLASS = 5_000  # detections of one class and image, as in `predict.nms`
PLAIN = ("default", "cornersnms")  # kinds that measure the IoU alone
OUTPUTS = ("boxes_xyxy", "scores", "labels", "image_index")
ALL_BOXES, ALL_SCORES = "all_boxes_xyxy", "all_scores"  # tensors (N, B, 4) and (N, K, B) before suppression


def with_nms(network: OnnxNetwork, graph: Graph, *, threshold: float, nms: float) -> OnnxNetwork:
    """The network with detections as outputs, in place of raw maps.

    Args:
        threshold: of the objectness and of each score, 0..1.
        nms: IoU above which the weaker of two boxes of a class is left out, 0..1.

    Raises:
        CfgError: with every head whose boxes have no ONNX form.
    """
    built = GraphNodes()
    boxes, scores, objectness = _all_boxes(network, graph, built)
    for name, tensor in ((ALL_BOXES, boxes), (ALL_SCORES, scores)):
        built.nodes.append(identity(tensor, name))
    nodes = Nodes(built, "nms", [graph.image])
    likely = nodes.add("Greater", objectness, nodes.constant(threshold))
    scores = nodes.add("Where", likely, scores, nodes.constant(0))
    limits = nodes.integers(PER_CLASS), nodes.constant([nms]), nodes.constant([threshold])
    kept = nodes.add("NonMaxSuppression", boxes, scores, *limits)
    image, label, box = (
        nodes.add("Squeeze", part, nodes.integers(1))
        for part in nodes.add_many("Split", 3, kept, nodes.integers(1, 1, 1), axis=1)
    )
    pair = nodes.add("Concat", *(nodes.add("Unsqueeze", x, nodes.integers(1)) for x in (image, box)), axis=1)
    results = (nodes.add("GatherND", boxes, pair), nodes.add("GatherND", scores, kept), label, image)
    for name, tensor in zip(OUTPUTS, results, strict=True):
        built.nodes.append(identity(tensor, name))
    kinds, ranks = (FLOAT, FLOAT, INT64, INT64), (2, 1, 1, 1)
    return replace(
        network,
        nodes=[*network.nodes, *built.nodes],
        constants={**network.constants, **built.constants},
        weights={**network.weights, **built.weights},
        results=[
            Value(name, [None] * rank, kind) for name, kind, rank in zip(OUTPUTS, kinds, ranks, strict=True)
        ],
    )


def _all_boxes(network: OnnxNetwork, graph: Graph, built: GraphNodes) -> tuple[str, str, str]:
    """Of all heads: boxes_xyxy (N, B, 4), scores (N, K, B), objectness (N, 1, B)."""
    found: list[Boxes] = []
    refused = []
    for index, head, raw in zip(graph.heads, graph.head_layers, network.outputs, strict=True):
        nodes = Nodes(built, f"head_{index}/boxes", [graph[index].shape])
        try:
            own = declares(type(head), "onnx_boxes", ("decode", "predictions"))
            form = head.onnx_boxes if own else partial(Head.onnx_boxes, head)  # the latter refuses
            found.append(form(nodes, raw, IMAGES))
        except Refused as refusal:
            refused.append(graph.document.locate(refusal.complaint, graph[index].span))
    if refused:
        raise CfgError(refused)
    nodes = Nodes(built, "boxes", [graph.image])
    boxes, objectness, classes = (
        nodes.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
        for parts in zip(*found, strict=True)
    )
    centres, sizes = nodes.add_many("Split", 2, boxes, nodes.integers(2, 2), axis=2)
    half = nodes.add("Mul", sizes, nodes.constant(0.5))
    corners = nodes.add("Sub", centres, half), nodes.add("Add", centres, half)
    scores = nodes.add("Transpose", nodes.add("Mul", objectness, classes), perm=[0, 2, 1])
    sure = nodes.add("Transpose", objectness, perm=[0, 2, 1])
    return nodes.add("Concat", *corners, axis=2), scores, sure
