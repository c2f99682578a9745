"""Labels that may be wrong, as crops of their images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from darknet_py.report.errors.content import ErrorReport
from darknet_py.report.errors.pictures import FALSE, MISSED, DrawnBox, crop
from darknet_py.report.section import PageSection
from darknet_py.report.tables import group_digits, label
from darknet_py.scoring.errors.kinds import IOU
from darknet_py.scoring.errors.suspects import CONFIDENT, undetected, unlabelled

MOST_CROPS = 24  # of each of the two lists


@dataclass(frozen=True)
class LabelSuspect:
    """A crop and its caption."""

    image: str
    text: str


class SuspectsSection(PageSection[ErrorReport]):
    """Confident detections without an object, and objects without any detection."""

    anchor = "labels"
    link = "Labels"
    title = "Labels to check"
    template = """\
<h3>Detections with a score of {{ confident }} or more where no object is labelled, or one of another class: {{ counts[0] }}</h3>
<div class="crops">
{% for one in unlabelled %}<figure><img src="{{ one.image }}" alt=""><figcaption>{{ one.text }}</figcaption></figure>
{% endfor %}
</div>
<h3>Objects that no detection of any class and score overlaps by {{ iou }} or more: {{ counts[1] }}</h3>
<div class="crops">
{% for one in undetected %}<figure><img src="{{ one.image }}" alt=""><figcaption>{{ one.text }}</figcaption></figure>
{% endfor %}
</div>
<p class="caption">The {{ most }} of each list with the highest scores and with the largest boxes. A suspect is no proof: small and hidden objects are hard to find.</p>
"""  # noqa: E501

    def context(self, report: ErrorReport) -> dict[str, object]:
        """The crops of both lists."""
        table = report.table
        found, truths = unlabelled(table).tolist(), undetected(table.truth, table.found).tolist()
        return {
            "confident": CONFIDENT,
            "iou": IOU,
            "most": MOST_CROPS,
            "counts": [group_digits(len(found)), group_digits(len(truths))],
            "unlabelled": _unlabelled(report, found[:MOST_CROPS]),
            "undetected": _undetected(report, truths[:MOST_CROPS]),
        }

    def json(self, report: ErrorReport) -> dict[str, Any]:
        """`suspects`: how many there are of each list, and the texts of those that are shown."""
        table = report.table
        found, truths = unlabelled(table).tolist(), undetected(table.truth, table.found).tolist()
        detections = [(int(table.found.images[at]), _describe(report, at)) for at in found[:MOST_CROPS]]
        objects = [
            (int(table.truth.images[at]), report.classes[table.truth.labels[at]])
            for at in truths[:MOST_CROPS]
        ]
        lists = {"unlabelled": (found, detections), "undetected": (truths, objects)}
        return {
            "suspects": {
                name: {
                    "count": len(every),
                    "first": [{"image": report.records[image].name, "text": text} for image, text in shown],
                }
                for name, (every, shown) in lists.items()
            }
        }


def _describe(report: ErrorReport, at: int) -> str:
    """The class and score of a detection, and the class of the object that it lies on."""
    table = report.table
    text = f"{report.classes[table.found.labels[at]]} {table.found.scores[at]:.2f}"
    if (target := int(table.targets[at])) >= 0:
        text += f", labelled {report.classes[table.truth.labels[target]]}"
    return text


def _unlabelled(report: ErrorReport, detections: Sequence[int]) -> list[LabelSuspect]:
    table, suspects = report.table, []
    for at in detections:
        box = DrawnBox(table.found.boxes_xywh[at].tolist(), FALSE)
        suspects.append(_suspect(report, int(table.found.images[at]), box, _describe(report, at)))
    return suspects


def _undetected(report: ErrorReport, truths: Sequence[int]) -> list[LabelSuspect]:
    truth = report.table.truth
    return [
        _suspect(
            report,
            int(truth.images[at]),
            DrawnBox(truth.boxes_xywh[at].tolist(), MISSED),
            report.classes[truth.labels[at]],
        )
        for at in truths
    ]


def _suspect(report: ErrorReport, image: int, box: DrawnBox, text: str) -> LabelSuspect:
    pixels = report.dataset.pixels(report.indices[image])
    return LabelSuspect(crop(pixels, box), f"{text} · {label(report.records[image].name, limit=60)}")
