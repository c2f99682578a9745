"""Rules about the heads of one network, which should agree with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from darknet_py.cfg.diagnostics import Complaint
from darknet_py.graph.graph import Graph
from darknet_py.layers.heads.anchored import Anchored
from darknet_py.lint.base import GraphRule, LayerComplaint

SHARED = ("classes", "anchors", "num")  # keys that should be the same in all heads of a network


def heads_differ(graph: Graph) -> Iterator[LayerComplaint]:
    """Heads of one network that have different classes or anchors."""
    heads = [(node.index, node.layer) for node in graph if isinstance(node.layer, Anchored)]
    for key in SHARED:
        values = Counter(getattr(layer, key) for _, layer in heads)
        usual = max(values, key=lambda value: values[value], default=None)
        for index, layer in heads:
            value = getattr(layer, key)
            if value != usual:
                message = f"{key}={_written(value)} here, and the other heads have {_written(usual)}"
                reason = "Darknet takes the last head's word for all" if key == "classes" else ""
                yield index, Complaint(message, key=key, reason=reason)


def unused_anchor(graph: Graph) -> Iterator[LayerComplaint]:
    """Anchors that no head's mask contains."""
    heads = [(node.index, node.layer) for node in graph if isinstance(node.layer, Anchored)]
    for anchors in dict.fromkeys(layer.anchors for _, layer in heads):
        sharing = [(index, layer) for index, layer in heads if layer.anchors == anchors]
        used = {number for _, layer in sharing for number in layer.mask}
        unused = [
            number for number in range(min(sharing[-1][1].num, len(anchors) // 2)) if number not in used
        ]
        if unused:
            sizes = ", ".join(f"{n} ({anchors[2 * n]:g} x {anchors[2 * n + 1]:g})" for n in unused)
            message = f"no head uses anchor{'s' * (len(unused) > 1)} {sizes}"
            yield sharing[-1][0], Complaint(message, key="mask")


def _written(value: object) -> str:
    return ",".join(f"{v:g}" for v in value) if isinstance(value, tuple) else str(value)


HEADS_DIFFER = GraphRule(
    "heads-differ",
    "warning",
    "classes or anchors that one head has and the others do not",
    "Usually one head was forgotten when the number of classes or the anchors were changed. Darknet uses "
    "`classes` of the last head for all of them. Give all heads the same `classes`, `anchors` and `num`, "
    "and change `filters` of the layer before each head with them.",
    heads_differ,
)
RULES: tuple[GraphRule, ...] = (
    HEADS_DIFFER,
    GraphRule(
        "unused-anchor",
        "hint",
        "an anchor that is in no head's mask",
        "The anchor is listed in `anchors` and in no `mask`, so no box is predicted from it. The published"
        " yolov3-tiny.cfg leaves its first anchor unused in this way.",
        unused_anchor,
    ),
)
