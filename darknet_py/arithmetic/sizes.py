"""The sizes that multi-scale training draws from, by Darknet's rule."""

from __future__ import annotations

from itertools import pairwise


def greatest_factor(random: float) -> float:
    """By how much a side may grow, and shrink: `[yolo] random`, where 1 means 1.4."""
    return 1.4 if random == 1 else random


def drawn_side(side: int, scale: float, step: int) -> int:
    """A side of the input after scaling, in whole steps.

    The rule adds one step, and does not let a smaller size grow by it.

    >>> drawn_side(416, 1.0, 32), drawn_side(416, 1 / 1.4, 32)
    (448, 320)
    """
    wanted = (round(scale * side / step) + 1) * step
    return max(step, side if scale < 1 and wanted > side else wanted)


def smallest_side(side: int, random: float, step: int) -> int:
    """The smallest that multi-scale training draws; the side itself without it.

    >>> smallest_side(608, 1, 32), smallest_side(608, 0, 32)
    (480, 608)
    """
    return drawn_side(side, 1 / greatest_factor(random), step) if random else side


def training_sizes(height: int, width: int, random: float, step: int) -> list[tuple[int, int]]:
    """Rows and columns of every input that multi-scale training draws, scaled by one factor; ascending.

    >>> [rows for rows, columns in training_sizes(416, 416, 1, 32)]
    [320, 352, 384, 416, 448, 480, 512, 544, 576, 608]
    """
    if not random:
        return [(height, width)]
    factor = max(greatest_factor(random), 1 / greatest_factor(random))
    turns = {
        (2 * n + 1) * step / (2 * side)
        for side in (height, width)
        for n in range(int(factor * side / step) + 2)
    }
    edges = sorted({1 / factor, 1.0, factor, *(turn for turn in turns if 1 / factor < turn < factor)})
    scales = [*edges, *((a + b) / 2 for a, b in pairwise(edges))]
    return sorted({(drawn_side(height, scale, step), drawn_side(width, scale, step)) for scale in scales})
