"""Parity. Oracle: the bytes that the package onnx writes of the same messages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from darknet_py.cfg.shipped import open_cfg
from darknet_py.export.nms_graph import with_nms
from darknet_py.export.onnx_graph import OnnxNetwork, onnx_graph
from darknet_py.lint.check import compile_checked
from darknet_py.onnx_ops.encoding import FLOAT, OnnxNode, Value, external_tensor, graph_parts, model, tensor

ATTRIBUTES = {
    "whole": -3,
    "numpys": np.int64(2**40),
    "flag": True,
    "real": 0.1,
    "text": "größe",
    "wholes": [0, -1, 300, 2**62],
    "reals": (1, 2.5),
    "texts": ["a", ""],
    "array": np.ones((1, 2), np.float32),
}


def own(nodes: list[OnnxNode], tensors: list[bytes]) -> onnx.ModelProto:
    values = [Value("x", ("N", 3, None, 400))], [Value("y", [])]
    data = model(graph_parts(nodes, tensors, *values), opset=17, ir=8, producer="me")
    read = onnx.ModelProto.FromString(data)
    assert read.SerializeToString() == data
    return read


def theirs(nodes: list[onnx.NodeProto], tensors: list[TensorProto]) -> onnx.ModelProto:
    values = (("x", ("N", 3, None, 400)), ("y", []))
    x, y = (helper.make_tensor_value_info(name, FLOAT, sides) for name, sides in values)
    graph = helper.make_graph(nodes, "darknet", [x], [y], tensors)
    opset = helper.make_operatorsetid("", 17)
    return helper.make_model(graph, producer_name="me", ir_version=8, opset_imports=[opset])


def test_every_kind_of_attribute_is_written_as_onnx_writes_it() -> None:
    node = OnnxNode("Op", "layer_0/Op", ["x", ""], ["y", "z"], ATTRIBUTES)
    attributes = {**ATTRIBUTES, "array": numpy_helper.from_array(ATTRIBUTES["array"])}
    attributes["whole"], attributes["flag"] = -3, 1
    expected = helper.make_node("Op", ["x", ""], ["y", "z"], name="layer_0/Op", **attributes)
    assert own([node], []) == theirs([expected], [])


@pytest.mark.parametrize("kind", [np.float32, np.int32, np.int64, np.bool_, np.float64])
@pytest.mark.parametrize("shape", [(), (0,), (200,), (2, 3, 1)])
def test_arrays_are_written_as_onnx_writes_them(kind: type, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 9, shape).astype(kind)
    swapped = np.array(array, order="F")  # another memory layout is the same array
    assert own([], [tensor(swapped, "a")]) == theirs([], [numpy_helper.from_array(array, "a")])


def test_an_array_elsewhere_has_its_place_and_no_numbers() -> None:
    expected = TensorProto(name="a", dims=[2, 300], data_type=FLOAT, data_location=TensorProto.EXTERNAL)
    expected.external_data.add(key="location", value="weights")
    array = np.zeros((2, 300), np.float32)
    assert own([], [external_tensor(array, "a")]) == theirs([], [expected])


@pytest.mark.parametrize("value", [[], [1, "a"], None, {}, object()])
def test_an_attribute_that_onnx_has_not_is_named(value: object) -> None:
    with pytest.raises(TypeError, match=r"layer_0/Op: axis=.* is no attribute of an ONNX node"):
        own([OnnxNode("Op", "layer_0/Op", [], [], {"axis": value})], [])


def test_a_graph_is_what_onnx_writes_of_it(tmp_path: Path) -> None:
    graph = compile_checked(open_cfg("yolov3-tiny"))
    draw = np.random.default_rng(0)
    arrays = {
        node.index: {
            name: draw.random(shape, np.float32) for name, shape in node.layer.array_shapes(*node.maps)
        }
        for node in graph
    }
    network = onnx_graph(graph, arrays)
    for each in (network, with_nms(network, graph, threshold=0.1, nms=0.5)):
        assert each.model() == by_onnx(each)
        onnx.checker.check_model(each.complete())
        assert len(each.serialized()) < 100_000 < len(each.complete())


def by_onnx(network: OnnxNetwork) -> onnx.ModelProto:
    nodes = [
        helper.make_node(n.kind, n.inputs, n.outputs, name=n.name, **n.attributes) for n in network.nodes
    ]
    arrays = {**network.constants, **network.weights}
    values = (
        [helper.make_tensor_value_info(v.name, v.kind, v.sides) for v in some]
        for some in (network.inputs, network.results)
    )
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    proto = helper.make_graph(nodes, "darknet", *values, tensors)
    opset = helper.make_operatorsetid("", 17)
    return helper.make_model(proto, producer_name="darknet-py", ir_version=8, opset_imports=[opset])
