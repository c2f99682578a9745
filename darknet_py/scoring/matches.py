"""What became of every detection and every truth, kept so that figures are computed without matching again.

A detection has one bit for each of `CELLS`: ten IoU thresholds in each of four ranges of area, as COCO counts.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from darknet_py.errors import DataError
from darknet_py.files.atomic import publish_bytes
from darknet_py.scoring.tables import Ints

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # of IoU
AREAS = {  # square pixels, both ends included
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
CELLS = len(AREAS) * len(THRESHOLDS)  # bit = area * 10 + threshold
MOST = 100  # detections of one class in one image that count

Bits = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Matches:
    """Detections in the order in which they are counted: by class, then by falling score.

    Equal scores keep the order of images, then that of the results. Of a class in an image, `MOST` are kept.

    Args:
        image_ids, category_ids: in ascending order; images and classes below are indices of these.
        starts: where the detections of each class begin, and the end of the last, (K + 1,).
        images: the image of each detection, (B,).
        scores: of each detection, (B,) float32.
        ranks: of a detection among those of its class in its image, from 0, (B,).
        hits: the cells in which a detection has a truth, (B,).
        ignored: the cells in which it does not count: its truth is a crowd or outside the range of areas, or it
            has none and is itself outside, (B,).
        truth_images, truth_labels: of each truth, (T,).
        truth_areas: the ranges of area that a truth counts in, bit by bit; none for a crowd, (T,).
    """

    image_ids: Ints
    category_ids: Ints
    starts: Ints
    images: npt.NDArray[np.uint32]
    scores: npt.NDArray[np.float32]
    ranks: npt.NDArray[np.uint8]
    hits: Bits
    ignored: Bits
    truth_images: npt.NDArray[np.uint32]
    truth_labels: npt.NDArray[np.uint32]
    truth_areas: npt.NDArray[np.uint8]

    def save(self, path: Path) -> None:
        """Write a file, compressed: at most 12 bytes a detection where scores differ."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("hits", "ignored"):  # in planes of bytes, which compress to what differs
            arrays[name] = arrays[name].view(np.uint8).reshape(-1, 8)[:, : CELLS // 8].T
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        publish_bytes(path, buffer.getvalue())


def load_matches(path: Path) -> Matches:
    """Read a file of `Matches.save`.

    Raises: DataError: when it is none.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {field.name: file[field.name] for field in fields(Matches)}
        for name in ("hits", "ignored"):
            wide = np.zeros((arrays[name].shape[1], 8), np.uint8)
            wide[:, : CELLS // 8] = arrays[name].T
            arrays[name] = wide.view(np.uint64)[:, 0]
        return Matches(**arrays)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise DataError(f"is no file of matches: {error}", where=path) from None
