"""The images with the greatest loss: what is found, and what is missed or false, in two pictures each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darknet_py.report.errors.content import ErrorReport
from darknet_py.report.errors.pictures import FALSE, FOUND, MISSED, DrawnBox, picture
from darknet_py.report.section import PageSection
from darknet_py.report.tables import label
from darknet_py.scoring.errors.images import ImageLoss
from darknet_py.scoring.operating_point import SCORE

MOST_BOXES = 40  # of a picture
MOST_TAGS = 10


@dataclass(frozen=True)
class ImageCard:
    """An image as the page shows it."""

    name: str
    facts: str
    found: str
    wrong: str


class ImagesSection(PageSection[ErrorReport]):
    """Two pictures of each image."""

    anchor = "images"
    link = "Images"
    title = "Images with the greatest loss"
    template = """\
<p class="caption">The loss of an image: 1 minus the score for each object that is found, 1 for each that is not, and the score of each false detection. Left, <b class="found">found objects</b> with the score of their detection. Right, <b class="missed">objects that are not found</b>, and <b class="false">false detections</b> with a score of {{ score }} or more.</p>
<div class="cards">
{% for card in cards %}
<div class="card"><p><b>{{ card.name }}</b> · {{ card.facts }}</p>
<img src="{{ card.found }}" alt="found objects of {{ card.name }}">
<img src="{{ card.wrong }}" alt="missed objects and false detections of {{ card.name }}"></div>
{% endfor %}
</div>
"""  # noqa: E501

    def applies(self, report: ErrorReport) -> bool:
        """When an image has a loss."""
        return bool(report.losses)

    def context(self, report: ErrorReport) -> dict[str, object]:
        """A card for each image."""
        return {"cards": [_card(report, loss) for loss in report.losses], "score": SCORE}


def _card(report: ErrorReport, loss: ImageLoss) -> ImageCard:
    pixels, name = report.dataset.pixels(report.indices[loss.image]), report.records[loss.image].name
    facts = f"loss {loss.loss:.1f}: found objects {loss.unsure:.1f}, unfound {loss.unfound},"
    facts += f" false {loss.false:.1f}"
    found, wrong = _found(report, loss.image), _wrong(report, loss.image)
    return ImageCard(label(name, limit=80), facts, picture(pixels, found), picture(pixels, wrong))


def _found(report: ErrorReport, image: int) -> list[DrawnBox]:
    """The objects that are found, with the scores of their detections."""
    table = report.table
    at = np.flatnonzero(table.outcomes.true & (table.outcomes.images == image))
    at = at[np.argsort(-table.outcomes.scores[at], kind="stable")][:MOST_BOXES]
    return [
        DrawnBox(
            table.truth.boxes_xywh[table.outcomes.got[one]].tolist(),
            FOUND,
            _tag(report, int(table.found.labels[one]), float(table.found.scores[one]), rank),
        )
        for rank, one in enumerate(at.tolist())
    ][::-1]


def _wrong(report: ErrorReport, image: int) -> list[DrawnBox]:
    """False detections, and on top of them the objects that are not found."""
    table, outcomes = report.table, report.table.outcomes
    false = outcomes.counted & ~outcomes.true & (outcomes.images == image) & (outcomes.scores >= SCORE)
    at = np.flatnonzero(false)
    at = at[np.argsort(-outcomes.scores[at], kind="stable")][:MOST_BOXES]
    drawn = [
        DrawnBox(
            table.found.boxes_xywh[one].tolist(),
            FALSE,
            _tag(report, int(table.found.labels[one]), float(table.found.scores[one]), rank),
        )
        for rank, one in enumerate(at.tolist())
    ][::-1]
    unfound = np.flatnonzero(table.unfound & (table.truth.images == image))
    areas = table.truth.boxes_xywh[unfound, 2] * table.truth.boxes_xywh[unfound, 3]
    largest = unfound[np.argsort(-areas, kind="stable")][:MOST_BOXES].tolist()
    return drawn + [
        DrawnBox(
            table.truth.boxes_xywh[one].tolist(),
            MISSED,
            _tag(report, int(table.truth.labels[one]), None, rank),
        )
        for rank, one in enumerate(largest)
    ]


def _tag(report: ErrorReport, category: int, score: float | None, rank: int) -> str:
    """Class and score, of the first boxes alone, so that tags do not cover the picture."""
    if rank >= MOST_TAGS:
        return ""
    name = label(report.dataset.names[category], limit=16)
    return name if score is None else f"{name} {score:.2f}"
