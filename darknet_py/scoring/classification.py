"""Figures of a classifier's predictions: which classes are confused, and how often each is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from darknet_py.errors import quoted

TOP = 5


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) counts of images, by label (rows) and by predicted class (columns).

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def accuracy_per_class(confusion: np.ndarray) -> list[float | None]:
    """The share of each class's images that are predicted right; None where there is no image of it."""
    pairs = zip(confusion.diagonal(), confusion.sum(axis=1), strict=True)
    return [float(right / images) if images else None for right, images in pairs]


def confusion_lines(confusion: Sequence[Sequence[int]], names: Sequence[str], *, most: int = 20) -> list[str]:
    """A confusion matrix as text, in percent of each row; of many classes the most confused pairs."""
    counts, names = np.array(confusion), [quoted(name) for name in names]
    shares = 100 * counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    if len(names) <= most:
        wide = max(map(len, names))
        rows = (" ".join(f"{share:4.0f}" for share in row) for row in shares)
        body = [f"{name:<{wide}} {row}" for name, row in zip(names, rows, strict=True)]
        return ["", "rows: labels; columns: predictions, in the same order; percent of the row", *body]
    off = shares * (1 - np.eye(len(names)))
    places = np.dstack(np.unravel_index(np.argsort(-off, axis=None)[:most], off.shape))[0]
    return ["", "confused most often, percent"] + [
        f"{off[row, column]:4.0f}  {names[row]} for {names[column]}"
        for row, column in places
        if counts[row, column] and row != column
    ]
