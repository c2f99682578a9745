"""Where float32 may choose otherwise than float64: overlaps that are nearly equal, or near a threshold."""

from __future__ import annotations

import numpy as np

from tests.reference.yolo_loss import iou

NEAR = 2e-6


def decided(images, thresholds):
    """Whether every box of some images has a truth that it overlaps most, clearly, and no threshold is near.

    Equal numbers are no tie: the first wins, in any precision.
    """
    for image in images:
        for n, j, i in np.ndindex(len(image.delta), image.height, image.width):
            overlaps = sorted({float(iou(image.box(n, j, i), truth)) for truth in image.truths}, reverse=True)
            if len(overlaps) > 1 and overlaps[0] - overlaps[1] < NEAR:
                return False
            if any(abs(overlap - threshold) < NEAR for overlap in overlaps for threshold in thresholds):
                return False
    return True
