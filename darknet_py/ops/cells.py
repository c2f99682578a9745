"""Array arithmetic that the heads share when they decode with numpy.

Overflows are expected of networks that diverged; who calls it silences numpy's warnings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

Floats: TypeAlias = "npt.NDArray[np.floating[Any]]"
Ints: TypeAlias = "npt.NDArray[np.intp]"


class Predictions(NamedTuple):
    """Boxes of a batch whose objectness is above a threshold: by image, rows, columns and anchors.

    Args:
        images: (B,), index of the image in the batch.
        boxes_cxcywh: (B, 4), fractions of the network's input.
        objectness: (B,), may also be NaN or infinite, so that somebody counts it.
        classes: (B, K).
    """

    images: Ints
    boxes_cxcywh: Floats
    objectness: Floats
    classes: Floats


class RawBoxes(NamedTuple):
    """The cells and anchors of a raw map whose objectness is above a threshold.

    Args:
        images, anchors: (B,), indices.
        corners: (B, 2), column and row.
        entries: (B, entries of a box), raw.
        objectness: (B,).
    """

    images: Ints
    anchors: Ints
    corners: Floats
    entries: Floats
    objectness: Floats


def cells_above(
    raw: Floats, shape: tuple[int, int], at: int, threshold: float, *, activated: bool = False
) -> RawBoxes:
    """Find the boxes with an objectness above the threshold, or one that is not finite.

    Args:
        raw: (N, A * E, H, W).
        shape: (A, E), boxes of a cell and numbers of a box.
        at: which number is the objectness.
        activated: it needs no sigmoid.
    """
    boxes = raw.reshape(len(raw), *shape, *raw.shape[2:])
    objectness = boxes[:, :, at].transpose(0, 2, 3, 1)  # (N, H, W, A)
    objectness = objectness if activated else sigmoid(objectness)
    images, rows, columns, anchors = np.nonzero((objectness > threshold) | ~np.isfinite(objectness))
    return RawBoxes(
        images,
        anchors,
        np.stack([columns, rows], axis=1).astype(raw.dtype),
        boxes[images, anchors, :, rows, columns],
        objectness[images, rows, columns, anchors],
    )


def exp(x: Floats) -> Floats:
    """e^x, rounded once: numpy's of float32 is off by up to 3 units in the last place."""
    powers: Floats = np.exp(x, dtype=np.float64).astype(x.dtype)
    return powers


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + e^-x)."""
    return 1 / (1 + exp(-x))


def softmax(x: Floats) -> Floats:
    """e^x over its sum along the last axis."""
    powers = exp(x - x.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True, dtype=np.float64).astype(x.dtype)
    return shares
