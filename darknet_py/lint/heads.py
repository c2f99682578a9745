"""Warnings about heads: what one says and the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from darknet_py.cfg.diagnostics import Complaint
from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.heads.anchored import Anchored

LayerComplaint = tuple[int, Complaint]
SHARED = ("classes", "anchors", "num")  # what the heads of one network have in common


def head_warnings(graph: Graph) -> Iterator[LayerComplaint]:
    """Everything of this file."""
    heads = [node for node in graph if isinstance(node.layer, Anchored)]
    yield from differing(heads)
    yield from unused_anchors(heads)


def differing(heads: Sequence[Node]) -> Iterator[LayerComplaint]:
    """Heads of one network that have different classes or anchors."""
    for key in SHARED:
        values = Counter(getattr(node.layer, key) for node in heads)
        usual = max(values, key=lambda value: values[value], default=None)
        for node in heads:
            if getattr(node.layer, key) != usual:
                others = f"the other heads have {_words(usual)}"
                message = f"{key}={_words(getattr(node.layer, key))} here, and {others}"
                reason = "Darknet takes the last head's word for all" if key == "classes" else ""
                yield (
                    node.index,
                    Complaint(message, key=key, code="heads-differ", reason=reason, severity="warning"),
                )


def unused_anchors(heads: Sequence[Node]) -> Iterator[LayerComplaint]:
    """Anchors that no head's mask takes."""
    layers = [(node.index, node.layer) for node in heads if isinstance(node.layer, Anchored)]
    for anchors in dict.fromkeys(layer.anchors for _, layer in layers):
        sharing = [(index, layer) for index, layer in layers if layer.anchors == anchors]
        used = {number for _, layer in sharing for number in layer.mask}
        unused = [number for number in range(len(anchors) // 2) if number not in used]
        if unused:
            sizes = ", ".join(f"{n} ({anchors[2 * n]:g} x {anchors[2 * n + 1]:g})" for n in unused)
            message = f"no head uses anchor{'s' * (len(unused) > 1)} {sizes}"
            yield sharing[-1][0], Complaint(message, key="mask", code="unused-anchor", severity="hint")


def _words(value: object) -> str:
    return ",".join(f"{v:g}" for v in value) if isinstance(value, tuple) else str(value)
