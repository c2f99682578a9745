"""What was found in an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from darknet_py.boxes import cxcywh_from_xyxy, xywh_from_xyxy
from darknet_py.data.formats.coco.names import COCO_IDS, COCO_NAMES
from darknet_py.errors import DataError, UsageError, quoted
from darknet_py.ops.cells import Floats, Ints

if TYPE_CHECKING:
    import numpy as np

    from darknet_py.predict.pixels import PixelSource


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
        image_size: (height, width) in pixels; None where nobody knows it.
    """

    boxes_xyxy: Floats
    scores: Floats
    labels: Ints
    names: tuple[str, ...] = ()
    dropped: int = 0
    image_size: tuple[int, int] | None = None

    def __len__(self) -> int:
        """How many detections there are."""
        return len(self.scores)

    def __iter__(self) -> Iterator[DetectedObject]:
        """Each detection, best first."""
        rows = zip(self.boxes_xyxy.tolist(), self.scores.tolist(), self.labels.tolist(), strict=True)
        for (left, top, right, bottom), score, label in rows:
            name = self.names[label] if self.names else f"class {label}"
            yield DetectedObject((left, top, right, bottom), score, label, name)

    def draw(self, image: PixelSource) -> np.ndarray:
        """A copy of the image with the detections on it, (H, W, 3) uint8 RGB.

        Raises: DataError: when a file is not an image, an array has another shape or type, or the image
            another size than the one of the detections.
        """
        from darknet_py.predict.drawing import draw
        from darknet_py.predict.pixels import pixels_of

        pixels = pixels_of(image, grey=True)
        if len(self) and self.image_size not in (None, pixels.shape[:2]):
            given, own = (" x ".join(map(str, size or ())) for size in (pixels.shape[:2], self.image_size))
            raise DataError(f"the image has {given} pixels, and the detections are of one of {own}")
        return draw(pixels, self)

    def to_coco(
        self, image_id: int | str = 0, category_ids: Sequence[int] | None = None
    ) -> list[dict[str, Any]]:
        """Entries of a COCO results list: image_id, category_id, bbox and score.

        Args:
            category_ids: of each label; without, COCO's own of COCO's names, else 1, 2, ...
        """
        if category_ids is None:
            most = max([len(self.names), *(self.labels + 1).tolist()])
            category_ids = COCO_IDS if self.names == COCO_NAMES else range(1, most + 1)
        boxes_xywh = xywh_from_xyxy(self.boxes_xyxy.astype(float)).tolist()
        found = zip(boxes_xywh, self.scores.tolist(), self.labels.tolist(), strict=True)
        return [
            {
                "image_id": image_id,
                "category_id": category_ids[label],
                "bbox": [round(value, 3) for value in box],
                "score": round(score, 6),
            }
            for box, score, label in found
        ]

    def to_yolo(self, *, scores: bool = False) -> str:
        """A YOLO label file: class, centre x and y, width and height as fractions of the image, a line each.

        Args:
            scores: end each line with the score.

        Raises: UsageError: when nobody knows the size of the image.
        """
        if self.image_size is None:
            raise UsageError("YOLO labels are fractions of the image, whose size is not known")
        height, width = self.image_size
        rows = cxcywh_from_xyxy(self.boxes_xyxy.astype(float)) / (width, height, width, height)
        found = zip(self.labels.tolist(), rows.tolist(), self.scores.tolist(), strict=True)
        return "".join(
            " ".join([str(label), *(f"{value:.6f}" for value in (*row, *[score] * scores))]) + "\n"
            for label, row, score in found
        )

    def to_supervision(self) -> Any:
        """The same as `supervision.Detections`, with the names as `class_name`.

        Raises: UsageError: when supervision, or a package that it needs, is not installed.
        """
        import numpy as np

        try:
            from supervision import Detections as SupervisionDetections
        except ImportError as error:
            hint = "python -m pip install supervision; boxes_xyxy, scores and labels are there without it"
            missing = "" if error.name == "supervision" else f" with all that it needs: {quoted(error)}"
            raise UsageError(f"supervision is not installed{missing}", hint=hint) from None
        return SupervisionDetections(
            xyxy=self.boxes_xyxy,
            confidence=self.scores,
            class_id=self.labels.astype(int),
            data={"class_name": np.array([found.name for found in self], dtype=str)},
        )
