"""A network as an ONNX graph, from the declarations of its layers and the arrays of its weights; no torch.

    graph = darknet_py.lint.api.compile("yolov3-tiny")
    network = onnx_graph(graph, read_arrays(graph, "yolov3-tiny.weights"))
    network.proto              the graph; arrays of more than 1 KiB are left out of it, as external data
    network.weights            those arrays by name, for `SessionOptions.add_external_initializers`
    network.model()            one complete ModelProto, for a file

The input is called `images`, (N, C, H, W) float32 in 0..1, RGB. There is one output for each head, its raw
map, called `head_<layer>`; a network without heads has the map of its last layer, `map_<layer>`. With
`outputs=graph.raw_outputs` they are those of an engine. N is free.
H and W are free where no layer depends on them (`network.fixed_size` says which does) unless `fixed` asks for
those of [net].
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import onnx
from onnx import TensorProto, helper

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import CfgError, Diagnostic, Refused, in_order
from darknet_py.errors import UsageError
from darknet_py.export.names import IMAGES
from darknet_py.graph.executable import must_run
from darknet_py.graph.graph import Graph
from darknet_py.graph.sharing import weight_sources
from darknet_py.layers.onnx_form import onnx_of
from darknet_py.model.rewriting import rewritten
from darknet_py.onnx_ops.nodes import Floats, GraphNodes, Nodes

OPSET, IR = 17, 8  # read by OpenCV, TensorRT and OpenVINO of 2023 and later
LARGEST = 2**31 - 2**20  # bytes of a protobuf message, less what names and nodes take

Arrays = Mapping[int, Mapping[str, Floats]]  # by index of the layer, then by their names in `.weights`


@dataclass(frozen=True)
class OnnxNetwork:
    """An ONNX graph, its large arrays beside it.

    Args:
        proto: the graph; `weights` are declared in it as external data.
        maps: the name of the tensor that is the map of each layer.
        fixed_size: why H and W are those of [net]; empty where they are free.
    """

    proto: onnx.ModelProto
    weights: Mapping[str, Floats]
    maps: tuple[str, ...]
    fixed_size: str

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the raw maps, in the order of the heads."""
        return tuple(output.name for output in self.proto.graph.output)

    def model(self) -> onnx.ModelProto:
        """The graph with all arrays in it.

        Raises:
            UsageError: when they are more than the 2 GB that an ONNX file holds.
        """
        size = sum(array.nbytes for array in self.weights.values())
        if size > LARGEST:
            message = f"the network has {size / 1e9:.1f} GB of weights; one ONNX file holds 2 GB"
            raise UsageError(message, hint="use `network.proto` and `network.weights`, which have no limit")
        model = onnx.ModelProto()
        model.CopyFrom(self.proto)
        for tensor in model.graph.initializer:
            if tensor.name in self.weights:
                tensor.ClearField("external_data")
                tensor.ClearField("data_location")
                tensor.raw_data = self.weights[tensor.name].tobytes()
        return model


def onnx_graph(
    graph: Graph, arrays: Arrays, *, outputs: Sequence[int] = (), fixed: bool = False, in_place: bool = False
) -> OnnxNetwork:
    """Build the ONNX graph of a network.

    Args:
        arrays: of every layer that has any, as `read_arrays` returns them.
        outputs: the layers whose maps are put out, raw for heads; `graph.outputs` where none is given.
        in_place: fold batch normalisation into `arrays` themselves, which saves a copy of all weights; they
            are those of another network then.
        fixed: take H and W from [net], so that shapes are known when a session is made.

    Raises:
        CfgError: with every layer that has no ONNX form.
    """
    built = GraphNodes(in_place=in_place)
    maps = _maps(graph, arrays, built)
    wanted = outputs or graph.outputs
    names = _named(built, {i: maps[i] if i >= 0 else IMAGES for i in wanted}, graph)
    fixed_size = "it was asked for" if fixed else built.fixed_size
    source = Value(IMAGES, graph.image)
    results = [Value(name, graph[i].shape if i >= 0 else graph.image) for i, name in names.items()]
    model = assembled(built, [source], results, fixed=bool(fixed_size))
    tensors = tuple(names.get(index, name) for index, name in enumerate(maps))
    return OnnxNetwork(model, built.weights, tensors, fixed_size)


class Value(NamedTuple):
    """An input or an output of a graph: its name, and the shape that it has at the cfg's size."""

    name: str
    shape: Shape


def assembled(
    built: GraphNodes, inputs: Sequence[Value], outputs: Sequence[Value], *, fixed: bool
) -> onnx.ModelProto:
    """A model of nodes; large arrays are declared as external data.

    Args:
        fixed: rows and columns are those of the values; else they are free.
    """

    def declared(value: Value, rows: str | None, columns: str | None) -> onnx.ValueInfoProto:
        sides = (value.shape.height, value.shape.width) if fixed else (rows, columns)
        return helper.make_tensor_value_info(
            value.name, TensorProto.FLOAT, ("N", value.shape.channels, *sides)
        )

    infos = [declared(value, "H", "W") for value in inputs], [declared(v, None, None) for v in outputs]
    tensors = [*built.constants.values(), *(_external(name, a) for name, a in built.weights.items())]
    proto = helper.make_graph(built.nodes, "darknet", *infos, tensors)
    opset = helper.make_operatorsetid("", OPSET)
    return helper.make_model(proto, producer_name="darknet-py", ir_version=IR, opset_imports=[opset])


def _maps(graph: Graph, arrays: Arrays, built: GraphNodes) -> list[str]:
    """Add the nodes of every layer, and return the names of their maps."""
    maps: list[str] = []
    refused: list[Diagnostic] = []
    plan, sources = rewritten(must_run(graph)), weight_sources(graph.nodes)
    for node in plan:
        own = arrays.get(sources.get(node.index, node.index), {})
        nodes = Nodes(built, f"layer_{node.index}", node.maps, own)
        try:
            maps.append(onnx_of(node.layer, nodes, *(maps[i] if i >= 0 else IMAGES for i in node.inputs)))
        except Refused as refusal:
            refused.append(graph.document.locate(refusal.complaint, node.span))
            maps.append(IMAGES)
    if refused:
        raise CfgError(in_order(refused))
    return maps


def _named(built: GraphNodes, outputs: Mapping[int, str], graph: Graph) -> dict[int, str]:
    """Give outputs their names: their tensors are renamed, or copied where two are one tensor."""
    heads = set(graph.heads)
    names = {i: f"head_{i}" if i in heads else f"map_{i}" if i >= 0 else "image" for i in outputs}
    times = Counter(outputs.values())
    renamed = {tensor: names[i] for i, tensor in outputs.items() if times[tensor] == 1 and tensor != IMAGES}
    for node in built.nodes:
        for tensors in (node.input, node.output):
            for position, tensor in enumerate(tensors):
                tensors[position] = renamed.get(tensor, tensor)
    for index, tensor in outputs.items():
        if tensor not in renamed:
            built.nodes.append(helper.make_node("Identity", [tensor], [names[index]], name=names[index]))
    return names


def _external(name: str, array: Floats) -> TensorProto:
    """A tensor whose numbers are elsewhere."""
    tensor = TensorProto(name=name, dims=array.shape, data_type=helper.np_dtype_to_tensor_dtype(array.dtype))
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights")
    return tensor
