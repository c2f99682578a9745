"""Rules about keys of [net]."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import SameAs, keys_of
from darknet_py.errors import quoted
from darknet_py.graph.graph import Graph
from darknet_py.graph.reach import fields
from darknet_py.layers.net import Net
from darknet_py.lint.base import NET, GraphRule, LayerComplaint

FOR_DETECTORS = ("mosaic_bound", "blur", "gaussian_noise")
OF_COLOURS = ("hue", "saturation")
FOR_CLASSIFIERS = ("angle", "aspect", "min_crop", "max_crop", "label_smooth_eps", "cutmix")


def odd_size(graph: Graph) -> Iterator[LayerComplaint]:
    """Sides of the input that are no multiples of the coarsest head's stride."""
    strides = [field.stride for field in fields(graph)] if graph.heads else []
    for axis, side in enumerate(("height", "width")):
        stride = max((strides[i][axis] for i in graph.heads), default=1)
        pixels = getattr(graph.net, side)
        if pixels % stride:
            below = int(pixels // stride * stride)
            near = " or ".join(str(size) for size in (below, int(below + stride)) if size)
            message = f"{side}={pixels} is not a multiple of {stride}, the stride of the coarsest head"
            yield NET, Complaint(message, key=side, reason=f"{near} is")


def keys_for_other_tasks(graph: Graph) -> Iterator[LayerComplaint]:
    """Keys of [net] that only the other kind of network uses, or one that reads colours."""
    section = graph.document.sections[0]
    boxes = "Darknet uses it only for classifiers, and this network is a detector"
    classes = "it is used only for detectors here, and this network is a classifier"
    grey = "images of channels=1 are grey, and have no colour"
    kinds = (
        (FOR_CLASSIFIERS, graph.heads, boxes),
        (FOR_DETECTORS, graph.classifier is not None, classes),
        (OF_COLOURS, graph.net.channels == 1, grey),
    )
    for name, reason in ((name, why) for names, unused, why in kinds if unused for name in names):
        entry, default = section.first(name), keys_of(Net)[name].default
        if isinstance(default, SameAs):
            default = default.rule(getattr(graph.net, default.field))
        if entry and getattr(graph.net, name) != default:
            message = f"{name}={quoted(entry.value)} is read and not honoured"
            yield NET, Complaint(message, key=name, reason=reason)


def input_channels(graph: Graph) -> Iterator[LayerComplaint]:
    """Channels of the input that no image has."""
    net = graph.net
    if not net.flat and net.channels not in (1, 3):
        message = f"channels={net.channels}, and an image has 3 channels, or 1 as grey"
        reason = "train, eval and detect refuse this cfg; the network itself runs, on tensors of your own"
        yield NET, Complaint(message, key="channels", reason=reason)


def late_step(graph: Graph) -> Iterator[LayerComplaint]:
    """Steps of the learning rate after the last iteration, or at it."""
    net = graph.net
    late = [step for step in net.steps if net.policy == "steps" and step >= net.max_batches > 0]
    if late:
        reason = f"training ends at max_batches={net.max_batches}"
        rest = "is never reached" if late[0] > net.max_batches else "changes the last update alone"
        yield NET, Complaint(f"the step at {late[0]} {rest}", key="steps", reason=reason)


ODD_SIZE = GraphRule(
    "odd-size",
    "warning",
    "an input that is no multiple of the coarsest stride",
    "The cells of the coarsest head then do not cover the image evenly, and maps that meet in a `[route]` "
    "or `[shortcut]` after an upsampling may differ by one. Set `width` and `height` to one of the sizes "
    "in the message.",
    odd_size,
)
RULES: tuple[GraphRule, ...] = (
    ODD_SIZE,
    GraphRule(
        "ignored-key",
        "warning",
        "a key that is read and changes nothing here",
        "The key exists in Darknet, and training and inference give the same result without it: Darknet "
        "ignores it too, it concerns Darknet's GPU memory, or it belongs to the other kind of network "
        "(classifiers or detectors, RGB or grey). The reason says which. Delete the line, or keep it for "
        "Darknet.",
        keys_for_other_tasks,
    ),
    GraphRule(
        "input-channels",
        "warning",
        "an input with other channels than an image has",
        "Images are read as RGB (`channels=3`) or grey (`channels=1`). A network of other inputs compiles "
        "and runs in Python, and `train`, `eval` and `detect` refuse it, since no image fits.",
        input_channels,
    ),
    GraphRule(
        "late-step",
        "warning",
        "a step of the learning rate after the last iteration",
        "Training ends at `max_batches`, so the learning rate is never multiplied by the scale of this "
        "step. Raise `max_batches` or lower `steps`.",
        late_step,
    ),
)
