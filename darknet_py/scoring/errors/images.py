"""The images in which a detector errs most.

The loss of an image is what separates its scores from the truth: a found object counts 1 minus the score of
its detection, an object that is not found counts 1, and a false detection counts its score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darknet_py.scoring.errors.kinds import ErrorTable
from darknet_py.scoring.tables import Doubles, Ints

MOST_IMAGES = 50


@dataclass(frozen=True)
class ImageLoss:
    """One image.

    Args:
        image: its index in the truth's `image_ids`.
        unsure: the part of the loss that found objects have.
        unfound: objects without a true detection.
        false: the part of the loss that false detections have.
    """

    image: int
    unsure: float
    unfound: int
    false: float

    @property
    def loss(self) -> float:
        """The sum of the parts."""
        return self.unsure + self.unfound + self.false


def image_losses(table: ErrorTable, *, most: int = MOST_IMAGES) -> list[ImageLoss]:
    """The images with the greatest loss, greatest first."""
    outcomes, count = table.outcomes, len(table.truth.image_ids)
    scores = outcomes.scores.clip(0, 1)

    def summed(values: Doubles, images: Ints) -> Doubles:
        return np.bincount(images, values, minlength=count).astype(np.float64)

    false = outcomes.counted & ~outcomes.true
    unsure = summed(1 - scores[outcomes.true], outcomes.images[outcomes.true])
    wrong = summed(scores[false], outcomes.images[false])
    unfound = np.bincount(table.truth.images[table.unfound], minlength=count)
    total = unsure + wrong + unfound
    order = [at for at in np.argsort(-total, kind="stable").tolist() if total[at] > 0][:most]
    return [ImageLoss(at, float(unsure[at]), int(unfound[at]), float(wrong[at])) for at in order]
