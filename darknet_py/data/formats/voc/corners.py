"""From where a VOC tree counts its pixels, judged over all its boxes.

VOC counts from 1 and includes the last pixel. Other tools write the same files with continuous coordinates
from 0 (CVAT, Roboflow), or count from 0 and include the last pixel. Boxes that touch an edge show which.
"""

from __future__ import annotations

import numpy as np

FROM_ONE, CONTINUOUS, FROM_ZERO = (-1, 0), (0, 0), (0, 1)  # added to the first corner, and to the second
NOTES = {
    FROM_ONE: "",
    CONTINUOUS: "corners count from 0, not from 1 as VOC's",
    FROM_ZERO: "corners count from 0 and include the last pixel, not from 1 as VOC's",
}


def corner_offsets(corners: np.ndarray, sizes: np.ndarray) -> tuple[int, int]:
    """Find what to add to both corners, as they are written, for continuous coordinates from 0.

    Args:
        corners: (B, 4) of all boxes, x1, y1, x2, y2.
        sizes: (B, 2) width and height of the image of each.
    """
    first, second = corners[:, :2], corners[:, 2:]
    if (corners % 1 != 0).any():
        return CONTINUOUS
    zeros = int((first == 0).sum())
    if zeros == 0 or zeros < int((first == 1).sum()):
        return FROM_ONE  # a few zeros among ones are slips
    last, beyond = int((second == sizes - 1).sum()), int((second == sizes).sum())
    return FROM_ZERO if last > beyond else CONTINUOUS
