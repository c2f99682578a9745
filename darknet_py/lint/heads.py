"""Rules about the heads of one network, which should agree with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from math import prod

from darknet_py.cfg.diagnostics import Complaint
from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.heads.anchored import Anchored
from darknet_py.lint.base import GraphRule, LayerComplaint

Pair = tuple[float, float]
SHARED = ("classes", "anchors", "num")  # keys that should be the same in all heads of a network


def heads_differ(graph: Graph) -> Iterator[LayerComplaint]:
    """Heads of one network that have different classes or anchors."""
    heads = [(node.index, node.layer) for node in graph if isinstance(node.layer, Anchored)]
    own = _own_lists([layer for _, layer in heads])
    for key in SHARED if not own else ("classes",):
        values = Counter(getattr(layer, key) for _, layer in heads)
        usual = max(values, key=lambda value: values[value], default=None)
        for index, layer in heads:
            value = getattr(layer, key)
            if value != usual:
                message = f"{key}={_written(value)} here, and the other heads have {_written(usual)}"
                reason = "Darknet takes the last head's word for all" if key == "classes" else ""
                if key == "anchors" and usual:
                    reason = _difference(_pairs(value), _pairs(usual))
                yield index, Complaint(message, key=key, reason=reason)


def _own_lists(layers: Sequence[Anchored]) -> bool:
    """Whether each head lists its own anchors, as some tools write it: hardly one is in two lists."""
    lists = [_pairs(layer.anchors) for layer in layers]
    pairs = [pair for one in lists for pair in set(one)]
    return len(lists) > 1 and 2 * (len(pairs) - len(set(pairs))) < min(len(set(one)) for one in lists)


def _difference(here: Sequence[Pair], there: Sequence[Pair]) -> str:
    """The anchors in which two lists of the same length differ; empty where those are most."""
    if len(here) != len(there):
        return ""
    pairs = list(enumerate(zip(here, there, strict=True)))
    differing = [(at, a, b) for at, (a, b) in pairs if a != b]
    if 2 * len(differing) > len(here) + 1:
        return ""
    each = (f"anchor {at} is {a[0]:g} x {a[1]:g} here, {b[0]:g} x {b[1]:g} there" for at, a, b in differing)
    return "; ".join(each)


def unused_anchor(graph: Graph) -> Iterator[LayerComplaint]:
    """Anchors that no head's mask contains: lists of one length count as one list, whatever they hold."""
    heads = [(node.index, node.layer) for node in graph if isinstance(node.layer, Anchored)]
    for count in dict.fromkeys(len(layer.anchors) for _, layer in heads):
        sharing = [(index, layer) for index, layer in heads if len(layer.anchors) == count]
        used = {number for _, layer in sharing for number in layer.mask}
        index, last = sharing[-1]
        unused = [number for number in range(min(last.num, count // 2)) if number not in used]
        if unused:
            anchors = last.anchors
            sizes = ", ".join(f"{n} ({anchors[2 * n]:g} x {anchors[2 * n + 1]:g})" for n in unused)
            message = f"no head uses anchor{'s' * (len(unused) > 1)} {sizes}"
            yield index, Complaint(message, key="mask")


def anchor_order(graph: Graph) -> Iterator[LayerComplaint]:
    """A head on a finer map whose anchors are larger than those of a head on a coarser map."""
    heads = [node for node in graph if isinstance(node.layer, Anchored)]
    for finer, coarser in combinations(sorted(heads, key=lambda n: -n.shape.cells), 2):
        if finer.shape.cells <= coarser.shape.cells:
            continue
        small, large = _typical(finer), _typical(coarser)
        if small > large:
            maps = [f"{n.shape.height} x {n.shape.width}" for n in (finer, coarser)]
            message = f"the anchors on the map of {maps[0]} are larger than those on {maps[1]}"
            reason = f"typical sides are {small:.0f} and {large:.0f} px; coarse maps see large objects"
            yield finer.index, Complaint(message, key="mask", reason=reason)


def _typical(node: Node) -> float:
    """The geometric mean of the sides of a head's anchors."""
    assert isinstance(node.layer, Anchored)
    pairs = node.layer.masked
    product: float = prod(width * height for width, height in pairs)
    return float(product ** (0.5 / len(pairs)))


def _pairs(anchors: Sequence[float]) -> tuple[Pair, ...]:
    return tuple(zip(anchors[::2], anchors[1::2], strict=False))


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
        "anchor-order",
        "warning",
        "a finer map with larger anchors",
        "Heads on coarse maps see large objects, those on fine maps small ones. Here a head on a finer map "
        "has the larger anchors: the masks of two heads may be exchanged, or the anchors not be sorted by "
        "size.",
        anchor_order,
    ),
    GraphRule(
        "unused-anchor",
        "hint",
        "an anchor that is in no head's mask",
        "The anchor is listed in `anchors` and in no `mask`, so no box is predicted from it. The published"
        " yolov3-tiny.cfg leaves its first anchor unused in this way.",
        unused_anchor,
    ),
)
