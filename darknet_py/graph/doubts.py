"""What is allowed and still doubtful about a whole network."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import SameAs, keys_of
from darknet_py.errors import shown
from darknet_py.graph.graph import Graph
from darknet_py.graph.reach import fields
from darknet_py.layers.net import Net

SIDES = ("height", "width")
OF_CLASSIFIERS = ("angle", "aspect", "min_crop", "max_crop", "label_smooth_eps")


def doubts(graph: Graph) -> Iterator[Complaint]:
    """Everything of this file, about keys of [net]."""
    yield from odd_sizes(graph)
    yield from keys_of_classifiers(graph)


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


def keys_of_classifiers(graph: Graph) -> Iterator[Complaint]:
    """What [net] says to classifiers, in the cfg of a detector: Darknet reads it, and nothing follows."""
    section = graph.document.sections[0]
    for name in OF_CLASSIFIERS if graph.heads else ():
        entry, default = section.first(name), keys_of(Net)[name].default
        if isinstance(default, SameAs):
            default = default.rule(getattr(graph.net, default.field))
        if entry and getattr(graph.net, name) != default:
            message = f"{name}={shown(entry.value)} is read and not honoured"
            reason = "Darknet uses it for classifiers alone, and this network finds boxes"
            yield Complaint(message, key=name, code="ignored-key", reason=reason, severity="warning")
