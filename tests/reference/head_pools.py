"""Pools that end a network or undo a pool, from the papers as plain loops, independent of the package.

Spatial pyramid: He et al. 2014, arXiv:1406.4729. NetVLAD: Arandjelovic et al. 2016,
arXiv:1511.07247, equation 4 and section 3.1. Bilinear pooling: Lin et al. 2015, arXiv:1504.07889.
Unpooling: Zeiler and Fergus 2014, arXiv:1311.2901, section 2.1. Maps are (C, H, W) arrays; the first
three put out a (length, 1, 1) array.
"""

from __future__ import annotations

import math

import numpy as np

from tests.reference.pools import pool_bins


def column(numbers):
    """A list of numbers as a map of one cell."""
    return np.array(numbers, np.float64).reshape(len(numbers), 1, 1)


def length(vector):
    """Its L2 norm."""
    return math.sqrt(sum(number * number for number in vector))


def unit(vector, eps=1e-12):
    """A vector over its L2 norm; a vector of zeros stays zeros."""
    norm = max(length(vector), eps)
    return [number / norm for number in vector]


def sppnet(image, levels, rule):
    """Every level's l x l grid, in the order given: channel by channel, each row by row."""
    out = []
    for level in levels:
        grid = pool_bins(image, rule, level)
        for plane in grid:
            for row in plane:
                out.extend(row)
    return column(out)


def descriptors(image):
    """The vector of channels at each cell, row by row."""
    channels, height, width = image.shape
    return [[image[c, y, x] for c in range(channels)] for y in range(height) for x in range(width)]


def soft_assignment(descriptor, weights, biases):
    """Equation 3: the softmax over clusters k of w_k . x + b_k."""
    scores = []
    for weight, bias in zip(weights, biases, strict=True):
        scores.append(sum(w * x for w, x in zip(weight, descriptor, strict=True)) + bias)
    shares = [math.exp(score - max(scores)) for score in scores]
    return [share / sum(shares) for share in shares]


def netvlad(image, weights, biases, centres, normalize_input):
    """Equation 4: V(k) = sum over cells of a_k(x) (x - c_k); each V(k) to length 1, then all of them."""
    residuals = np.zeros(np.shape(centres), np.float64)  # (K, D)
    for descriptor in descriptors(image):
        descriptor = unit(descriptor) if normalize_input else descriptor
        for k, share in enumerate(soft_assignment(descriptor, weights, biases)):
            for d, number in enumerate(descriptor):
                residuals[k, d] += share * (number - centres[k][d])
    joined = []
    for row in residuals:
        joined.extend(unit(row))
    return column(unit(joined))


def bilinear(first, second, eps=1e-5):
    """The outer product of two maps' descriptors averaged over the cells, signed root, to length 1."""
    cells = first.shape[1] * first.shape[2]
    out = []
    for one in first:
        for other in second:
            product = 0.0
            for y in range(first.shape[1]):
                for x in range(first.shape[2]):
                    product += one[y, x] * other[y, x]
            product /= cells
            root = math.sqrt(abs(product) + eps)
            out.append(root if product > 0 else -root if product < 0 else 0.0)
    return column(unit(out))


def unpool(values, image, places):
    """Each value is added at the first greatest cell of `image` among the `places` of its output cell."""
    out = np.zeros(image.shape, np.float64)
    for (row, column_), cells in places.items():
        for channel, plane in enumerate(image):
            best = cells[0]
            for cell in cells:
                if plane[cell] > plane[best]:
                    best = cell
            out[channel][best] += values[channel, row, column_]
    return out
