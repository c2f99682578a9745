"""COCO figures of a network on a data set, by pycocotools; ours only wraps.

pycocotools' own limit of 100 is per image and class, and cutting to 100 per image before it costs AP50. So an
image keeps the best 100 of each class, all that is looked at, and of them the best 1000: a network in its
first epochs finds something of every class everywhere, and Python would hold gigabytes of it.
"""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet_py.boxes import xywh_from_xyxy
from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.labelled import Labelled
from darknet_py.distributed.communicator import Communicator
from darknet_py.errors import DataError
from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
from darknet_py.predict.detections import Detections

if TYPE_CHECKING:
    from darknet_py.graph.graph import Graph
    from darknet_py.model.network import Network

FIGURES = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")  # the first six of COCOeval.stats
KEPT_PER_CLASS, KEPT = 100, 1000  # detections of an image


@dataclass(frozen=True)
class Scores:
    """COCO figures, 0..1; None where there is no truth to find.

    Args:
        per_class: AP of each class by name.
        images: how many were looked at.
        protocol: how it was measured: metric, split, thresholds, size.
        detections: all detections, as a COCO results list.
    """

    ap: float | None
    ap50: float | None
    ap75: float | None
    ap_small: float | None
    ap_medium: float | None
    ap_large: float | None
    per_class: dict[str, float | None]
    images: int
    protocol: dict[str, Any]
    detections: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON holds them; without the detections, which have a file of their own."""
        return {key: value for key, value in asdict(self).items() if key != "detections"}


def evaluate(
    network: Network,
    dataset: Dataset,
    *,
    threshold: float = 0.001,
    nms: float = 0.6,
    batch: int = 8,
    device: str = "cpu",
    split: str = "val",
    progress: Callable[[int, int], None] | None = None,
    communicator: Communicator | None = None,
) -> Scores:
    """Detect in every image of a data set, and score it as COCO does.

    A copy of the network runs, so the network itself keeps its mode, its device and its layout.

    Args:
        dataset: a Dataset with as many classes as the network's heads.
        threshold: of the scores; Darknet's `detector valid` takes .001.
        nms: threshold of the overlap; Darknet's `detector valid` takes .6.
        batch: images that run at once.
        device: where the network runs.
        split: what the data set is called in the protocol.
        progress: called with (images done, images in all) after each image of this process's share.
        communicator: the processes that share the images; batches and results are those of one process.

    Raises:
        DataError: when the data set is empty, or its classes are not as many as the heads'.
    """
    communicator = communicator or Communicator()
    with communicator.local_section():
        check_boxes(network.graph, dataset)
        settings = DetectorSettings(  # NMS in pixels, as `detector valid`
            threshold=threshold, nms=nms, device=device, batch=batch, relative=False,
            keep_per_class=KEPT_PER_CLASS, keep=KEPT,
        )  # fmt: skip
        detector = BatchDetector(copy.deepcopy(network), settings)
        share = communicator.share(len(dataset), block=batch)
        found = list(_results(detector, dataset, share, progress or (lambda done, total: None)))
    results = joined_results(communicator, len(dataset), list(share), found)
    figures, per_class = _figures(communicator, dataset, results)
    protocol = _protocol(detector, split)
    return Scores(**figures, per_class=per_class, images=len(dataset), protocol=protocol, detections=results)


def joined_results(
    communicator: Communicator, count: int, share: Sequence[int], results: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What all processes found, in the data set's order.

    Args:
        count: images in all, each of which one process has looked at.
        share: the images of this one.
    """
    parts = communicator.gather_json([share, results])
    images = [index for part, _ in parts for index in part]
    assert images == list(range(count)), "an image was looked at twice, or not at all"
    return [result for _, found in parts for result in found]


