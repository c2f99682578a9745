"""The summary of a graph: the table of `show`, and its JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.field import Field
from darknet_py.graph.graph import Graph, Node
from darknet_py.graph.lifetime import peak_floats
from darknet_py.graph.reach import fields, widest

HEAD = "      layer          reads     channels x height x width   stride      floats   BFLOPs   sees   at"


def as_json(graph: Graph) -> dict[str, Any]:
    """Layers and totals; the keys are stable."""
    layers = [_node_as_json(node, field) for node, field in zip(graph, fields(graph), strict=True)]
    return {"layers": layers, "total": totals_as_json(graph)}


def totals_as_json(graph: Graph) -> dict[str, Any]:
    """Size, cost, receptive field and memory of a network; the keys are stable."""
    return {
        **cost_as_json(graph.cost),
        "layers": len(graph),
        "input": [graph.net.channels, graph.net.height, graph.net.width],
        "reach": widest(graph),
        "weights_bytes": weights_bytes(graph),
        "peak_bytes": 4 * peak_floats(graph),
    }


def cost_as_json(cost: Cost) -> dict[str, int | float]:
    """Parameters and operations, under the keys that all our JSON uses."""
    return {
        "parameters": cost.parameters,
        "trainable": cost.trainable,
        "bflops": cost.bflops,
        "bflops_conv": cost.bflops_conv,
    }


def weights_bytes(graph: Graph) -> int:
    """The size of a `.weights` file: a header of 20 bytes, and float32 parameters."""
    return 20 + 4 * graph.cost.parameters


def _node_as_json(node: Node, field: Field) -> dict[str, Any]:
    return {
        "index": node.index,
        "section": node.layer.section,
        "reads": list(node.inputs),
        "shape": [node.shape.channels, node.shape.height, node.shape.width],
        "stride": [int(s) if s.denominator == 1 else float(s) for s in field.stride],
        **cost_as_json(node.cost),
        "reach": list(field.reach),
        "line": node.span.line,
    }


def table(graph: Graph) -> Iterator[str]:
    """The lines of the table: a row for each layer, and the totals."""
    yield HEAD
    for node, field in zip(graph, fields(graph), strict=True):
        yield _row(node, field)
    yield from _totals(graph)


def _row(node: Node, field: Field) -> str:
    reads = ", ".join("image" if i < 0 else str(i) for i in node.inputs)
    shape = f"{node.shape.channels:>5} x {node.shape.height:>3} x {node.shape.width:>3}"
    step = "/" + "x".join(dict.fromkeys(map(str, field.stride)))
    reach = "x".join(dict.fromkeys(map(str, field.reach)))
    floats = f"{node.cost.parameters:,}" if node.cost.parameters else "-"
    bflops = f"{node.cost.bflops:.3f}" if node.cost.bflops else "-"
    layer = f"{node.index:>3}   {node.layer.section:<14} {reads:<12} {shape:<25}"
    return f"{layer} {step:>6} {floats:>11} {bflops:>8} {reach:>6}   :{node.span.line}"


def _totals(graph: Graph) -> Iterator[str]:
    cost, reach, net = graph.cost, widest(graph), graph.net
    size, counted = f"{weights_bytes(graph):,} bytes", "1 MAC = 2 FLOPs"
    yield ""
    image = f"{net.width} x {net.height} x {net.channels} pixels (width x height x channels)"
    image = f"{net.inputs_:,} numbers that are no image" if net.flat else image
    yield f"{len(graph)} layers on {image}"
    yield f"floats   {cost.parameters:,} in the weights file ({size}), {cost.trainable:,} trained"
    yield f"BFLOPs   {cost.bflops:.3f} as AlexeyAB counts; {cost.bflops_conv:.3f} in convolutions ({counted})"
    yield f"sees     {reach[0]} x {reach[1]} pixels of the image, rows x columns, the head that sees most"
    yield f"memory   {4 * peak_floats(graph) / 2**20:.1f} MiB of maps at once for one image in float32"
