"""What is allowed and still doubtful about a whole network."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.cfg.diagnostics import Complaint
from darknet_py.graph.graph import Graph
from darknet_py.graph.reach import fields

SIDES = ("height", "width")


def odd_sizes(graph: Graph) -> Iterator[Complaint]:
    """An input whose sides are no multiples of a head's stride: its cells do not cover the image evenly."""
    strides = [field.stride for field in fields(graph)]
    for axis, side in enumerate(SIDES):
        stride = max((strides[i][axis] for i in graph.heads), default=1)
        pixels = getattr(graph.net, side)
        if pixels % stride:
            below = int(pixels // stride * stride)
            near = " or ".join(str(size) for size in (below, int(below + stride)) if size)
            message = f"{side}={pixels} is not a multiple of {stride}, the stride of the coarsest head"
            yield Complaint(message, key=side, code="odd-size", reason=f"{near} is", severity="warning")
