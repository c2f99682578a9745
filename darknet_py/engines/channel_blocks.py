"""Maps widened to complete blocks of channels, in the session of onnxruntime and in no file.

onnxruntime computes convolutions on blocks of channels, as many as a register of the processor holds. A map
of another number of channels is copied into another layout for each convolution that reads it, which takes
longer than to compute the channels that are lacking. Here they come from filters of zeros and are read with
weights of zero, so that the channels of the network are what they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from darknet_py.export.onnx_graph import OnnxNetwork
from darknet_py.onnx_ops.encoding import OnnxNode
from darknet_py.onnx_ops.nodes import Floats

CPUINFO = Path("/proc/cpuinfo")
BLOCKS = (("avx512f", 16), ("avx", 8))  # by what the processor has: NchwcBlockSize of onnxruntime's MLAS
BY_CHANNEL = {  # each channel for itself, and finite of finite numbers
    *(
        "Add",
        "Clip",
        "Elu",
        "HardSigmoid",
        "HardSwish",
        "Identity",
        "LeakyRelu",
        "Mul",
        "Neg",
        "Relu",
        "Selu",
    ),
    *("Sigmoid", "Softplus", "Sub", "Tanh"),
    *("AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool", "Resize"),
}
KNOWN = BY_CHANNEL | {"Conv", "Concat"}


def block_size(cpuinfo: Path = CPUINFO) -> int:
    """The channels of a block of onnxruntime on this processor; 1 where it is not known."""
    try:
        flags = next(line for line in cpuinfo.read_text().splitlines() if line.startswith("flags")).split()
    except (OSError, StopIteration):
        return 1
    return next((size for flag, size in BLOCKS if flag in flags), 1)


def widened(network: OnnxNetwork, block: int) -> OnnxNetwork:
    """The network, same inputs and outputs, with maps of complete blocks where that is possible."""
    wide = _WideNodes(network, block)
    for node in network.nodes:
        wide.add(node)
    used = {tensor for node in wide.nodes for tensor in node.inputs}
    weights = {name: array for name, array in wide.weights.items() if name in used}
    constants = {name: array for name, array in wide.constants.items() if name in used}
    return replace(network, nodes=wide.nodes, weights=weights, constants=constants)


@dataclass(frozen=True)
class _Layout:
    """The channels of a map, and at which of them those of the network are."""

    channels: int
    places: tuple[int, ...]

    @classmethod
    def of(cls, real: int, channels: int | None = None) -> _Layout:
        """The real channels first."""
        return cls(channels or real, tuple(range(real)))

    @property
    def complete(self) -> bool:
        """Whether it has no other channels."""
        return self.channels == len(self.places)


class _WideNodes:
    """The nodes so far, and the layouts of maps as far as they are known."""

    def __init__(self, network: OnnxNetwork, block: int) -> None:
        self.block = block
        self.nodes: list[OnnxNode] = []
        self.weights, self.constants = dict(network.weights), dict(network.constants)
        self._layouts: dict[str, _Layout] = {}
        self._narrowed: dict[str, str] = {}
        strange = [tensor for node in network.nodes if node.kind not in KNOWN for tensor in node.inputs]
        self._fixed = {*network.outputs, *strange}  # whose readers know of no other channels

    def add(self, node: OnnxNode) -> None:
        """Add a node of the network, on wide maps where its channels can be followed."""
        if node.kind == "Conv" and self._array(node.inputs[1]) is not None:
            node, self._layouts[node.outputs[0]] = self._convolution(node)
        else:
            layout = self._followed(node)
            if layout is None or (not layout.complete and node.outputs[0] in self._fixed):
                node = self._narrow(node)
            else:
                self._layouts[node.outputs[0]] = layout
        self.nodes.append(node)

    def _array(self, name: str) -> Floats | None:
        return self.weights.get(name, self.constants.get(name))

    def _followed(self, node: OnnxNode) -> _Layout | None:
        """The layout of what a node computes of its inputs as they are; None where it is not known."""
        maps = [tensor for tensor in node.inputs if tensor and not self._is_scalar(tensor)]
        if node.kind == "Resize" and len(node.inputs) == len(("map", "roi", "scales")):
            maps = maps[:1]
        layouts = [self._layouts.get(tensor) for tensor in maps]
        known = [layout for layout in layouts if layout is not None]
        if len(known) < len(layouts) or not known:
            return None
        if node.kind == "Concat" and node.attributes["axis"] == 1:
            starts = np.cumsum([0, *(layout.channels for layout in known)]).tolist()
            places = (
                at + start for layout, start in zip(known, starts, strict=False) for at in layout.places
            )
            return _Layout(starts[-1], tuple(places))
        return known[0] if node.kind in BY_CHANNEL and len(set(known)) == 1 else None

    def _is_scalar(self, tensor: str) -> bool:
        array = self._array(tensor)
        return array is not None and array.size == 1

    def _narrow(self, node: OnnxNode) -> OnnxNode:
        """The node on the channels of the network alone."""
        return node._replace(inputs=[self._narrow_map(tensor) for tensor in node.inputs])

    def _narrow_map(self, tensor: str) -> str:
        layout = self._layouts.get(tensor)
        if layout is None or layout.complete:
            return tensor
        if tensor not in self._narrowed:
            name = self._narrowed[tensor] = f"{tensor}/narrow"
            self.constants[f"{name}/places"] = np.array(layout.places, np.int64)
            self.nodes.append(OnnxNode("Gather", name, [tensor, f"{name}/places"], [name], {"axis": 1}))
        return self._narrowed[tensor]

    def _convolution(self, node: OnnxNode) -> tuple[OnnxNode, _Layout]:
        """A convolution with filters of zeros for the channels that its map lacks."""
        weights, groups = self._array(node.inputs[1]), node.attributes.get("group", 1)
        assert weights is not None
        filters, depth = weights.shape[:2]
        fixed, read = node.outputs[0] in self._fixed, self._layouts.get(node.inputs[0])
        if groups == 1:
            whole = filters if fixed else -(-filters // self.block) * self.block
            read, written = read or _Layout.of(depth), _Layout.of(filters, whole)
            return self._with_filters(node, (written, read)), written
        if groups == filters and depth == 1 and read is not None and (read.complete or not fixed):
            node = node._replace(attributes={**node.attributes, "group": read.channels})
            return self._with_filters(node, (read, _Layout.of(1))), read
        return self._narrow(node), _Layout.of(filters)

    def _with_filters(self, node: OnnxNode, axes: Sequence[_Layout]) -> OnnxNode:
        """The node with weights of these layouts, and biases of the first."""
        if all(layout.complete for layout in axes):
            return node
        names = []
        for name in node.inputs[1:]:
            array = self._array(name)
            assert array is not None
            layouts = axes[: array.ndim]
            wide = np.zeros(
                [*(layout.channels for layout in layouts), *array.shape[len(layouts) :]], np.float32
            )
            wide[np.ix_(*(layout.places for layout in layouts))] = array
            names.append(f"{node.name}/{name}/wide")
            self.weights[names[-1]] = wide
        return node._replace(inputs=[node.inputs[0], *names])
