"""A detector evaluated on a data set: every image detected in, by one process or several, and COCO's figures.

pycocotools' own limit of 100 is per image and class, and cutting to 100 per image before it costs AP50. So an
image keeps the best 100 of each class, which is all that pycocotools reads, and of them the best 1000: a
network in its first epochs finds something of every class everywhere, and Python would hold gigabytes of it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event
from typing import Any, ClassVar

import numpy as np

from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.labelled.base import Labelled
from darknet_py.distributed.communicator import Communicator
from darknet_py.engines.base import Engine, Floats, callers_of
from darknet_py.errors import DataError
from darknet_py.graph.graph import Graph
from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
from darknet_py.predict.letterbox import Fit
from darknet_py.predict.overlap import lists_of, overlapped
from darknet_py.progress import Progress, no_progress
from darknet_py.scoring.coco import FIGURES, coco_results
from darknet_py.scoring.detection_figures import (
    METRIC,
    ClassFigures,
    DetectionFigures,
    figures_of_matches,
    reference_figures,
    unpacked,
)
from darknet_py.scoring.matches import Matches, matches_from_bytes, merged
from darknet_py.scoring.matching import match
from darknet_py.scoring.operating_point import IOU, SCORE, Counts
from darknet_py.scoring.tables import detection_table, truth_table
from darknet_py.tasks.base import Evaluation, EvaluationSettings

KEPT_PER_CLASS, KEPT = 100, 1000  # detections of an image
BATCH = 8  # images

Result = dict[str, Any]  # an entry of a COCO results list
Figures = dict[str, float | None]


@dataclass(frozen=True)
class DetectionEvaluation(Evaluation):
    """COCO's figures, 0..1; None where there is no truth to find.

    Args:
        per_class: AP of each class by name.
        images: how many were evaluated.
        protocol: how it was measured: metric, split, thresholds, size.
        detections: all detections, as a COCO results list.
        classes: more figures of each class, in the data set's order.
        precision_at: the score that precision, recall and F1 are measured from.
        matches: what became of each detection; None where pycocotools matched.
    """

    ap: float | None
    ap50: float | None
    ap75: float | None
    ap_small: float | None
    ap_medium: float | None
    ap_large: float | None
    per_class: Figures
    images: int
    protocol: dict[str, Any]
    detections: list[Result] = field(repr=False)
    classes: tuple[ClassFigures, ...] = field(default=(), repr=False)
    precision_at: float = SCORE
    matches: Matches | None = field(default=None, repr=False, compare=False)

    separate: ClassVar[str] = "detections"

    def files(self) -> dict[str, Any]:
        """The detections as JSON, and the matches."""
        matches = {"matches.npz": self.matches.to_bytes()} if self.matches else {}
        return {**super().files(), **matches}

    @property
    def counts(self) -> Counts:
        """True and false detections of all classes together."""
        return Counts.of_all([one.counts for one in self.classes], images=self.images)

    def to_json(self) -> dict[str, Any]:
        """The figures as `result.json` holds them."""
        return {
            **{name: getattr(self, name) for name in (*FIGURES, "per_class")},
            **self.counts.to_json(),
            "protocol": self.protocol,
            "precision_at": {"score": self.precision_at, "iou": IOU},
            "classes": [one.to_json() for one in self.classes],
        }

    def curve(self) -> dict[str, float | None]:
        """AP and AP50."""
        return {"ap": self.ap, "ap50": self.ap50}

    def figure(self) -> float | None:
        """AP."""
        return self.ap


def evaluate_detector(
    engine: Engine,
    dataset: Dataset,
    settings: EvaluationSettings | None = None,
    *,
    progress: Progress = no_progress,
    communicator: Communicator | None = None,
) -> DetectionEvaluation:
    """Detect in every image of a data set, and score the detections as COCO does.

    Args:
        progress: called with (images done, images in all) after each image of this process's share.
        communicator: the processes that share the images; batches and results are those of one process.

    Raises:
        DataError: when the data set is empty, or its classes are not as many as the heads'.
    """
    settings, communicator = settings or EvaluationSettings(), communicator or Communicator()
    with communicator.local_section():
        check_boxes(engine.graph, dataset)
        detector = BatchDetector(engine, detector_settings(settings))
        share = communicator.share(len(dataset), block=detector.settings.batch)
        found = detect_images(detector, dataset, share, progress=progress)
    results = gathered_results(communicator, len(dataset), share, found)
    figures, matches = _figures(communicator, dataset, share, results, settings)
    return DetectionEvaluation(
        **{name: figures.values[name] for name in FIGURES},
        per_class={one.name: one.ap for one in figures.classes},
        images=len(dataset),
        protocol=_protocol(detector, settings),
        detections=results,
        classes=figures.classes,
        precision_at=figures.score,
        matches=matches,
    )


def detect_images(
    detector: BatchDetector, dataset: Dataset, share: Sequence[int], *, progress: Progress
) -> list[Result]:
    """The detections in some images of a data set, as a COCO results list.

    Threads read and fit images, others run the network, and this one decodes.
    """
    found: list[Result] = []
    with closing(_raw_maps(detector, dataset, share)) as batches:
        detected = (each for fits, raws in batches for each in detector.found(raws, fits))
        for done, (index, detections) in enumerate(zip(share, detected, strict=True), start=1):
            found += coco_results(detections, dataset.record(index).image_id, dataset.category_ids)
            progress(done, len(share))
    return found


def _raw_maps(
    detector: BatchDetector, dataset: Dataset, share: Sequence[int]
) -> Generator[tuple[tuple[Fit, ...], Sequence[Floats]], None, None]:
    """What the engine gives for each batch, with the fits of its images."""
    callers, stop = callers_of(detector.engine), Event()
    batch = min(detector.settings.batch, -(-len(share) // callers))  # few images are for all of them

    def ready(index: int) -> tuple[Fit, Floats]:
        pixels = dataset.pixels(index)
        fit = detector.fit(pixels.shape[:2])
        return fit, detector.inputs([pixels], [fit])

    def run(images: Sequence[tuple[Fit, Floats]]) -> tuple[tuple[Fit, ...], Sequence[Floats]]:
        fits, inputs = zip(*images, strict=True)
        return fits, detector.engine(np.concatenate(inputs))

    read = overlapped(ready, share, workers=callers, ahead=batch, stop=stop)
    with closing(read):
        yield from overlapped(run, lists_of(read, batch), workers=callers, ahead=callers, stop=stop)


def detector_settings(settings: EvaluationSettings) -> DetectorSettings:
    """What is kept of each image."""
    as_map = settings.detect_as == "map"
    return DetectorSettings(
        threshold=settings.threshold,
        nms=settings.nms,
        batch=BATCH if settings.batch is None else settings.batch,
        relative=as_map,
        keep_per_class=None if as_map else KEPT_PER_CLASS,
        keep=None if as_map else KEPT,
        clip=not as_map,
    )


def gathered_results(
    communicator: Communicator, count: int, share: Sequence[int], results: Sequence[Result]
) -> list[Result]:
    """The results of all processes, in the data set's order.

    Args:
        count: images in all, each of which one process has evaluated.
        share: the images of this one.
    """
    parts = communicator.gather_json([list(share), results])
    images = [index for part, _ in parts for index in part]
    assert images == list(range(count)), "an image was evaluated twice, or not at all"
    return [result for _, found in parts for result in found]


def _figures(
    communicator: Communicator,
    dataset: Dataset,
    share: Sequence[int],
    results: Sequence[Result],
    settings: EvaluationSettings,
) -> tuple[DetectionFigures, Matches | None]:
    """COCO's figures, and the matches where it is not pycocotools that matches.

    Every process matches its share; the first reduces the matches of all to figures.
    """
    scored, matches, score = None, None, settings.precision_score
    with communicator.local_section():
        truth = dataset.ground_truth()
        if settings.engine == "pycocotools" and communicator.first:
            scored = reference_figures(truth, results, score=score).packed()
        elif settings.engine != "pycocotools":
            matches = _matched(truth, {dataset.record(index).image_id for index in share}, results)
    if matches and communicator.size > 1:
        matches = merged([matches_from_bytes(data) for data in communicator.gather(matches.to_bytes())])
    with communicator.local_section():
        if matches and communicator.first:
            scored = figures_of_matches(matches, dataset.names, score=score).packed()
    return unpacked(communicator.broadcast_json(scored), dataset.names), matches


def _matched(truth: dict[str, Any], image_ids: set[int], results: Sequence[Result]) -> Matches:
    """Match the results of some images."""
    table = truth_table(truth)
    return match(table, detection_table(table, [one for one in results if one["image_id"] in image_ids]))


def check_boxes(graph: Graph, dataset: Dataset) -> None:
    """Check that a detector can be trained or evaluated on a data set.

    Raises:
        DataError: when it has no image, no boxes, or other classes than the heads.
    """
    if isinstance(dataset, Labelled):
        hint = "a network that ends in [softmax] is trained on labels; a detector needs boxes"
        raise DataError("the data has labels, and the network finds boxes", hint=hint)
    if not len(dataset):
        raise DataError("the data set has no image to evaluate on")
    have = len(dataset.names)
    for head, layer in zip(graph.heads, graph.head_layers, strict=True):
        classes = layer.classes
        if classes != have:
            hint = f"set classes={have} in every head and train, or evaluate on the data it was trained for"
            raise DataError(
                f"the data set has {have} classes, and layer {head} of the network {classes}", hint=hint
            )


def _protocol(detector: BatchDetector, evaluation: EvaluationSettings) -> dict[str, Any]:
    net, settings, nms = detector.graph.net, detector.settings, detector.nms_settings
    return {
        "metric": METRIC,
        "engine": evaluation.engine,
        "split": evaluation.split,
        "score_threshold": settings.threshold,
        "nms": f"{nms.kind} {nms.threshold:g}",
        "most": f"{settings.keep_per_class} a class, {settings.keep} an image" if settings.keep else "all",
        "size": [net.height, net.width],
        "resize": "letterbox" if net.letter_box else "stretch",
    }
