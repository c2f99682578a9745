"""Matches of some of the images, so that COCO's figures of these are computed without matching again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from darknet_py.scoring.matches import Matches
from darknet_py.scoring.tables import Booleans


def of_images(matches: Matches, keep: Booleans) -> Matches:
    """The matches of the images that are kept.

    The figures are those of pycocotools with these images as `imgIds`: images do not influence each other.

    Args:
        keep: for each of the matches' `image_ids`, (I,).
    """
    detections, truths = keep[matches.images], keep[matches.truth_images]
    number = np.cumsum(keep) - 1
    labels = np.repeat(np.arange(len(matches.category_ids)), np.diff(matches.starts))[detections]
    return replace(
        matches,
        image_ids=matches.image_ids[keep],
        starts=np.searchsorted(labels, np.arange(len(matches.category_ids) + 1)),
        images=number[matches.images[detections]].astype(np.uint32),
        scores=matches.scores[detections],
        ranks=matches.ranks[detections],
        hits=matches.hits[detections],
        ignored=matches.ignored[detections],
        truth_images=number[matches.truth_images[truths]].astype(np.uint32),
        truth_labels=matches.truth_labels[truths],
        truth_areas=matches.truth_areas[truths],
    )
