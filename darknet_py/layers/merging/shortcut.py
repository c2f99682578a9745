"""`[shortcut]`: the sum of the map before and the maps of other layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window, covering
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer, absolute
from darknet_py.layers.transforms.activations import ACTIVATIONS, NAMES, activation_nodes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes

TYPES = ("none", "per_feature", "per_layer", "per_channel")
NORMALIZATIONS = ("none", "relu", "avg_relu", "softmax")


class Shortcut(Layer, section="shortcut"):
    """The map before plus the maps of `from`, then an activation.

    The result has the shape of the map before. Where channels differ, only the channels that both have are
    added; where rows and columns differ by an integer factor, the larger map is subsampled (pjreddie's
    semantics; AlexeyAB's Darknet stops there). He, Zhang, Ren and Sun, "Deep residual learning for image
    recognition", CVPR 2016, arXiv:1512.03385.

        [shortcut]
        from = -3
        activation = linear
    """

    other_names = "add addition residual skip eltwise elementwise sum plus"

    category = "join"

    from_: tuple[int, ...] = key(
        name="from", doc="layers to add: negative counts back from here", refers=True
    )
    activation: str = key("linear", one_of=NAMES, doc="function of the sum")
    weights_type: str = key(
        "none", one_of=TYPES, doc="a learned weight for each map, or for each map and channel"
    )
    weights_normalization: str = key("none", one_of=NORMALIZATIONS, doc="how the weights are normalised")
    alpha: float = key(1.0, doc="multiplies the map before where it is added to; only in pjreddie's Darknet")
    beta: float = key(1.0, doc="multiplies what is added; only in pjreddie's Darknet")

    def inputs(self, at: int) -> tuple[int, ...]:
        """The layer before, then `from`."""
        return (at - 1, *(absolute(reference, at) for reference in self.from_))

    def shape(self, *maps: Shape) -> Shape:
        """The shape of the map before."""
        here, *others = maps
        for other in others:
            if not (_divides(here.height, other.height) and _divides(here.width, other.width)):
                message = (
                    f"maps of {here.height}x{here.width} and {other.height}x{other.width} cannot be added"
                )
                reason = "sizes must be equal, or one an integer multiple of the other"
                raise Refused(Complaint(message, key="from", code="shapes-differ", reason=reason))
        return here

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """Learned weights need equal shapes, and exclude `alpha` and `beta`."""
        if self.weights and (self.alpha, self.beta) != (1, 1):
            reason = "alpha and beta are pjreddie's, weights_type is AlexeyAB's"
            yield Complaint("weights_type with alpha or beta", key="weights_type", reason=reason)
        if self.weights and any(m != maps[0] for m in maps):
            yield Complaint("weights_type needs maps of one shape", key="weights_type", code="shapes-differ")

    def window(self, *maps: Shape) -> Window:
        """One cell of each map; of a larger or smaller one, the cell that is met."""
        here, *others = maps
        met = (Window(_met(here.height, other.height), _met(here.width, other.width)) for other in others)
        return Window(others=tuple(met))

    @property
    def weights(self) -> bool:
        """Whether the maps are weighted."""
        return self.weights_type != "none"

    def cost(self, *maps: Shape) -> Cost:
        """Darknet counts one addition a number and map, two operations where it is weighted."""
        operations = (len(maps) - 1) * maps[0].floats * (2 if self.weights else 1)
        count = (
            len(maps) * (maps[0].channels if self.weights_type == "per_channel" else 1) if self.weights else 0
        )
        return Cost(count, count, others=operations)

    def module(self, *maps: Shape) -> nn.Module:
        """A sum, weighted if asked, and the activation."""
        from darknet_py.ops.shortcut import MapSum, WeightedSum

        act = ACTIVATIONS[self.activation]()
        if not self.weights:
            return MapSum(act, plain=all(m == maps[0] for m in maps), factors=(self.alpha, self.beta))
        per_map = maps[0].channels if self.weights_type == "per_channel" else 1
        return WeightedSum(len(maps), per_map, self.weights_normalization, act)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """Sums, of weighted maps if asked, and the activation."""
        from darknet_py.onnx_ops.shortcut import Factors, added, weighted_sum

        if self.weights:
            out = weighted_sum(nodes, maps, self.weights_normalization)
        else:
            out = maps[0]
            for position, other in enumerate(maps[1:], start=1):
                out = added(
                    nodes, out, other, Factors(nodes.maps[0], nodes.maps[position], self.alpha, self.beta)
                )
        return activation_nodes(self.activation, nodes, out)

    def array_shapes(self, *maps: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """As `arrays`."""
        if self.weights:
            yield "weights", (len(maps), maps[0].channels if self.weights_type == "per_channel" else 1)

    def arrays(self, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """The weights, map by map."""
        from darknet_py.ops.shortcut import WeightedSum

        if isinstance(module, WeightedSum):
            yield "weights", module.weights


def _met(here: int, other: int) -> Axis:
    """Every k-th cell of a larger map; of a smaller one a cell for every k-th here."""
    return Axis(1, other // here) if other >= here else covering(Axis(1, here // other))


def _divides(here: int, other: int) -> bool:
    return here % other == 0 or other % here == 0
