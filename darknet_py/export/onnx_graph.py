"""A network as an ONNX graph, from the declarations of its layers and the arrays of its weights; no torch.

    graph = darknet_py.lint.api.compile("yolov3-tiny")
    network = onnx_graph(graph, read_arrays(graph, "yolov3-tiny.weights"))
    network.serialized()       the graph; arrays of more than 1 KiB are left out of it, as external data
    network.weights            those arrays by name, for `SessionOptions.add_external_initializers`
    network.complete()         the graph with all arrays in it
    network.model()            that as a ModelProto, for a file; this alone imports onnx

The input is called `images`, (N, C, H, W) float32 in 0..1, RGB. There is one output for each head, its raw
map, called `head_<layer>`; a network without heads has the map of its last layer, `map_<layer>`. With
`outputs=graph.raw_outputs` they are those of an engine. N is free.
H and W are free where no layer depends on them (`network.fixed_size` says which does) unless `fixed` asks for
those of [net].
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import CfgError, Diagnostic, Refused, in_order
from darknet_py.errors import UsageError
from darknet_py.export.names import IMAGES
from darknet_py.graph.executable import must_run
from darknet_py.graph.graph import Graph
from darknet_py.graph.sharing import weight_sources
from darknet_py.layers.onnx_form import onnx_of
from darknet_py.model.rewriting import rewritten
from darknet_py.onnx_ops import encoding
from darknet_py.onnx_ops.encoding import OnnxNode, Value
from darknet_py.onnx_ops.nodes import Floats, GraphNodes, Nodes

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx

OPSET, IR = 17, 8  # read by OpenCV, TensorRT and OpenVINO of 2023 and later
LARGEST = 2**31 - 2**20  # bytes of a protobuf message, less what names and nodes take

Arrays = Mapping[int, Mapping[str, Floats]]  # by index of the layer, then by their names in `.weights`


@dataclass(frozen=True)
class OnnxNetwork:
    """An ONNX graph, its large arrays beside it.

    Args:
        constants: the small arrays by name.
        weights: the large ones by name.
        maps: the name of the tensor that is the map of each layer.
        fixed_size: why H and W are those of [net]; empty where they are free.
    """

    nodes: Sequence[OnnxNode]
    constants: Mapping[str, npt.NDArray[Any]]
    weights: Mapping[str, Floats]
    inputs: Sequence[Value]
    results: Sequence[Value]
    maps: tuple[str, ...]
    fixed_size: str

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the raw maps, in the order of the heads."""
        return tuple(value.name for value in self.results)

    def serialized(self) -> bytes:
        """The graph; `weights` are declared in it as external data."""
        return self._serialized(encoding.external_tensor)

    def complete(self) -> bytes:
        """The graph with all arrays in it.

        Raises:
            UsageError: when they are more than the 2 GB that an ONNX file holds.
        """
        size = sum(array.nbytes for array in self.weights.values())
        if size > LARGEST:
            message = f"the network has {size / 1e9:.1f} GB of weights; one ONNX file holds 2 GB"
            raise UsageError(message, hint="use `network.serialized()` and `network.weights`")
        return self._serialized(encoding.tensor)

    def model(self) -> onnx.ModelProto:
        """`complete()`, for who changes it.

        Raises:
            UsageError: see there.
        """
        import onnx

        model = onnx.ModelProto()
        model.ParseFromString(self.complete())
        return model

    def _serialized(self, weights: Callable[[npt.NDArray[Any], str], bytes]) -> bytes:
        tensors = [encoding.tensor(array, name) for name, array in self.constants.items()]
        tensors += [weights(array, name) for name, array in self.weights.items()]
        graph = encoding.graph_parts(self.nodes, tensors, self.inputs, self.results)
        return encoding.model(graph, opset=OPSET, ir=IR, producer="darknet-py")


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
    results = {name: graph[i].shape if i >= 0 else graph.image for i, name in names.items()}
    tensors = tuple(names.get(index, name) for index, name in enumerate(maps))
    return assembled(built, {IMAGES: graph.image}, results, maps=tensors, fixed=fixed_size)


def assembled(
    built: GraphNodes,
    inputs: Mapping[str, Shape],
    results: Mapping[str, Shape],
    *,
    maps: tuple[str, ...],
    fixed: str,
) -> OnnxNetwork:
    """A network of nodes.

    Args:
        inputs: by name, the shapes that they have at the cfg's size; as `results`.
        fixed: why rows and columns are those of the shapes; empty where they are free.
    """

    def value(name: str, shape: Shape, *free: str | None) -> Value:
        return Value(name, ("N", shape.channels, *((shape.height, shape.width) if fixed else free)))

    sources = [value(name, shape, "H", "W") for name, shape in inputs.items()]
    outputs = [value(name, shape, None, None) for name, shape in results.items()]
    return OnnxNetwork(built.nodes, built.constants, built.weights, sources, outputs, maps, fixed)


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
    built.nodes[:] = [
        node._replace(
            inputs=[renamed.get(tensor, tensor) for tensor in node.inputs],
            outputs=[renamed.get(tensor, tensor) for tensor in node.outputs],
        )
        for node in built.nodes
    ]
    for index, tensor in outputs.items():
        if tensor not in renamed:
            built.nodes.append(identity(tensor, names[index]))
    return names


def identity(tensor: str, name: str) -> OnnxNode:
    """A node that gives a tensor another name."""
    return OnnxNode("Identity", name, [tensor], [name])
