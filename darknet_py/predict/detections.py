"""What was found in an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class DetectedObject:
    """One detection.

    Args:
        box_xyxy: left, top, right, bottom, in the unit of the Detections it is from.
        score: 0..1.
        label: class index.
        name: of the class.
    """

    box_xyxy: tuple[float, float, float, float]
    score: float
    label: int
    name: str


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one image, best first; iteration gives one DetectedObject after the other.

    Args:
        boxes_xyxy: (B, 4), in the unit of whoever made them; a Detector gives pixels of the image.
        scores: (B,), 0..1.
        labels: (B,), class index.
        names: of all classes, in the order of class indices; may be empty where nobody asks for names.
        dropped: how many boxes were thrown away because they were not finite, or had a negative size.
    """

    boxes_xyxy: Tensor
    scores: Tensor
    labels: Tensor
    names: tuple[str, ...] = ()
    dropped: int = 0

    def __len__(self) -> int:
        """How many detections there are."""
        return len(self.scores)

    def __iter__(self) -> Iterator[DetectedObject]:
        """Each detection, best first."""
        rows = zip(self.boxes_xyxy.tolist(), self.scores.tolist(), self.labels.tolist(), strict=True)
        for (left, top, right, bottom), score, label in rows:
            name = self.names[label] if self.names else f"class {label}"
            yield DetectedObject((left, top, right, bottom), score, label, name)
