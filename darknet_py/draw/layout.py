"""The layout of boxes: rank by the longest path from the image, columns by branch, lanes for lines between.

A chain of boxes, each of which feeds the next, keeps one column. Of several readers of a map the one with the
longest path below it continues the chain, the others begin chains of their own next to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from darknet_py.draw.blocks import Box, Line, heights

Interval = tuple[int, int]


@dataclass(frozen=True)
class Wire:
    """A line from one box to another; `lane` is its number next to a column where boxes lie between."""

    source: int
    target: int
    line: Line
    gutter: int = 0  # to the right of this column; -1 is left of the first
    lane: int | None = None


@dataclass(frozen=True)
class Layout:
    """Rank and column of every box, every wire, and how many lanes each gutter has."""

    ranks: list[int]
    columns: list[int]
    wires: list[Wire]
    lanes: dict[int, int]


def layout(found: Sequence[Box]) -> Layout:
    """Place the boxes and the wires."""
    ranks: list[int] = []
    for box in found:
        ranks.append(max((ranks[line.source] + 1 for line in box.lines), default=0))
    columns = _columns(found, ranks)
    wires, lanes = _wires(found, ranks, columns)
    return Layout(ranks, columns, wires, lanes)


def _chains(found: Sequence[Box], ranks: list[int]) -> list[list[int]]:
    """Every box in one chain; the chains by their first boxes."""
    deep, successor = heights(found), dict[int, int]()
    parent = {
        n: max(box.lines, key=lambda line: (ranks[line.source], -line.source)).source
        for n, box in enumerate(found)
        if box.lines
    }
    for number, source in parent.items():
        if source not in successor or deep[number] > deep[successor[source]]:
            successor[source] = number
    begins = [number for number in range(len(found)) if successor.get(parent.get(number, -1)) != number]
    chains = []
    for begin in begins:
        chain = [begin]
        while chain[-1] in successor:
            chain.append(successor[chain[-1]])
        chains.append(chain)
    return chains


def _columns(found: Sequence[Box], ranks: list[int]) -> list[int]:
    """For each chain the free column nearest to the one it comes from."""
    columns, taken = [0] * len(found), dict[int, list[Interval]]()
    readers = {line.source: n for n, box in enumerate(found) for line in box.lines}  # the last reader
    for chain in _chains(found, ranks):
        sources = [line.source for line in found[chain[0]].lines]
        home = max((columns[source] for source in sources), default=0)
        begin = min((ranks[source] + 1 for source in sources), default=0)
        begin = max(begin, ranks[chain[0]] - 1) if begin < ranks[chain[0]] else begin
        joined = readers.get(chain[-1])
        end = max(ranks[chain[-1]], ranks[joined] - 1 if joined is not None else 0)
        near = sorted(range(len(taken) + 1), key=lambda c: (abs(c - home), -c))
        column = next(c for c in near if _free(taken.get(c, []), (begin, end)))
        taken.setdefault(column, []).append((begin, end))
        for number in chain:
            columns[number] = column
    return columns


def _free(taken: Sequence[Interval], wanted: Interval) -> bool:
    return all(end < wanted[0] or wanted[1] < begin for begin, end in taken)


def _wires(found: Sequence[Box], ranks: list[int], columns: list[int]) -> tuple[list[Wire], dict[int, int]]:
    """Straight where the column is empty between two boxes; else in a lane next to it."""
    wires: list[Wire] = []
    gutters: dict[int, list[list[Interval]]] = {}
    at = {(columns[n], ranks[n]) for n in range(len(found))}
    pairs = [(line.source, n, line) for n, box in enumerate(found) for line in box.lines]
    for source, target, line in sorted(pairs, key=lambda pair: ranks[pair[1]] - ranks[pair[0]]):
        between = range(ranks[source] + 1, ranks[target])
        column = next(
            (c for c in (columns[source], columns[target]) if not any((c, rank) in at for rank in between)),
            None,
        )
        if column is not None:
            wires.append(Wire(source, target, line, column))
            continue
        gutter = columns[source] if columns[target] >= columns[source] else columns[source] - 1
        lanes = gutters.setdefault(gutter, [])
        wanted = (ranks[source], ranks[target])
        lane = next((n for n, lane in enumerate(lanes) if _free(lane, wanted)), len(lanes))
        if lane == len(lanes):
            lanes.append([])
        lanes[lane].append(wanted)
        wires.append(Wire(source, target, line, gutter, lane))
    return wires, {gutter: len(lanes) for gutter, lanes in gutters.items()}
