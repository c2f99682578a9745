"""Groups of objects and detections by a property of their box or of their image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from darknet_py.scoring.tables import DetectionTable, Doubles, Ints, TruthTable

NO_GROUP = -1


@dataclass(frozen=True)
class Grouping:
    """A property that divides objects and detections.

    Args:
        title: what the property is.
        names: of the groups, in order.
        truths, detections: an index of `names` each, or `NO_GROUP`, (T,) and (B,).
    """

    title: str
    names: tuple[str, ...]
    truths: Ints
    detections: Ints


def by_size(truth: TruthTable, found: DetectionTable) -> Grouping:
    """COCO's ranges: the area of the annotated object; of a detection, that of its box."""
    areas = found.boxes_xywh[:, 2] * found.boxes_xywh[:, 3]
    names = ("small: up to 32²", "medium", "large: above 96²")
    return _by_value("size in square pixels", names, (32.0**2, 96.0**2), truth.areas, areas)


def by_aspect(truth: TruthTable, found: DetectionTable) -> Grouping:
    """The width of the box over its height."""
    names = ("tall: up to 3/4", "square", "wide: above 4/3")
    return _by_value("width over height", names, (3 / 4, 4 / 3), _ratios(truth), _ratios(found))


def by_crowding(truth: TruthTable, found: DetectionTable) -> Grouping:
    """How many objects the image has; crowds do not count."""
    counts = np.bincount(truth.images[~truth.crowds], minlength=len(truth.image_ids)).astype(np.float64)
    names = ("none", "1 to 3", "4 to 10", "11 or more")
    return _by_value("objects in the image", names, (0, 3, 10), counts[truth.images], counts[found.images])


def by_position(truth: TruthTable, found: DetectionTable, sizes: Doubles) -> Grouping:
    """Where the middle of the box lies, in thirds of the image.

    Args:
        sizes: width and height of each image of the truth, (I, 2).
    """
    outer = []
    for one in (truth, found):
        centres = (one.boxes_xywh[:, :2] + one.boxes_xywh[:, 2:] / 2) / sizes[one.images]
        outer.append((np.abs(centres - 0.5) > 1 / 6).sum(axis=1).astype(np.float64))
    return _by_value("position in the image", ("middle", "side", "corner"), (0, 1), *outer)


def by_image(title: str, values: Sequence[str | None], truth: TruthTable, found: DetectionTable) -> Grouping:
    """A text for each image of the truth, in order; None: the image is in no group."""
    names = tuple(sorted({value for value in values if value is not None}))
    of_image = np.array([NO_GROUP if value is None else names.index(value) for value in values], np.int64)
    return Grouping(title, names, of_image[truth.images], of_image[found.images])


def by_share(title: str, truths: Doubles, detections: Doubles) -> Grouping:
    """Shares of 0..1 of each object and detection."""
    names = ("less than half", "half or more", "all")
    return _by_value(title, names, (0.5 - 1e-9, 1 - 1e-9), truths, detections)


def _ratios(table: TruthTable | DetectionTable) -> Doubles:
    """Width over height; 0 without a height."""
    width, height = table.boxes_xywh[:, 2], table.boxes_xywh[:, 3]
    return np.divide(width, height, out=np.zeros_like(width), where=height > 0)


def _by_value(
    title: str, names: tuple[str, ...], limits: tuple[float, ...], truths: Doubles, detections: Doubles
) -> Grouping:
    """Groups up to each limit, the limit itself included."""
    parts = (np.searchsorted(limits, values, side="left").astype(np.int64) for values in (truths, detections))
    return Grouping(title, names, *parts)
