"""Pools written from the papers as plain loops over cells: slow, obvious, and independent of the package.

Maximum and local average: Darknet's window (AlexeyAB, maxpool_layer.c). Stochastic pooling: Zeiler and
Fergus 2013, arXiv:1301.3557, sections 3.1 and 3.2, with the rule for negatives in `weights`. SPP:
yolov3-spp.cfg. Maps are (C, H, W) arrays. A window is the list of its cells that exist, row by row.
"""

from __future__ import annotations

import math

import numpy as np


def output_size(cells, size, stride, padding):
    """How many windows fit an axis: `padding` is the total added to both ends."""
    return (cells + padding - size) // stride + 1


def window(output, cells, size, stride, padding):
    """The cells of one axis that window `output` covers and that exist."""
    begin = output * stride - padding // 2
    return [cell for cell in range(begin, begin + size) if 0 <= cell < cells]


def windows(shape, size, stride, padding=None):
    """For each output (row, column) the (row, column) of its cells. `stride` is (down, across)."""
    padding = size - 1 if padding is None else padding
    height, width = shape
    out = {}
    for row in range(output_size(height, size, stride[0], padding)):
        for column in range(output_size(width, size, stride[1], padding)):
            rows = window(row, height, size, stride[0], padding)
            columns = window(column, width, size, stride[1], padding)
            out[row, column] = [(y, x) for y in rows for x in columns]
    return out


def pool(image, rule, size, stride, padding=None):
    """Apply `rule` (cells -> number) to every window of every channel."""
    places = windows(image.shape[1:], size, stride, padding)
    height, width = 1 + max(row for row, _ in places), 1 + max(column for _, column in places)
    out = np.zeros((len(image), height, width), image.dtype)
    for channel, plane in enumerate(image):
        for (row, column), cells in places.items():
            out[channel, row, column] = rule([plane[cell] for cell in cells])
    return out


def greatest(cells):
    """Max pooling."""
    best = cells[0]
    for cell in cells:
        best = max(best, cell)
    return best


def mean(cells):
    """Average pooling over the cells that exist."""
    return sum(cells) / len(cells)


def weights(cells, negatives):
    """What the chance of each cell is proportional to."""
    if negatives == "relu":
        return [max(cell, 0.0) for cell in cells]
    if negatives == "shift":
        return [cell - min(cells) for cell in cells]
    if negatives == "abs":
        return [abs(cell) for cell in cells]
    assert negatives == "softmax"
    return [math.exp(cell - max(cells)) for cell in cells]


def chances(cells, negatives):
    """Equation 4 of the paper: p_i = a_i / sum(a). With nothing to choose by, every cell is as likely."""
    shares = weights([float(cell) for cell in cells], negatives)
    if sum(shares) == 0:
        return [1 / len(cells)] * len(cells)
    return [share / sum(shares) for share in shares]


def expected(cells, negatives):
    """Equation 6: what the pool puts out at test time."""
    return sum(chance * cell for chance, cell in zip(chances(cells, negatives), cells, strict=True))


def spp(image, sizes):
    """The largest pool first, then down, the input last: Darknet's `layers=-1,-3,-5,-6` after 5, 9, 13."""
    pooled = [pool(image, greatest, size, (1, 1)) for size in sorted(sizes, reverse=True)]
    return np.concatenate([*pooled, image])
