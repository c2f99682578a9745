"""What the error page of a detector is made of: everything is computed once, and nothing is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from darknet_py.data.dataset import Dataset, Record
from darknet_py.report.tables import label
from darknet_py.scoring.errors.calibration import Calibration, calibration
from darknet_py.scoring.errors.confusion import Confusion, confusion
from darknet_py.scoring.errors.costs import ErrorCosts, error_costs
from darknet_py.scoring.errors.images import ImageLoss, image_losses
from darknet_py.scoring.errors.kinds import ErrorTable, error_table
from darknet_py.scoring.slices.figures import Slice
from darknet_py.scoring.slices.properties import Property, records_by_id, slices_of
from darknet_py.scoring.tables import DetectionTable, TruthTable


@dataclass(frozen=True)
class ErrorReport:
    """The content of the page.

    Args:
        title: of the page, such as the network and its data.
        records: the record of each image of the truth, in the order of `image_ids`.
        indices: its position in the data set.
        detections: how many there are, with those that COCO does not count.
    """

    title: str
    dataset: Dataset
    records: tuple[Record, ...]
    indices: tuple[int, ...]
    detections: int
    table: ErrorTable
    costs: ErrorCosts
    confusion: Confusion
    calibration: Calibration
    slices: tuple[Slice, ...]
    losses: tuple[ImageLoss, ...]

    @classmethod
    def of(
        cls,
        truth: TruthTable,
        found: DetectionTable,
        dataset: Dataset,
        title: str,
        properties: Sequence[Property] = (),
    ) -> ErrorReport:
        """Compute everything.

        Args:
            properties: that figures are divided by, after size, aspect, crowding and position.
        """
        images = records_by_id(dataset)
        assert [one.image_id for _, one in images] == truth.image_ids.tolist(), "the truth is the data set's"
        table = error_table(truth, found)
        return cls(
            title,
            dataset,
            tuple(record for _, record in images),
            tuple(index for index, _ in images),
            len(found.scores),
            table,
            error_costs(table),
            confusion(truth, found),
            calibration(table.outcomes),
            slices_of(truth, found, dataset, properties),
            tuple(image_losses(table)),
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, as they are shown."""
        return tuple(label(name, limit=40) for name in self.dataset.names)

    def to_json(self) -> dict[str, Any]:
        """All figures of the page; scores are 0..1."""
        names, truth = self.dataset.names, self.table.truth
        objects = np.bincount(truth.labels[~truth.crowds], minlength=len(names)).tolist()
        return {
            "errors": self.costs.to_json(),
            "classes": [
                {
                    "name": name,
                    "objects": objects[at],
                    "ap50": self.costs.per_class[at],
                    "costs": {one.kind.value: one.per_class[at] for one in self.costs.kinds},
                }
                for at, name in enumerate(names)
            ],
            "confusion": {
                "score": self.confusion.score,
                "iou": self.confusion.iou,
                "matrix": self.confusion.matrix.tolist(),
            },
            "calibration": self.calibration.to_json(),
            "slices": {
                one.title: {group.name: group.to_json() for group in one.groups} for one in self.slices
            },
            "images": [
                {
                    "name": self.records[one.image].name,
                    "loss": one.loss,
                    "found": one.unsure,
                    "unfound": one.unfound,
                    "false": one.false,
                }
                for one in self.losses
            ],
        }
