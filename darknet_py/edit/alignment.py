"""Which layer of one network corresponds to which of another: an alignment that keeps the order of both.

Two layers match by section and keys, then by section, then by the shape of their outputs. The alignment has
the best total, found by dynamic programming; gaps are free. Where another alignment is as good, which of the
two is meant is a guess: `candidates` finds these layers, and a pin decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from darknet_py.cfg.edits import NAME
from darknet_py.cfg.keys import keys_of
from darknet_py.graph.graph import Graph, Node

Pins = Mapping[int, int]  # layers of A, and those of B that they are
Token = tuple[str, tuple[tuple[str, object], ...]]
Table = list[list[int]]

NO_PINS: Pins = MappingProxyType({})
EQUAL, SAME_SECTION, KEYS, IN_PLACE = 160, 60, 40, 20  # how well two layers match
SHAPE, READS = 2, 1  # the outputs have the same shape; the inputs as many channels


def aligned(a: Graph, b: Graph, pins: Pins = NO_PINS) -> list[tuple[int | None, int | None]]:
    """The layers of both in order, those that correspond in pairs.

    Args:
        pins: pairs that are known; both sides ascend.
    """
    found: list[tuple[int | None, int | None]] = []
    start_a = start_b = 0
    for at_a, at_b in (*sorted(pins.items()), (len(a), len(b))):
        part = _aligned(a[start_a:at_a], b[start_b:at_b])
        found += [(None if i is None else start_a + i, None if j is None else start_b + j) for i, j in part]
        if at_a < len(a):
            found.append((at_a, at_b))
        start_a, start_b = at_a + 1, at_b + 1
    return found


def candidates(a: Graph, b: Graph, pins: Pins = NO_PINS) -> set[tuple[int, int]]:
    """The pairs of every alignment that is as good as the best."""
    found = set(pins.items())
    start_a = start_b = 0
    for at_a, at_b in (*sorted(pins.items()), (len(a), len(b))):
        part = _Scores(a[start_a:at_a], b[start_b:at_b]).optimal()
        found |= {(start_a + i, start_b + j) for i, j in part}
        start_a, start_b = at_a + 1, at_b + 1
    return found


def _aligned(a: Sequence[Node], b: Sequence[Node]) -> list[tuple[int | None, int | None]]:
    """As `aligned`; layers at both ends that match completely are in pairs without a search."""
    left, right = ([(_token(node), node.shape, _channels(node)) for node in nodes] for nodes in (a, b))
    head = 0
    while head < min(len(left), len(right)) and left[head] == right[head]:
        head += 1
    tail = 0
    while tail < min(len(left), len(right)) - head and left[-1 - tail] == right[-1 - tail]:
        tail += 1
    stop_a, stop_b = len(left) - tail, len(right) - tail
    middle = _Scores(a[head:stop_a], b[head:stop_b]).path()
    found: list[tuple[int | None, int | None]] = [(i, i) for i in range(head)]
    found += [(None if i is None else i + head, None if j is None else j + head) for i, j in middle]
    return found + [(stop_a + i, stop_b + i) for i in range(tail)]


class _Scores:
    """The scores of all pairs of layers, and `best[i][j]`, the best total of what is left from i and j on."""

    def __init__(self, a: Sequence[Node], b: Sequence[Node]) -> None:
        left, right = [_token(node) for node in a], [_token(node) for node in b]
        self.pairs = [
            [_match(x, s, y, t) for y, t in zip(b, right, strict=True)] for x, s in zip(a, left, strict=True)
        ]
        self.sizes = len(a), len(b)
        self.best = self._empty()
        for i in range(len(a) - 1, -1, -1):
            row, below, pairs = self.best[i], self.best[i + 1], self.pairs[i]
            for j in range(len(b) - 1, -1, -1):
                here = pairs[j]
                row[j] = max(below[j], row[j + 1], below[j + 1] + here if here else 0)

    def path(self) -> list[tuple[int | None, int | None]]:
        """The best alignment; of equally good ones the one that pairs the earliest layers."""
        (rows, columns), best = self.sizes, self.best
        i = j = 0
        found: list[tuple[int | None, int | None]] = []
        while i < rows and j < columns:
            here = self.pairs[i][j]
            if here and best[i][j] == best[i + 1][j + 1] + here:
                found.append((i, j))
                i, j = i + 1, j + 1
            elif best[i][j] == best[i + 1][j]:
                found.append((i, None))
                i += 1
            else:
                found.append((None, j))
                j += 1
        found += [(at, None) for at in range(i, rows)]
        return found + [(None, at) for at in range(j, columns)]

    def optimal(self) -> set[tuple[int, int]]:
        """The pairs that are part of any best alignment."""
        (rows, columns), best = self.sizes, self.best
        before = self._empty()  # the best total of what lies before i and j
        for i in range(rows + 1):
            for j in range(columns + 1):
                if i and j and (here := self.pairs[i - 1][j - 1]):
                    before[i][j] = before[i - 1][j - 1] + here
                before[i][j] = max(before[i][j], before[i - 1][j] if i else 0, before[i][j - 1] if j else 0)
        return {
            (i, j)
            for i in range(rows)
            for j in range(columns)
            if self.pairs[i][j] and before[i][j] + self.pairs[i][j] + best[i + 1][j + 1] == best[0][0]
        }

    def _empty(self) -> Table:
        return [[0] * (self.sizes[1] + 1) for _ in range(self.sizes[0] + 1)]


def _match(a: Node, left: Token, b: Node, right: Token) -> int:
    """How well two layers match: by section and keys, then by section, then by output shape."""
    same = SHAPE * (a.shape == b.shape) + READS * (_channels(a) == _channels(b))
    if left == right:
        return EQUAL + same
    if left[0] == right[0]:
        keys = [x == y for x, y in zip(left[1], right[1], strict=True)]
        return SAME_SECTION + same + KEYS * sum(keys) // max(1, len(keys))
    sizes = (a.shape.height, a.shape.width) == (b.shape.height, b.shape.width)
    return IN_PLACE + same if sizes or a.shape.channels == b.shape.channels else 0


def _token(node: Node) -> Token:
    """A layer's section and keys, without its references and its name."""
    keys = keys_of(type(node.layer))
    values = ((f, getattr(node.layer, f)) for f, key in keys.items() if not key.refers and f != NAME)
    return node.layer.section, tuple(values)


def _channels(node: Node) -> tuple[int, ...]:
    return tuple(m.channels for m in node.maps)
