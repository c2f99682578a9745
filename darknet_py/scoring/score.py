"""The figures of one results list by several protocols, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from darknet_py.scoring.average_precision import average_precision
from darknet_py.scoring.darknet_map import darknet_map
from darknet_py.scoring.detection_figures import (
    ENGINES,
    METRIC,
    DetectionFigures,
    figures_of_matches,
    reference_figures,
)
from darknet_py.scoring.explain import explain
from darknet_py.scoring.matching import match
from darknet_py.scoring.operating_point import SCORE
from darknet_py.scoring.protocols import PROTOCOLS, Protocol
from darknet_py.scoring.results.read import FoundResults
from darknet_py.scoring.tables import DetectionTable, truth_table

METRICS = {
    "coco": METRIC,
    "darknet": "Darknet detector map (AlexeyAB)",
    "voc07": "Pascal VOC 2007",
    "voc12": "Pascal VOC 2012",
}


@dataclass(frozen=True)
class ScoreSettings:
    """What may be chosen of the protocols.

    Args:
        iou: of Darknet's map and of VOC.
        points: of Darknet's map: recalls at which precision is read, 0 for the area under the curve.
        threshold: the score that Darknet's counts exceed, and from which COCO's are counted.
        engine: what matches for COCO, of `ENGINES`.
    """

    iou: float = 0.5
    points: int = 0
    threshold: float = SCORE
    engine: str = ENGINES[0]


class Scorer:
    """Detections and truth of a data set, to be scored by any protocol.

    Args:
        truth: COCO annotations.
        split: what they are called in the protocol.
        source: how the detections were made, where that is known.
    """

    def __init__(
        self,
        truth: dict[str, Any],
        found: FoundResults,
        settings: ScoreSettings | None = None,
        *,
        split: str = "val",
        source: dict[str, Any] | None = None,
    ) -> None:
        self.annotations, self.settings = truth, settings or ScoreSettings()
        self.split, self.source, self.found = split, source or {}, found
        self.truth = truth_table(truth)
        self.names = tuple(str(category["name"]) for category in truth["categories"])

    def protocol(self, name: str) -> Protocol:
        """The rules by name, with the settings."""
        protocol, settings = PROTOCOLS[name], self.settings
        if name == "coco":
            return protocol
        points = settings.points if name == "darknet" else protocol.points
        return replace(protocol, thresholds=(settings.iou,), points=points)

    def figures(self, name: str) -> dict[str, Any]:
        """The figures by one protocol, as `score --json` prints them."""
        truth, table, settings = self.truth, self.found.table, self.settings
        if name == "coco":
            figures = self._coco().to_json()
        elif name == "darknet":
            figures = darknet_map(
                truth,
                table,
                self.names,
                iou=settings.iou,
                points=settings.points,
                threshold=settings.threshold,
                in_order=self.found.in_order,
            ).to_json()
        else:
            result = average_precision(truth, table, self.protocol(name))
            figures = {"map": result.mean, "per_class": dict(zip(self.names, result.per_class, strict=True))}
        engine = {"engine": settings.engine} if name == "coco" else {}
        rules = {key: value for key, value in self.protocol(name).to_json().items() if key != "name"}
        about = {"metric": METRICS[name], **engine, "split": self.split, "rules": rules, **self.source}
        return {**figures, "protocol": about}

    def walk(self, first: str, last: str) -> dict[str, Any]:
        """The gap between two protocols, one rule at a time."""
        start, steps = explain(self.truth, self.found.table, self.protocol(first), self.protocol(last))
        end = steps[-1].ap if steps else start
        return {
            "from": first,
            "to": last,
            "ap_from": start,
            "ap_to": end,
            "gap": end - start,
            "steps": [step.to_json() for step in steps],
        }

    def walks(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """From each protocol to the next; from COCO's where there is one alone, or from it to Darknet's."""
        if len(names) == 1:
            names = ("coco", *names) if names != ["coco"] else ("coco", "darknet")
        return [self.walk(first, last) for first, last in pairwise(names)]

    def _coco(self) -> DetectionFigures:
        table, score = self.found.table, self.settings.threshold
        if self.settings.engine == "pycocotools":
            return reference_figures(self.annotations, self._results(table), score=score)
        return figures_of_matches(match(self.truth, table), self.names, score=score)

    def _results(self, table: DetectionTable) -> list[dict[str, Any]]:
        """The detections as a COCO results list."""
        columns = (
            self.truth.image_ids[table.images].tolist(),
            self.truth.category_ids[table.labels].tolist(),
            table.boxes_xywh.tolist(),
            table.scores.tolist(),
        )
        keys = ("image_id", "category_id", "bbox", "score")
        return [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]
