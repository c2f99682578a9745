"""Matches of several detectors that see the same objects, drawn without boxes: as many images as wanted."""

from __future__ import annotations

import numpy as np

from darknet_py.scoring.matches import THRESHOLDS, Matches


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def simulated_runs(images: int, classes: int, *, runs: int, seed: int = 1, objects: int = 3) -> list[Matches]:
    """Runs that fail mostly on the same objects.

    Args:
        objects: per image, on average; detections without an object are three times as many.
    """
    draw = np.random.default_rng(seed)
    count = images * objects
    of, labels = np.sort(draw.integers(0, images, count)), draw.integers(0, classes, count)
    ease = draw.normal(0, 1, count)
    return [_run(draw, (images, classes), of, labels, ease + draw.normal(0, 0.7, count)) for _ in range(runs)]


def _run(
    draw: np.random.Generator, size: tuple[int, int], of: np.ndarray, labels: np.ndarray, ease: np.ndarray
) -> Matches:
    (images, classes), count = size, len(of)
    overlap = _sigmoid(ease + 0.8)
    found = overlap > 0.3
    reached = np.searchsorted(THRESHOLDS, overlap, side="right").astype(np.uint64)
    bits = (np.uint64(1) << reached) - np.uint64(1)
    false = 3 * count
    where = np.concatenate([of[found], draw.integers(0, images, false)])
    what = np.concatenate([labels[found], draw.integers(0, classes, false)])
    right = _sigmoid(1.2 * ease + draw.normal(0, 1, count))[found]
    scores = np.concatenate([right, _sigmoid(draw.normal(-1, 1, false))])
    hits = np.concatenate([bits[found], np.zeros(false, np.uint64)])
    order = np.lexsort((-scores, what))
    return Matches(
        np.arange(images),
        np.arange(classes),
        np.searchsorted(what[order], np.arange(classes + 1)),
        where[order].astype(np.uint32),
        scores[order],
        np.zeros(len(order), np.uint8),
        hits[order],
        np.zeros(len(order), np.uint64),
        of.astype(np.uint32),
        labels.astype(np.uint32),
        np.ones(count, np.uint8),
    )
