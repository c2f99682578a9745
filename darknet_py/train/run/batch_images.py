"""The first batches of a training as images, with their boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from darknet_py.data.loader.collate import Batch
from darknet_py.files.atomic import publish_bytes
from darknet_py.predict.drawing import ascii_of, draw_boxes

MAX_IMAGES = 16  # images of a batch: more would be too small to see
MIN_SIDE = 160  # pixels: smaller images are enlarged, so that labels do not cover them


def write_batch_image(batch: Batch, path: Path, names: Sequence[str]) -> int:
    """Write the first images of a batch side by side, as a JPEG file.

    Returns:
        How many images it shows.
    """
    _, data = cv2.imencode(".jpg", cv2.cvtColor(batch_image(batch, names), cv2.COLOR_RGB2BGR))
    publish_bytes(path, data.tobytes())
    return min(len(batch.images), MAX_IMAGES)


def batch_image(batch: Batch, names: Sequence[str]) -> np.ndarray:
    """The first images of a batch side by side, with their boxes: (H, W, 3) uint8 RGB.

    A classifier's label is a box around its image, with the name in the corner. Small images are enlarged by
    an integer factor.
    """
    images = batch.images[:MAX_IMAGES].expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy()  # grey too
    factor = -(-MIN_SIDE // max(images.shape[1:3]))
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    tiles = [
        draw_boxes(image, [_labelled_box(row, image.shape, names) for row in rows])
        for image, rows in zip(images, batch.rows[:MAX_IMAGES], strict=True)
    ]
    columns = math.ceil(math.sqrt(len(tiles)))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    lines = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    return np.vstack(lines)


def _labelled_box(
    row: np.ndarray, shape: tuple[int, ...], names: Sequence[str]
) -> tuple[tuple[float, ...], str, int]:
    x, y, w, h = row[:4] * (shape[1], shape[0], shape[1], shape[0])
    return (x - w / 2, y - h / 2, x + w / 2, y + h / 2), ascii_of(names[int(row[4])]), int(row[4])
