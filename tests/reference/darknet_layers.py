"""Layers of Darknet as plain loops over numbers, from what its two programs do; independent of the package.

AlexeyAB: reorg_layer.c, reorg_old_layer.c, local_layer.c, scale_channels_layer.c, sam_layer.c,
detection_layer.c. pjreddie: deconvolutional_layer.c, l2norm_layer.c, iseg_layer.c, reorg_layer.c (flatten),
shortcut_layer.c. Maps are (C, H, W) arrays.
"""

from __future__ import annotations

import math

import numpy as np


def blocks(width, height, channels, stride):
    """Pairs of flat places: in a map of so many channels, and in one with cells taken apart."""
    whole = channels // stride**2
    for k in range(channels):
        for j in range(height):
            for i in range(width):
                c, offset = k % whole, k // whole
                x, y = i * stride + offset % stride, j * stride + offset // stride
                yield i + width * (j + height * k), x + width * stride * (y + height * stride * c)


def reorg(image, stride, *, reverse=False):
    """Darknet's [reorg]: its loops run over the shape of the input."""
    c, h, w = image.shape
    flat, out = image.reshape(-1), np.empty(image.size)
    for deep, wide in blocks(w, h, c, stride):
        if reverse:
            out[wide] = flat[deep]
        else:
            out[deep] = flat[wide]
    return out.reshape(shape_of(image, stride, reverse))


def reorg3d(image, stride, *, reverse=False):
    """Darknet's [reorg3d]: the same loops over the shape of the output."""
    shape = shape_of(image, stride, reverse)
    flat, out = image.reshape(-1), np.empty(image.size)
    for deep, wide in blocks(shape[2], shape[1], shape[0], stride):
        if reverse:
            out[wide] = flat[deep]
        else:
            out[deep] = flat[wide]
    return out.reshape(shape)


def shape_of(image, stride, reverse):
    c, h, w = image.shape
    return (c // stride**2, h * stride, w * stride) if reverse else (c * stride**2, h // stride, w // stride)


def flattened(image, *, reverse=False):
    """pjreddie's flatten: numbers of a cell side by side, or taken apart again; the shape stays."""
    c, size = image.shape[0], image.shape[1] * image.shape[2]
    flat, out = image.reshape(-1), np.empty(image.size)
    for channel in range(c):
        for cell in range(size):
            apart, together = channel * size + cell, cell * c + channel
            if reverse:
                out[apart] = flat[together]
            else:
                out[together] = flat[apart]
    return out.reshape(image.shape)


def local(image, bias, weights, *, filters, size, stride, pad):
    """[local]: weights are flat, cell by cell, (filters, channels, size, size) each; biases flat too."""
    c, h, w = image.shape
    rows, columns = ((side - (1 if pad else size)) // stride + 1 for side in (h, w))
    out, count = np.empty((filters, rows, columns)), c * size * size
    for row in range(rows):
        for column in range(columns):
            for f in range(filters):
                total = bias[(f * rows + row) * columns + column]
                begin = ((row * columns + column) * filters + f) * count
                for channel in range(c):
                    for dy in range(size):
                        for dx in range(size):
                            y, x = row * stride + dy - pad, column * stride + dx - pad
                            if 0 <= y < h and 0 <= x < w:
                                place = begin + (channel * size + dy) * size + dx
                                total += weights[place] * image[channel, y, x]
                out[f, row, column] = total
    return out


def deconvolved(image, bias, weights, *, filters, size, stride, padding):
    """[deconvolutional]: every cell adds its number times a kernel, (channels, filters, k, k)."""
    c, h, w = image.shape
    rows, columns = ((side - 1) * stride + size - 2 * padding for side in (h, w))
    out = np.empty((filters, rows, columns))
    for f in range(filters):
        out[f] = bias[f]
    for channel in range(c):
        for y in range(h):
            for x in range(w):
                for f in range(filters):
                    for dy in range(size):
                        for dx in range(size):
                            row, column = y * stride + dy - padding, x * stride + dx - padding
                            if 0 <= row < rows and 0 <= column < columns:
                                weight = weights[((channel * filters + f) * size + dy) * size + dx]
                                out[f, row, column] += weight * image[channel, y, x]
    return out


def unit_vectors(image):
    """[l2norm]: every cell over its length."""
    out = np.empty(image.shape)
    for y in range(image.shape[1]):
        for x in range(image.shape[2]):
            length = math.sqrt(sum(value * value for value in image[:, y, x]))
            out[:, y, x] = [value / length for value in image[:, y, x]]
    return out


def scaled(scales, image, *, each_cell):
    """[scale_channels]: a number for each channel, or for each cell."""
    out = np.empty(image.shape)
    for c, y, x in np.ndindex(image.shape):
        out[c, y, x] = image[c, y, x] * (scales[0, y, x] if each_cell else scales[c, 0, 0])
    return out


def added(here, other, *, alpha, beta):
    """pjreddie's [shortcut]: where both have a number, alpha times the one plus beta times the other."""
    out = here.copy()
    mine, theirs = here.shape[2], other.shape[2]
    step, skip = max(1, theirs // mine), max(1, mine // theirs)
    least = [min(a, b) for a, b in zip(here.shape, other.shape, strict=True)]
    for c in range(least[0]):
        for y in range(least[1]):
            for x in range(least[2]):
                place = c, y * skip, x * skip
                out[place] = alpha * here[place] + beta * other[c, y * step, x * step]
    return out


def detected(flat, *, side, num, classes, squared, softmax):
    """[detection]: (x, y, w, h, objectness, classes...) of every box, by cells and boxes."""
    cells = side * side
    for cell in range(cells):
        row, column = divmod(cell, side)
        shares = [flat[cell * classes + k] for k in range(classes)]
        if softmax:
            powers = [math.exp(share) for share in shares]
            shares = [power / sum(powers) for power in powers]
        for n in range(num):
            sure = flat[cells * classes + cell * num + n]
            x, y, w, h = flat[cells * (classes + num) + (cell * num + n) * 4 :][:4]
            sizes = (w * w, h * h) if squared else (w, h)
            yield [(x + column) / side, (y + row) / side, *sizes, sure, *shares]
