"""Several images in one sample of a classifier, cell by cell; from AlexeyAB's `load_data_augment` (data.c).

Images are (H, W, 3) arrays, truths are arrays of K shares.
"""

from __future__ import annotations

import numpy as np


def blend(images, truths):
    """Half of each of two."""
    height, width, _ = images[0].shape
    out = np.zeros(images[0].shape)
    for y in range(height):
        for x in range(width):
            out[y, x] = (images[0][y, x].astype(float) + images[1][y, x]) / 2
    return out, (truths[0] + truths[1]) / 2


def paste(images, truths, left, top, cut_w, cut_h):
    """A rectangle of the second image over the first, at the same place."""
    height, width, _ = images[0].shape
    out, cells = np.zeros(images[0].shape), 0
    for y in range(height):
        for x in range(width):
            inside = left <= x < left + cut_w and top <= y < top + cut_h
            out[y, x] = images[1][y, x] if inside else images[0][y, x]
            cells += inside
    alpha = cells / (width * height)
    return out, truths[0] * (1 - alpha) + truths[1] * alpha


def four(images, truths, cut_x, cut_y):
    """Top left, top right, bottom left and bottom right of a point, each from an image of its own."""
    height, width, _ = images[0].shape
    out, counts = np.zeros(images[0].shape), [0, 0, 0, 0]
    for y in range(height):
        for x in range(width):
            number = (1 if x >= cut_x else 0) + (2 if y >= cut_y else 0)
            out[y, x] = images[number][y, x]
            counts[number] += 1
    return out, sum(count / (width * height) * truth for count, truth in zip(counts, truths, strict=True))
