"""Several labelled images in one training sample: Darknet's mixup, cutmix and mosaic of classifiers.

From AlexeyAB's `load_data_augment`. Each image has been augmented to the full size; the labels are shared out
as the pixels are (Yun et al., "CutMix: regularization strategy to train strong classifiers with localizable
features", ICCV 2019, arXiv:1905.04899; Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018,
arXiv:1710.09412, whose share is drawn and not always a half).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Share = tuple[np.ndarray, int]  # an image (H, W, C), and its label
Sample = tuple[np.ndarray, np.ndarray]  # an image, and rows (T, 6): x, y, w, h, label, share of the truth

WHOLE = (0.5, 0.5, 1.0, 1.0)  # the box that is all of the image
PASTED = (0.3, 0.8)  # of each side, for cutmix
CUT = (0.2, 0.8)  # of each side, for a mosaic


def unmixed(image: np.ndarray, label: int) -> Sample:
    """One image, whose label is all of the truth."""
    return image, np.array([[*WHOLE, label, 1.0]])


def mixup(one: Share, other: Share) -> Sample:
    """Half of each."""
    image = (one[0].astype(np.uint16) + other[0] + 1) // 2
    return image.astype(np.uint8), np.array([[*WHOLE, label, 0.5] for _, label in (one, other)])


def cutmix(one: Share, other: Share, rng: np.random.Generator) -> Sample:
    """A rectangle of the other image, at its own place in it; never at the right and lower edge, as there."""
    image = one[0].copy()
    sides = [_between(rng, side, PASTED) for side in image.shape[:2]]
    starts = [int(rng.integers(side - length)) for side, length in zip(image.shape[:2], sides, strict=True)]
    (top, left), (high, wide) = starts, sides
    image[top : top + high, left : left + wide] = other[0][top : top + high, left : left + wide]
    box, share = _box(left, top, wide, high, image.shape[:2])
    return image, np.array([[*WHOLE, one[1], 1 - share], [*box, other[1], share]])


def mosaic(four: Sequence[Share], rng: np.random.Generator) -> Sample:
    """Four images around a point, each at its own place: top left, top right, bottom left, bottom right."""
    height, width = four[0][0].shape[:2]
    across, down = (_between(rng, side, CUT) for side in (width, height))
    image, rows = np.empty_like(four[0][0]), []
    for number, (pixels, label) in enumerate(four):
        left, wide = (across, width - across) if number % 2 else (0, across)
        top, high = (down, height - down) if number // 2 else (0, down)
        image[top : top + high, left : left + wide] = pixels[top : top + high, left : left + wide]
        box, share = _box(left, top, wide, high, (height, width))
        rows.append([*box, label, share])
    return image, np.array(rows)


def _between(rng: np.random.Generator, side: int, shares: tuple[float, float]) -> int:
    return int(rng.integers(int(shares[0] * side), int(shares[1] * side), endpoint=True))


def _box(left: int, top: int, wide: int, high: int, size: tuple[int, int]) -> tuple[tuple[float, ...], float]:
    """x, y, w and h in fractions, and the area."""
    height, width = size
    box = ((left + wide / 2) / width, (top + high / 2) / height, wide / width, high / height)
    return box, box[2] * box[3]
