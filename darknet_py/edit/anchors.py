"""Anchors written into the heads of a cfg: a finer head takes smaller ones, and all heads share one list.

Each head keeps the number of its boxes, so that no `filters` changes. Comments and the order of keys stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from darknet_py.cfg.document import Document
from darknet_py.cfg.edits import set_value
from darknet_py.errors import UsageError
from darknet_py.graph.graph import Graph
from darknet_py.layers.heads.anchored import Anchored
from darknet_py.layers.heads.region import Region


@dataclass(frozen=True)
class AnchorHeads:
    """The heads of a network that have anchors.

    Args:
        heads: indices of the layers, from the finest map to the coarsest.
        boxes: how many boxes each predicts in a cell.
        width: of the network's input, in the unit of anchors: pixels, and cells for `[region]`.
        height: likewise.
    """

    heads: tuple[int, ...]
    boxes: tuple[int, ...]
    width: int
    height: int

    @property
    def number(self) -> int:
        """How many anchors there are for all heads."""
        return sum(self.boxes)

    @property
    def sizes(self) -> str:
        """The anchors of the heads, for messages: `3 + 3 = 6 anchors`."""
        parts = " + ".join(map(str, self.boxes))
        return f"{parts} = {self.number} anchors" if len(self.boxes) > 1 else f"{parts} anchors"


@dataclass(frozen=True)
class WrittenAnchors:
    """A cfg with new anchors, and what each head has now, a line each."""

    document: Document
    changes: tuple[str, ...]


def anchor_heads(graph: Graph) -> AnchorHeads:
    """Find the heads whose anchors can be written.

    Raises: UsageError: when there is none, or several that do not count anchors in one unit.
    """
    nodes = [node for node in graph if isinstance(node.layer, (Anchored, Region))]
    regions = [node for node in nodes if isinstance(node.layer, Region)]
    where = graph.document.path
    if not nodes:
        hint = "anchors belong to [yolo], [Gaussian_yolo] and [region]"
        raise UsageError("has no head with anchors", where=where, hint=hint)
    if regions and len(nodes) > 1:
        raise UsageError(
            "has several heads, and [region] counts anchors in cells of its own map", where=where
        )
    nodes.sort(key=lambda node: -node.shape.cells)
    size = regions[0].maps[0] if regions else graph.image
    boxes = tuple(node.layer.boxes_per_cell for node in nodes if isinstance(node.layer, (Anchored, Region)))
    return AnchorHeads(tuple(node.index for node in nodes), boxes, size.width, size.height)


def write_anchors(graph: Graph, heads: AnchorHeads, pairs: Sequence[str]) -> WrittenAnchors:
    """Write anchors into all heads.

    Args:
        heads: of the graph, as `anchor_heads` finds them.
        pairs: `width,height` of each anchor, smallest first.
    """
    assert len(pairs) == heads.number, (pairs, heads)
    document, changes, first = graph.document, [], 0
    for index, count in zip(heads.heads, heads.boxes, strict=True):
        node, mask = graph[index], tuple(range(first, first + count))
        document = set_value(document, index + 1, "anchors", ", ".join(pairs))
        document = set_value(document, index + 1, "num", str(heads.number))
        line = f"layer {index} [{node.layer.section}], {node.shape.height} x {node.shape.width} cells:"
        if isinstance(node.layer, Anchored):
            document = set_value(document, index + 1, "mask", _joined(mask))
            was = "" if node.layer.mask == mask else f" (was {_joined(node.layer.mask)})"
            line += f" mask {_joined(mask)}{was},"
        changes.append(f"{line} anchors {', '.join(pairs[at] for at in mask)}")
        first += count
    return WrittenAnchors(document, tuple(changes))


def _joined(mask: Sequence[int]) -> str:
    return ",".join(map(str, mask))