def _figures(
    communicator: Communicator, dataset: Dataset, results: Sequence[dict[str, Any]]
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """The figures by name, and AP by the name of the class; the first process works them out."""
    scored = None
    with communicator.local_section():
        if communicator.first:
            stats, per_category = coco_figures(dataset.ground_truth(), results)
            classes = [per_category[i] for i in dataset.category_ids]
            scored = [
                dict(zip(names, values, strict=True))
                for names, values in ((FIGURES, stats), (dataset.names, classes))
            ]
    figures, per_class = communicator.broadcast_json(scored)
    return figures, per_class


def coco_figures(
    truth: dict[str, Any], results: Sequence[dict[str, Any]]
) -> tuple[list[float | None], dict[int, float | None]]:
    """Score a COCO results list against COCO annotations, without pycocotools' printing.

    Args:
        truth: {"images", "annotations", "categories"}.
        results: [{"image_id", "category_id", "bbox", "score"}]; may be empty.

    Returns:
        The first six of COCOeval's figures (`FIGURES`), and the AP of each category id. None: there is no
        truth.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        annotated, found = COCO(), COCO()
        annotated.dataset = copy.deepcopy(truth)  # pycocotools writes into what it is given
        annotated.createIndex()
        if results:
            found = annotated.loadRes([dict(result) for result in results])
        judge = COCOeval(annotated, found, "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    precision = judge.eval["precision"][..., 0, -1]  # IoU, recall, category; every area, the largest limit
    per_category = {id_: _mean(precision[..., k]) for k, id_ in enumerate(judge.params.catIds)}
    return [None if value < 0 else float(value) for value in judge.stats[: len(FIGURES)]], per_category


def _mean(precision: np.ndarray) -> float | None:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None


def check_boxes(graph: Graph, dataset: Dataset) -> None:
    """Refuse data that a detector cannot be trained or scored on.

    Raises:
        DataError: when it has no image, no boxes, or other classes than the heads.
    """
    if isinstance(dataset, Labelled):
        hint = "a network that ends in [softmax] is trained on labels; a detector needs boxes"
        raise DataError("the data has labels, and the network finds boxes", hint=hint)
    if not len(dataset):
        raise DataError("the data set has no image to evaluate on")
    have = len(dataset.names)
    for head in graph.heads:
        layer: Any = graph[head].layer  # a Head
        classes = layer.classes
        if classes != have:
            hint = f"set classes={have} in every head and train, or evaluate on the data it was trained for"
            raise DataError(
                f"the data set has {have} classes, and layer {head} of the network {classes}", hint=hint
            )


def _results(
    detector: BatchDetector, dataset: Dataset, share: range, progress: Callable[[int, int], None]
) -> Iterator[dict[str, Any]]:
    images = (dataset.pixels(index) for index in share)
    for done, (index, detections) in enumerate(zip(share, detector.detect(images), strict=True), start=1):
        yield from coco_results(detections, dataset.record(index).image_id, dataset.category_ids)
        progress(done, len(share))


def coco_results(detections: Detections, image_id: int, category_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Detections of one image as entries of a COCO results list.

    Args:
        detections: boxes in pixels, clipped to the image.
        image_id: COCO's number of the image.
        category_ids: COCO category of each label.
    """
    boxes = xywh_from_xyxy(detections.boxes_xyxy.double()).tolist()
    found = zip(boxes, detections.scores.tolist(), detections.labels.tolist(), strict=True)
    return [
        {
            "image_id": image_id,
            "category_id": category_ids[label],
            "bbox": [round(value, 3) for value in box],
            "score": round(score, 6),
        }
        for box, score, label in found
    ]


def _protocol(detector: BatchDetector, split: str) -> dict[str, Any]:
    net, settings, nms = detector.graph.net, detector.settings, detector.nms_settings
    return {
        "metric": "COCO bbox (pycocotools)",
        "split": split,
        "score_threshold": settings.threshold,
        "nms": f"{nms.kind} {nms.threshold:g}",
        "most": f"{settings.keep_per_class} a class, {settings.keep} an image",
        "size": [net.height, net.width],
        "resize": "letterbox" if net.letter_box else "stretch",
    }
