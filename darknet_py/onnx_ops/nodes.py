"""The nodes of an ONNX graph while it is built, one layer after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from darknet_py.arithmetic.shape import Shape
from darknet_py.onnx_ops.encoding import OnnxNode

if TYPE_CHECKING:
    import numpy.typing as npt

Floats: TypeAlias = "npt.NDArray[np.float32]"
EMBEDDED = 1024  # bytes: larger constants are kept as numpy arrays beside the graph, and not copied


class Fold(NamedTuple):
    """Weights and biases with batch normalisation folded into them, and the arrays that they are made of."""

    arrays: Mapping[str, Floats]
    weights: str
    biases: str


@dataclass
class GraphNodes:
    """All nodes and constants so far.

    Attributes:
        constants: the small ones by name.
        weights: the large ones by name, kept where they are.
        in_place: batch normalisation is folded into the arrays that layers get, in place of copies.
        folds: by the identity of a layer's arrays, what they were folded into.
        fixed_size: why the graph computes only inputs of the cfg's size; empty where it computes others too.
    """

    nodes: list[OnnxNode] = field(default_factory=list)
    constants: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    weights: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    in_place: bool = False
    folds: dict[int, Fold] = field(default_factory=dict)
    fixed_size: str = ""
    _known: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)

    def constant(self, values: npt.NDArray[Any], name: str) -> str:
        """The name of an array; small ones that are equal have one name."""
        if values.nbytes > EMBEDDED:
            self.weights[name] = values
            return name
        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self._known:
            self._known[key] = name
            self.constants[name] = values
        return self._known[key]


@dataclass
class Nodes:
    """What the `onnx` of a layer gets: it adds nodes, and returns the name of its output.

    Args:
        graph: all nodes so far.
        prefix: of the names of the layer's tensors.
        maps: the shapes of its inputs; `sides` has rows and columns, which a graph of any size does not use.
        arrays: its floats by their names in `.weights`, each in its shape.
    """

    graph: GraphNodes
    prefix: str
    maps: Sequence[Shape]
    arrays: Mapping[str, Floats] = field(default_factory=dict)
    _kinds: Counter[str] = field(default_factory=Counter)

    @property
    def channels(self) -> int:
        """Of the first map."""
        return self.maps[0].channels

    def sides(self, why: str, position: int = 0) -> tuple[int, int]:
        """Rows and columns of an input. Who asks is computed for this size only.

        Args:
            why: what depends on the size, a phrase for messages.
        """
        self.graph.fixed_size = self.graph.fixed_size or f"{self.prefix}: {why}"
        return self.maps[position].height, self.maps[position].width

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output, and return that.

        >>> from darknet_py.arithmetic.shape import Shape
        >>> Nodes(GraphNodes(), "layer_0", [Shape(4, 8, 8)]).add("Relu", "images")
        'layer_0/Relu'
        """
        return self.add_many(kind, 1, *inputs, **attributes)[0]

    def add_many(self, kind: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with `count` outputs, and return those."""
        name = self._name(kind)
        outputs = [name, *(f"{name}:{number}" for number in range(1, count))]
        self.graph.nodes.append(OnnxNode(kind, name, inputs, outputs, attributes))
        return outputs

    def constant(self, values: npt.ArrayLike, name: str = "constant") -> str:
        """Floats as a constant, and its name; an array of float32 is not copied."""
        return self.graph.constant(np.asarray(values, np.float32), self._name(name))

    def integers(self, *values: int) -> str:
        """A list of whole numbers as a constant: axes, sides, places."""
        return self.graph.constant(np.array(values, np.int64), self._name("integers"))

    def scalar(self, value: int) -> str:
        """A whole number as a constant without axes."""
        return self.array(np.array(value, np.int64))

    def array(self, values: npt.NDArray[Any]) -> str:
        """An array of any type as a constant."""
        return self.graph.constant(values, self._name("array"))

    def part(self, number: int, maps: Sequence[Shape]) -> Nodes:
        """The nodes of a part of the layer, whose arrays are called `... of branch <number>`."""
        ending = f" of branch {number}"
        own = {name.removesuffix(ending): a for name, a in self.arrays.items() if name.endswith(ending)}
        return Nodes(self.graph, f"{self.prefix}/branch_{number}", maps, own)

    def _name(self, kind: str) -> str:
        self._kinds[kind] += 1
        number = self._kinds[kind]
        return f"{self.prefix}/{kind}" + (f"_{number}" if number > 1 else "")
