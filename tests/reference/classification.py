"""What a classifier computes, written as plain loops: slow, obvious, and independent of the package.

Response normalisation: Krizhevsky, Sutskever and Hinton 2012, section 3.3, with Darknet's window for even
sizes (AlexeyAB, normalization_layer.c), and the running sum of the same file. Connected layers:
connected_layer.c. Labels: `fill_truth_smooth` of data.c. Cropping: `resize_min`, `crop_image` and
`rotate_crop_image` of image.c. Maps and images are (C, H, W) arrays, logits and labels (N, K).
"""

from __future__ import annotations

import math

import numpy as np


def normalized(image, alpha, beta, kappa, size):
    """Each cell divided by (kappa + alpha * sum of squares of the channels around it) ** beta."""
    channels, height, width = image.shape
    out = np.empty(image.shape)
    for k in range(channels):
        first, last = max(0, k - (size - 1) // 2), min(channels - 1, k + size // 2)
        for y in range(height):
            for x in range(width):
                total = sum(float(image[j, y, x]) ** 2 for j in range(first, last + 1))
                out[k, y, x] = image[k, y, x] / (kappa + alpha * total) ** beta
    return out


def normalized_by_darknet(image, alpha, beta, kappa, size):
    """As Darknet's loop leaves it: channel size // 2 is never added, and subtracted all the same."""
    channels, height, width = image.shape
    out = np.empty(image.shape)
    for y in range(height):
        for x in range(width):
            squares = [float(v) ** 2 for v in image[:, y, x]]
            norm = kappa
            for k in range(min(size // 2, channels)):
                norm += alpha * squares[k]
            for k in range(channels):
                if k > 0:
                    before, after = k - (size - 1) // 2 - 1, k + size // 2
                    if before >= 0:
                        norm -= alpha * squares[before]
                    if after < channels:
                        norm += alpha * squares[after]
                out[k, y, x] = image[k, y, x] * norm**-beta
    return out


def connected(batch, weights, bias):
    """`weights` are [out][in]; the inputs are a map's cells, channel by channel, row by row."""
    flat = [image.reshape(-1) for image in batch]
    return np.array([[float(np.dot(row, x)) + b for row, b in zip(weights, bias, strict=True)] for x in flat])


def softmax(logits, temperature=1.0):
    """Of every row."""
    out = np.empty(logits.shape)
    for i, row in enumerate(logits):
        powers = [math.exp((v - max(row)) / temperature) for v in row]
        out[i] = [p / sum(powers) for p in powers]
    return out


def smooth_labels(labels, classes, eps):
    """1 - eps for the class, eps / (classes - 1) for every other."""
    out = np.full((len(labels), classes), eps / (classes - 1) if eps else 0.0)
    for i, label in enumerate(labels):
        out[i, label] = 1 - eps
    return out


def cross_entropy(logits, labels, eps=0.0, temperature=1.0):
    """The loss of every image."""
    truth = smooth_labels(labels, logits.shape[1], eps)
    return np.array(
        [
            sum(-t * math.log(p) for t, p in zip(row, ps, strict=True) if t)
            for row, ps in zip(truth, softmax(logits, temperature), strict=True)
        ]
    )


def top(scores, labels, k):
    """The share of images whose class is among the k greatest scores; of equal scores the first leads."""
    hits = 0
    for row, label in zip(scores, labels, strict=True):
        order = sorted(range(len(row)), key=lambda c: (-row[c], c))
        hits += label in order[:k]
    return hits / len(labels)


def confusion(scores, labels, classes):
    """Counts: a row for each true class, a column for each class answered."""
    out = np.zeros((classes, classes), int)
    for row, label in zip(scores, labels, strict=True):
        out[label, max(range(classes), key=lambda c: (row[c], -c))] += 1
    return out


def sample(image, y, x):
    """Bilinear, with zeros outside the image; a cell's value sits at its integer coordinates."""
    channels, height, width = image.shape
    top_row, left = math.floor(y), math.floor(x)
    out = np.zeros(channels)
    for row in (top_row, top_row + 1):
        for column in (left, left + 1):
            if 0 <= row < height and 0 <= column < width:
                out += (1 - abs(y - row)) * (1 - abs(x - column)) * image[:, row, column]
    return out


def resized(image, height, width):
    """Darknet's `resize_image`: the corners of both images coincide."""
    _, rows, columns = image.shape
    out = np.empty((len(image), height, width))
    for y in range(height):
        for x in range(width):
            down = (rows - 1) / (height - 1) * y if height > 1 else rows - 1
            across = (columns - 1) / (width - 1) * x if width > 1 else columns - 1
            out[:, y, x] = sample(image, min(down, rows - 1), min(across, columns - 1))
    return out


def centre_crop(image, height, width):
    """Darknet's validation: the shorter side becomes `width`, then the middle; the border repeats."""
    _, rows, columns = image.shape
    size = (rows * width // columns, width) if columns < rows else (width, columns * width // rows)
    small = image if size == (rows, columns) else resized(image, *size)
    down, across = int((size[0] - height) / 2), int((size[1] - width) / 2)
    out = np.empty((len(image), height, width))
    for y in range(height):
        for x in range(width):
            row, column = min(max(y + down, 0), size[0] - 1), min(max(x + across, 0), size[1] - 1)
            out[:, y, x] = small[:, row, column]
    return out


def spare(image, side, size, aspect):
    """How far (down, across) a crop may lie from the middle: pixels of the scaled picture, each way."""
    _, rows, columns = image.shape
    scale = side / min(rows, columns * aspect)
    return max(0, (rows * scale - size) / 2), max(0, (columns * scale / aspect - size) / 2)


def random_crop(image, side, size, *, angle, aspect, down, across):
    """`size` x `size` pixels of the image scaled to `side` and turned by `angle` degrees about its middle."""
    _, rows, columns = image.shape
    scale, radians = side / min(rows, columns * aspect), math.radians(angle)
    cos, sin = math.cos(radians), math.sin(radians)
    out = np.empty((len(image), size, size))
    for y in range(size):
        for x in range(size):
            u = (x - size / 2 + across) / scale * aspect
            v = (y - size / 2 + down) / scale
            out[:, y, x] = sample(image, sin * u + cos * v + rows / 2, cos * u - sin * v + columns / 2)
    return out
