"""What a split of a data set holds, and what of it was left out: printed before its images are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet_py.errors import quoted

if TYPE_CHECKING:
    from darknet_py.data.dataset import Record

_OF_BOXES = ("no ", "not ", "outside ")  # how reasons begin that say what a box is

UNREADABLE = "image that cannot be read"  # in `Dataset.dropped`


@dataclass(frozen=True)
class BoxCounts:
    """How many boxes there are.

    Args:
        per_class: boxes of each class, without crowds.
        crowd: regions that are crowds, or ignored for another reason; no truths.
        images_without_boxes: images that have neither.
    """

    per_class: tuple[int, ...]
    crowd: int = 0
    images_without_boxes: int = 0


@dataclass(frozen=True)
class DataSummary:
    """One split of a data set in numbers.

    Args:
        images: how many, those without boxes among them.
        boxes: of all classes, without crowds; None where the images are drawn and nothing is counted.
        boxes_per_class: by the names of the classes, in the order of labels; None as above.
        left_out: what of the source is not used, or is not as it should be: the reason, and how often.
        adjusted: what was read in another way than it is written: the reason, and how often.
        notes: how classes were matched by name.
    """

    images: int
    boxes: int | None
    boxes_per_class: Mapping[str, int] | None
    crowd: int = 0
    images_without_boxes: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    adjusted: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The fields, as `result.json` and `--json` have them."""
        return asdict(self)

    def lines(self, title: str) -> list[str]:
        """The opening block of a training or an evaluation.

        >>> boxes = {"cat": 2, "dog": 9}
        >>> print("\\n".join(DataSummary(4, 11, boxes, left_out={"outside the image": 1}).lines("train")))
        train: 4 images, 11 boxes of 2 classes (least: 2 `cat`; most: 9 `dog`)
          left out: 1 x box outside the image
        """
        parts = [_plural(self.images, "image")]
        if self.boxes is not None and self.boxes_per_class is not None:
            parts.append(f"{_plural(self.boxes, 'box')} of {_per_class(self.boxes_per_class)}")
        if self.crowd:
            parts.append(f"{_plural(self.crowd, 'region')} to ignore (crowd or difficult)")
        if self.images_without_boxes:
            parts.append(f"{_plural(self.images_without_boxes, 'image')} without a box")
        left_out = [f"  left out: {count:,} x {described(reason)}" for reason, count in self.left_out.items()]
        adjusted = [f"  adjusted: {count:,} x {reason}" for reason, count in self.adjusted.items()]
        return [f"{title}: {', '.join(parts)}", *left_out, *adjusted]


def described(reason: str) -> str:
    """A reason to leave something out, with what was left out.

    >>> described("not finite")
    'box not finite'
    """
    if reason.startswith("no "):
        return f"box with {reason}"
    return f"box {reason}" if reason.startswith(_OF_BOXES) else reason


def count_boxes(records: Sequence[Record], classes: int) -> BoxCounts:
    """Count the boxes of records."""
    if not records:
        return BoxCounts((0,) * classes)
    labels = np.concatenate([record.labels for record in records])
    crowd = np.concatenate([record.crowd for record in records])
    counts = np.bincount(labels[~crowd], minlength=classes)
    empty = sum(not len(record.labels) for record in records)
    return BoxCounts(tuple(counts.tolist()), int(crowd.sum()), empty)


def _per_class(boxes: Mapping[str, int]) -> str:
    classes = f"{len(boxes)} class{'es' * (len(boxes) != 1)}"
    if len(boxes) < 2:
        return classes
    least, most = min(boxes, key=boxes.__getitem__), max(boxes, key=boxes.__getitem__)
    if boxes[least] == boxes[most]:
        return f"{classes} ({boxes[most]:,} each)"
    none = sum(not count for count in boxes.values())
    if none > 1:
        few = f"{none} classes have none, such as `{quoted(least)}`"
    else:
        few = f"least: {boxes[least]:,} `{quoted(least)}`"
    return f"{classes} ({few}; most: {boxes[most]:,} `{quoted(most)}`)"


def _plural(count: int, noun: str) -> str:
    ending = "" if count == 1 else "es" if noun.endswith("x") else "s"
    return f"{count:,} {noun}{ending}"
