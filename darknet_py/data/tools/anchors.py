"""Anchors for a data set: the k-means of Darknet's `calc_anchors`, with a seed.

Boxes are widths and heights in pixels of the network's input, all with one corner in common; their distance
is 1 - IoU. The first centre is a box drawn at random, each further one a box drawn in proportion to its
distance from the nearest centre. Then boxes go to their nearest centre and centres to the mean of their
boxes, until no box moves. Means do not minimise 1 - IoU: large boxes draw them more than IoU would, other
seeds end elsewhere, and it may never end, so that `MOST_ROUNDS` are the most.
Darknet draws by the clock; ours gives the same anchors for the same seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.box_defects import TINY
from darknet_py.errors import DataError, UsageError

MOST_ROUNDS = 1000
SMALL_NETWORK = 32  # at widths up to this, Darknet prints fractions: anchors are cells
BLOCK = 1 << 20  # distances held at once


@dataclass(frozen=True)
class Anchors:
    """Anchors by area, smallest first.

    Args:
        sizes: (A, 2) width and height in pixels of the network's input.
        shares: (A,) part of the boxes that is nearest to each.
        average_iou: over the boxes, with the nearest anchor each.
        boxes: how many there were.
        seed: that the first centres were drawn with.
    """

    sizes: np.ndarray
    shares: np.ndarray
    average_iou: float
    boxes: int
    seed: int = 0

    def pairs(self, width: int) -> list[str]:
        """Width and height of each as a cfg has them: as Darknet prints them, but no side is 0."""
        form = "{:.4f}" if width <= SMALL_NETWORK else "{:.0f}"
        return [
            ",".join((form if side >= 0.5 else "{:.2g}").format(side) for side in size)
            for size in self.sizes.tolist()
        ]

    def line(self, width: int) -> str:
        """The line for a cfg."""
        return "anchors = " + ", ".join(self.pairs(width))


def anchors_of(
    data: Dataset, *, number: int, width: int, height: int, seed: int = 0, tries: int = 1
) -> Anchors:
    """Find anchors for the boxes of one split; crowds are left out.

    Args:
        tries: so many seeds from `seed` on; the anchors of the largest average IoU are kept.

    Raises:
        DataError: when there is no box.
        UsageError: when there are fewer boxes of different sizes than anchors.
    """
    sizes = sizes_of(data, width=width, height=height)
    found = (k_means(sizes, number=number, seed=one) for one in range(seed, seed + tries))
    return max(found, key=lambda anchors: anchors.average_iou)


def sizes_of(data: Dataset, *, width: int, height: int) -> np.ndarray:
    """Widths and heights of all boxes that are no crowd, in pixels of the network's input: (B, 2).

    Boxes with a side below 1/1000 of the image's are left out, as Darknet leaves them out of training.

    Raises: DataError: when there is no box.
    """
    parts = []
    for index in range(len(data)):
        record = data.record(index)
        sides = record.boxes_xywh[~record.crowd, 2:]
        parts.append(sides * (width / record.width, height / record.height))
    sizes = np.concatenate(parts) if parts else np.zeros((0, 2))
    if not len(sizes):
        raise DataError("has no box to find anchors for")
    usable: np.ndarray = sizes[(sizes >= TINY * np.array([width, height])).all(axis=1)]
    if not len(usable):
        message = (
            f"all {len(sizes):,} boxes have a side below {TINY:g} of the image's: there is nothing to learn"
        )
        raise DataError(message, hint="their units may be others; `darknet-py data check` looks at them")
    return usable


def k_means(sizes: np.ndarray, *, number: int, seed: int = 0) -> Anchors:
    """Cluster boxes by 1 - IoU.

    Args:
        sizes: (B, 2) widths and heights, above 0.

    Raises: UsageError: when there are fewer boxes of different sizes than anchors.
    """
    different = len(np.unique(sizes, axis=0))
    if different < number:
        raise UsageError(f"{number} anchors were asked for, and there are {different} sizes of boxes")
    centres = _first_centres(sizes, number, np.random.Generator(np.random.Philox(seed)))
    nearest = np.full(len(sizes), -1)
    for _ in range(MOST_ROUNDS):
        moved, _ = _nearest(sizes, centres)
        if (moved == nearest).all():
            break
        nearest = moved
        centres = _means(sizes, nearest, centres)
    centres = centres[np.argsort(centres.prod(axis=1), kind="stable")]
    nearest, best = _nearest(sizes, centres)
    shares = np.bincount(nearest, minlength=number) / len(sizes)
    return Anchors(centres, shares, average_iou=float(best.mean()), boxes=len(sizes), seed=seed)


def _first_centres(sizes: np.ndarray, number: int, draw: np.random.Generator) -> np.ndarray:
    centres: np.ndarray = sizes[draw.integers(len(sizes))][None]
    while len(centres) < number:
        _, best = _nearest(sizes, centres)
        reached = np.cumsum(1 - best)
        at = np.searchsorted(reached, draw.random() * reached[-1], side="right")
        centres = np.concatenate([centres, sizes[at][None]])
    return centres


def _nearest(sizes: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every box, the nearest centre (the first of equals) and the IoU with it."""
    step = max(1, BLOCK // len(centres))
    parts = [shape_iou(sizes[at : at + step], centres) for at in range(0, len(sizes), step)]
    return (
        np.concatenate([iou.argmax(axis=1) for iou in parts]),
        np.concatenate([iou.max(axis=1) for iou in parts]),
    )


def shape_iou(sizes: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """IoU of boxes that have one corner in common, (B, 2) and (A, 2): (B, A)."""
    intersection: np.ndarray = np.minimum(sizes[:, None], centres[None]).prod(axis=2)
    union = sizes.prod(axis=1)[:, None] + centres.prod(axis=1)[None] - intersection
    iou: np.ndarray = intersection / union
    return iou


def _means(sizes: np.ndarray, nearest: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The mean of the boxes of each centre; one without boxes stays where it is."""
    counts = np.bincount(nearest, minlength=len(centres))
    sums = np.stack([np.bincount(nearest, sizes[:, axis], len(centres)) for axis in (0, 1)], axis=1)
    means: np.ndarray = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres)
    return means
