"""Raw maps of a data set's images as matches with the truth, from which AP and its intervals follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from darknet_py.analysis.attribution.kept_maps import MapBatch
from darknet_py.boxes import xywh_from_xyxy
from darknet_py.data.dataset import Dataset
from darknet_py.graph.graph import Graph
from darknet_py.model.network import Network
from darknet_py.ops.cells import Floats
from darknet_py.predict.batch_detector import BatchDetector
from darknet_py.predict.letterbox import Fit
from darknet_py.scoring.matches import Matches
from darknet_py.scoring.matching import match
from darknet_py.scoring.tables import (
    DetectionTable,
    Doubles,
    FoundRows,
    TruthTable,
    table_of_arrays,
    truth_table,
)
from darknet_py.tasks.base import EvaluationSettings
from darknet_py.tasks.detection_evaluation import check_boxes, detector_settings

HALF = 32.0  # COCO's limit of small boxes: a window is scaled to twice that


@dataclass(frozen=True)
class MatchedDetections:
    """What was detected in a data set, and how it matches."""

    table: DetectionTable
    matches: Matches


@dataclass(frozen=True)
class _RanBefore:
    """Stands for the engine of a detector that is given raw maps: it needs no copy of the weights."""

    graph: Graph
    name: str = "none"
    device: str = "cpu"

    def __call__(self, images: Floats) -> list[Floats]:
        raise AssertionError("raw maps are given")


class RawMapScorer:
    """The truth of a data set, and the rules by which `eval` detects.

    Raises:
        DataError: when the data set has no boxes, or other classes than the network.
    """

    def __init__(self, network: Network, dataset: Dataset) -> None:
        """Read the truth."""
        check_boxes(network.graph, dataset)
        self.dataset = dataset
        self.detector = BatchDetector(_RanBefore(network.graph), detector_settings(EvaluationSettings()))
        self.truth = truth_table(dataset.ground_truth())

    def score(self, found: Iterable[tuple[MapBatch, Sequence[Tensor]]]) -> MatchedDetections:
        """Detect in the raw maps of every image, and match.

        Args:
            found: batches, and the raw maps of each head.
        """

        def rows() -> Iterator[FoundRows]:
            for batch, raws in found:
                detected = self.detector.found([raw.numpy() for raw in raws], batch.fits)
                for index, one in zip(batch.indices, detected, strict=True):
                    boxes_xywh = xywh_from_xyxy(one.boxes_xyxy.astype(np.float64))
                    yield self.dataset.record(index).image_id, boxes_xywh, one.scores, one.labels

        table = table_of_arrays(self.truth, rows(), self.dataset.category_ids)
        return MatchedDetections(table, match(self.truth, table))

    def by_window(
        self, found: MatchedDetections, fits: Sequence[Fit], window: tuple[float, float]
    ) -> Matches:
        """Matches whose ranges of area are objects smaller than half the window, around it, and larger.

        Boxes are scaled so that the window has a side of 64: COCO's limits of 32 and 96 are then half of it
        and one and a half. IoU does not change where all boxes of an image are scaled equally.

        Args:
            fits: of each image, in the order of the truth.
            window: rows and columns, in pixels of the network's input.
        """
        scales = np.array([np.divide(fit.inner_size, fit.image_size) for fit in fits]) * 2 * HALF / window
        truth = replace(self.truth, boxes_xywh=_scaled(self.truth, scales))
        truth = replace(truth, areas=truth.boxes_xywh[:, 2] * truth.boxes_xywh[:, 3])
        return match(truth, replace(found.table, boxes_xywh=_scaled(found.table, scales)))


def _scaled(table: TruthTable | DetectionTable, scales: Doubles) -> Doubles:
    """Boxes in other units.

    Args:
        scales: of the height and the width of each image, (n, 2).
    """
    across = scales[table.images][:, ::-1]
    scaled: Doubles = table.boxes_xywh * np.concatenate([across, across], axis=1)
    return scaled
