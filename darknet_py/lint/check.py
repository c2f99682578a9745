"""What is allowed and still suspicious: every check that looks at more than one layer, and keys of [net]."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import SameAs, keys_of
from darknet_py.errors import quoted
from darknet_py.graph.graph import Graph
from darknet_py.graph.reach import fields
from darknet_py.layers.net import Net
from darknet_py.lint.heads import head_warnings
from darknet_py.lint.maps import map_warnings

LayerComplaint = tuple[int, Complaint]  # the layer that it is about, -1 for [net]
NET = -1
SIDES = ("height", "width")
OF_DETECTORS = ("mosaic_bound", "blur", "gaussian_noise")
OF_CLASSIFIERS = ("angle", "aspect", "min_crop", "max_crop", "label_smooth_eps", "cutmix")


def warnings(graph: Graph) -> Iterator[LayerComplaint]:
    """Everything of this file, and of those beside it about layers."""
    for check in (odd_sizes, keys_of_others, steps_too_late):
        yield from ((NET, complaint) for complaint in check(graph))
    yield from map_warnings(graph)
    yield from head_warnings(graph)


def odd_sizes(graph: Graph) -> Iterator[Complaint]:
    """An input whose sides are no multiples of a head's stride: its cells do not cover the image evenly."""
    strides = [field.stride for field in fields(graph)] if graph.heads else []
    for axis, side in enumerate(SIDES):
        stride = max((strides[i][axis] for i in graph.heads), default=1)
        pixels = getattr(graph.net, side)
        if pixels % stride:
            below = int(pixels // stride * stride)
            near = " or ".join(str(size) for size in (below, int(below + stride)) if size)
            message = f"{side}={pixels} is not a multiple of {stride}, the stride of the coarsest head"
            yield Complaint(message, key=side, code="odd-size", reason=f"{near} is", severity="warning")


def keys_of_others(graph: Graph) -> Iterator[Complaint]:
    """What [net] says to the other kind of network: it is read, and nothing follows."""
    section = graph.document.sections[0]
    boxes = "Darknet uses it for classifiers alone, and this network finds boxes"
    classes = "here it is for detectors alone, and this network tells classes"
    kinds = ((OF_CLASSIFIERS, graph.heads, boxes), (OF_DETECTORS, graph.classifier is not None, classes))
    for name, reason in ((name, why) for names, asked, why in kinds if asked for name in names):
        entry, default = section.first(name), keys_of(Net)[name].default
        if isinstance(default, SameAs):
            default = default.rule(getattr(graph.net, default.field))
        if entry and getattr(graph.net, name) != default:
            message = f"{name}={quoted(entry.value)} is read and not honoured"
            yield Complaint(message, key=name, code="ignored-key", reason=reason, severity="warning")


def steps_too_late(graph: Graph) -> Iterator[Complaint]:
    """Steps of the learning rate after the last iteration."""
    net = graph.net
    late = [step for step in net.steps if net.policy == "steps" and step >= net.max_batches > 0]
    if late:
        message = f"the step at {late[0]} is never reached"
        reason = f"training ends at max_batches={net.max_batches}"
        yield Complaint(message, key="steps", code="late-step", reason=reason, severity="warning")
