"""Pools written from the papers as plain loops over cells: slow, obvious, and independent of the package.

Maximum and local average: Darknet's window (AlexeyAB, maxpool_layer.c). Stochastic pooling: Zeiler and
Fergus 2013, arXiv:1301.3557, sections 3.1 and 3.2, with the rule for negatives in `weights`. SPP:
yolov3-spp.cfg. Mixed pooling: Yu et al. 2014; gated: Lee et al. 2016, arXiv:1509.08985.
SoftPool: Stergiou et al. 2021, arXiv:2101.00440. Lp: Boureau et al. 2010. GeM: Radenovic et al. 2018,
arXiv:1711.02512, equation 3. Log-sum-exp: Pinheiro and Collobert 2015, arXiv:1411.6228. Blur pooling: Zhang
2019, arXiv:1904.11486. Maps are (C, H, W) arrays. A window is the list of its cells that exist, row by row.
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


def bins(shape, count):
    """The cells of a count x count grid: bin i of H rows is floor(i H / count) to ceil((i + 1) H / count)."""
    height, width = shape
    out = {}
    for row in range(count):
        for column in range(count):
            rows = range(math.floor(row * height / count), math.ceil((row + 1) * height / count))
            columns = range(math.floor(column * width / count), math.ceil((column + 1) * width / count))
            out[row, column] = [(y, x) for y in rows for x in columns]
    return out


def pool(image, rule, size, stride, padding=None):
    """Apply `rule` (cells -> number) to every window of every channel."""
    return pool_places(image, rule, windows(image.shape[1:], size, stride, padding))


def pool_bins(image, rule, count):
    """Apply `rule` to every bin of a count x count grid."""
    return pool_places(image, rule, bins(image.shape[1:], count))


def pool_places(image, rule, places):
    """Apply `rule` to the listed cells of each output cell, in every channel."""
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


def least(cells):
    """Erosion: the darkest of the cells that exist."""
    darkest = cells[0]
    for cell in cells:
        darkest = min(darkest, cell)
    return darkest


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
    """Equation 6: what the pool outputs at test time."""
    return sum(chance * cell for chance, cell in zip(chances(cells, negatives), cells, strict=True))


def spp(image, sizes):
    """The largest pool first, then down, the input last: Darknet's `layers=-1,-3,-5,-6` after 5, 9, 13."""
    pooled = [pool(image, greatest, size, (1, 1)) for size in sorted(sizes, reverse=True)]
    return np.concatenate([*pooled, image])


def global_max(image):
    """Global max pooling: the greatest cell of each channel, as (C, 1, 1)."""
    out = np.zeros((len(image), 1, 1), image.dtype)
    for channel, plane in enumerate(image):
        out[channel, 0, 0] = greatest([cell for row in plane for cell in row])
    return out


def median(cells, even="mean"):
    """The middle cell; of an even number the mean of the two middles, or the lower of them."""
    ordered = sorted(cells)
    lower, upper = ordered[(len(cells) - 1) // 2], ordered[len(cells) // 2]
    return lower if even == "lower" else (lower + upper) / 2


def mixed(cells, alpha):
    """Yu et al.: alpha * max + (1 - alpha) * mean; their alpha is drawn as 0 or 1."""
    return alpha * greatest(cells) + (1 - alpha) * mean(cells)


def mean_then_max(image, size, stride, padding=None):
    """The mean pool's channels, then the max pool's."""
    return np.concatenate([pool(image, rule, size, stride, padding) for rule in (mean, greatest)])


def gated(image, gate, size, stride, padding=None):
    """Lee et al.: alpha = sigmoid(w . window), one w for the layer, a cell outside counts 0."""
    padding = size - 1 if padding is None else padding
    out = pool(image, mean, size, stride, padding)
    for (row, column), cells in windows(image.shape[1:], size, stride, padding).items():
        top, left = row * stride[0] - padding // 2, column * stride[1] - padding // 2
        for channel, plane in enumerate(image):
            dot = 0.0
            for y, x in cells:
                dot += gate[(y - top) * size + (x - left)] * plane[y, x]
            alpha = 1 / (1 + math.exp(-dot))
            out[channel, row, column] = mixed([plane[cell] for cell in cells], alpha)
    return out


def soft(cells, temperature=1.0):
    """SoftPool: each cell weighs exp(x / t)."""
    top = max(cells)
    shares = [math.exp((cell - top) / temperature) for cell in cells]
    return sum(share * cell for share, cell in zip(shares, cells, strict=True)) / sum(shares)


def log_sum_exp(cells, r=1.0):
    """(1 / r) log(mean(exp(r x)))."""
    top = max(cells)
    return top + math.log(sum(math.exp(r * (cell - top)) for cell in cells) / len(cells)) / r


def power_norm(cells, p=2.0):
    """(mean |x|^p)^(1 / p)."""
    return (sum(abs(cell) ** p for cell in cells) / len(cells)) ** (1 / p)


def generalised_mean(cells, p=3.0, eps=1e-6):
    """GeM: (mean max(x, eps)^p)^(1 / p)."""
    return (sum(max(cell, eps) ** p for cell in cells) / len(cells)) ** (1 / p)


def blurred_max(image, taps, size, stride, padding=None):
    """The maximum with stride 1, then a binomial low-pass filter of `taps` taps with the stride.

    The filter centres on its output cell (its padding is taps - 1), takes the cells that the maximum's map
    has, and divides by the sum of their weights.
    """
    maxima = pool(image, greatest, size, (1, 1), padding)
    row_of_pascal = [math.comb(taps - 1, k) for k in range(taps)]
    places = windows(maxima.shape[1:], taps, stride)
    height, width = 1 + max(row for row, _ in places), 1 + max(column for _, column in places)
    out = np.zeros((len(image), height, width), image.dtype)
    for (row, column), cells in places.items():
        top, left = row * stride[0] - (taps - 1) // 2, column * stride[1] - (taps - 1) // 2
        for channel, plane in enumerate(maxima):
            total, weight = 0.0, 0.0
            for y, x in cells:
                share = row_of_pascal[y - top] * row_of_pascal[x - left]
                total += share * plane[y, x]
                weight += share
            out[channel, row, column] = total / weight
    return out
