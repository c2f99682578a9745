"""`[route]`: the maps of other layers, concatenated."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer, absolute

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class Route(Layer, section="route"):
    """The maps of other layers, concatenated along channels in the order given.

    With `groups`, each map is cut into that many blocks of channels before, and only block `group_id` of each
    is taken.

        [route]
        layers = -1, 8
    """

    other_names = "concat concatenate concatenation cat concat_layer feature_concat"

    category = "join"

    layers: tuple[int, ...] = key(
        doc="layers to read: negative counts back from here, others count from 0 after [net]",
        refers=True,
    )
    groups: int = key(1, at_least=1, doc="blocks each map is cut into")
    group_id: int = key(0, at_least=0, doc="the block that is taken")
    stream: int = key(-1, doc="CUDA stream", ignored="only for CUDA scheduling")
    wait_stream: int = key(-1, doc="CUDA stream to wait for", ignored="only for CUDA scheduling")

    def inputs(self, at: int) -> tuple[int, ...]:
        """As listed."""
        return tuple(absolute(reference, at) for reference in self.layers)

    def shape(self, *maps: Shape) -> Shape:
        """Channels added up; rows and columns must agree."""
        first = maps[0]
        for other in maps[1:]:
            if (other.height, other.width) != (first.height, first.width):
                sizes = " and ".join(f"{m.height}x{m.width}" for m in maps)
                raise Refused(
                    Complaint(f"maps of {sizes} cannot be concatenated", key="layers", code="shapes-differ")
                )
        return Shape(sum(m.channels // self.groups for m in maps), first.height, first.width)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """Groups must divide every map's channels."""
        if self.group_id >= self.groups:
            message = f"group_id={self.group_id} of groups={self.groups}; they count from 0"
            yield Complaint(message, key="group_id", code="out-of-range")
        for source in maps:
            if source.channels % self.groups:
                message = f"groups={self.groups} does not divide a map of {source.channels} channels"
                yield Complaint(message, key="groups", code="bad-groups")

    def module(self, *maps: Shape) -> nn.Module:
        """Slices, then a concatenation; a single complete map is passed on unchanged."""
        from darknet_py.ops.function import Function
        from darknet_py.ops.map import concatenate_groups

        if self.groups == 1 and len(maps) == 1:
            return super().module(*maps)
        return Function(partial(concatenate_groups, blocks=self.groups, block=self.group_id))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """Slices, then a concatenation."""
        from darknet_py.onnx_ops.map import channels, concatenated

        counts = (source.channels // self.groups for source in nodes.maps)
        blocks = [
            channels(nodes, name, self.group_id * count, count) if self.groups > 1 else name
            for name, count in zip(maps, counts, strict=True)
        ]
        return concatenated(nodes, blocks)
