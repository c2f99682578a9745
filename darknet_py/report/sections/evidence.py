"""Which images decided it, and on which the variants disagree most, with what each variant finds in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from darknet_py.report.findings.evidence import Evidence
from darknet_py.report.findings.overlays import EmbeddedImage, Overlay, embed, labelled, overlay
from darknet_py.report.markdown import escape_markdown, table_to_markdown
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import ReportTable, label
from darknet_py.report.verdict_sentence import OUTCOMES, signed
from darknet_py.runs.pictures_file import StoredPicture
from darknet_py.stats.evidence import MOST_DECIDING

MOST_VARIANTS = 8  # columns of pictures
DIGITS = 2


@dataclass(frozen=True)
class PictureCard:
    """An image with a panel for each variant: name, overlay."""

    title: str
    facts: str
    panels: tuple[tuple[str, Overlay], ...]


@dataclass(frozen=True)
class DecidingImages:
    """What a verdict rests on."""

    at: int
    name: str
    sentence: str
    cards: tuple[PictureCard, ...]


class EvidenceSection(ReportSection):
    """Sentences about each verdict, and pictures of the images."""

    anchor = "images"
    link = "Deciding images"
    title = "Which images decided it"
    template = """\
<p class="caption">{{ legend }}</p>
<svg class="embedded" width="0" height="0" aria-hidden="true"><defs>{% for it in images %}<image id="{{ it.id }}" width="320" height="{{ it.height }}" preserveAspectRatio="none" href="{{ it.uri }}"/>{% endfor %}</defs></svg>
{% for it in deciding %}
<h3>{{ ui.swatch(it.at) }}{{ it.name }}</h3>
<p>{{ it.sentence }}</p>
<div class="cards">
{% for card in it.cards %}{{ ui.picture_card(card) }}{% endfor %}
</div>
{% endfor %}
<h3>Where the variants disagree most</h3>
<p>{{ disagreement }}</p>
<div class="cards wide">
{% for card in disagreeing %}{{ ui.picture_card(card) }}{% endfor %}
</div>
"""  # noqa: E501

    def applies(self, report: Report) -> bool:
        """When there are verdicts."""
        return report.judgement.evidence is not None

    def context(self, report: Report) -> dict[str, object]:
        """Sentences and cards."""
        evidence, pictures = evidence_of(report), report.comparison.pictures
        chosen = [pictures[one] for one in evidence.ids(evidence.chosen.pictures) if one in pictures]
        images = embed(chosen)
        return {
            "legend": legend(report),
            "images": list(images.values()),
            "deciding": [_deciding(report, at, images) for at in range(1, len(report.comparison.variants))],
            "disagreement": disagreement(report),
            "disagreeing": _disagreeing(report, images),
        }

    def markdown(self, report: Report) -> list[str]:
        """The sentences, and a table of the images on which variants disagree."""
        if not self.applies(report):
            return []
        sentences = [
            f"- {escape_markdown(label(one.variant))}: {escape_markdown(deciding_sentence(report, at))}"
            for at, one in enumerate(report.verdicts, start=1)
        ]
        table = table_to_markdown(disagreement_table(report))
        text = escape_markdown(disagreement(report))
        return [f"## {self.title}", "\n".join(sentences), text, table]

    def json(self, report: Report) -> dict[str, Any]:
        """`images`: of each variant those that carry half of its effect; those that variants disagree on."""
        if not self.applies(report):
            return {}
        evidence = evidence_of(report)
        names = [variant.name for variant in report.comparison.variants[1:]]
        deciding = [
            {
                "variant": name,
                "images": list(evidence.ids(images)),
                "effect_without": evidence.without[at],
                "pulls": [evidence.pull(image, at + 1) for image in images],
            }
            for at, (name, images) in enumerate(zip(names, evidence.chosen.deciding, strict=True))
        ]
        disagreeing = [
            {
                "image": evidence.ids([image])[0],
                "pulls": {name: evidence.pull(image, at) for at, name in enumerate(names, start=1)},
            }
            for image in evidence.chosen.disagreeing
        ]
        return {"images": {"deciding": deciding, "disagreeing": disagreeing, "drawn": _drawn_json(report)}}


def _drawn_json(report: Report) -> list[dict[str, Any]]:
    """What each run finds in the images that may be drawn: scores, and how many objects it misses."""
    evidence, pictures = evidence_of(report), report.comparison.pictures
    chosen = [pictures[one] for one in evidence.ids(evidence.chosen.pictures) if one in pictures]
    return [
        {
            "image": picture.image_id,
            "objects": sum(not truth.crowd for truth in picture.truths),
            "runs": [
                {
                    "variant": name,
                    "seed": seed,
                    "true": [box.score for box in found.boxes if box.true],
                    "false": [box.score for box in found.boxes if not box.true],
                    "missed": len(found.missed),
                }
                for (name, seed), found in picture.found.items()
            ],
        }
        for picture in chosen
    ]


def evidence_of(report: Report) -> Evidence:
    """The evidence of a report that has some."""
    assert report.judgement.evidence, "asked by `applies`"
    return report.judgement.evidence


def legend(report: Report) -> str:
    """What pictures show."""
    if report.metrics.task == "classification":
        return "An image with the class that each variant predicts, in the seed that is named."
    return (
        "Objects are dashed. Green: found at IoU 0.5, with the score. Orange: missed. Yellow, dotted: false"
        " detections with a score of 0.25 or more. Of the seeds, the one that is nearest to their mean."
    )


def deciding_sentence(report: Report, at: int) -> str:
    """How many images carry half of the effect of a variant, and what is left without them."""
    evidence, word = evidence_of(report), report.metrics.word
    one, images, without = report.verdicts[at - 1], evidence.chosen.deciding[at - 1], evidence.without[at - 1]
    if not one.result or one.effect is None:
        return f"{one.sentence[0].upper()}{one.sentence[1:]}."
    effect = f"{signed(one.effect, digits=DIGITS)} {word}"
    outcome = OUTCOMES[one.outcome]
    start = f"{outcome[0].upper()}{outcome[1:]}"
    if not one.effect:
        return f"{start}: there is no difference."
    if not images:
        return f"{start}, by {effect}: no part of the images carries half of it."
    total, count = len(evidence.image_ids), len(images)
    text = f"{start}. {count} of {total} images {'carries' if count == 1 else 'carry'} half of {effect}"
    if without is not None:
        text += f"; without {'it' if count == 1 else 'them'} {signed(without, digits=DIGITS)}"
    text += "."
    if one.outcome == "unclear":
        text += " This shows what the difference hangs on, and proves none."
    return text


def disagreement(report: Report) -> str:
    """How these images were chosen."""
    return (
        f"The images that move the {report.metrics.word} of the variants apart most, as a mean over"
        f" seeds. The numbers are what an image adds to the difference from {report.baseline}."
    )


def disagreement_table(report: Report) -> ReportTable:
    """A row an image, a column a variant."""
    evidence, variants = evidence_of(report), report.comparison.variants[1:][:MOST_VARIANTS]
    rows = [
        (
            _title(report, image),
            *(signed(evidence.pull(image, at), digits=DIGITS) for at in range(1, len(variants) + 1)),
        )
        for image in evidence.chosen.disagreeing
    ]
    head = ("image", *(label(variant.name, limit=40) for variant in variants))
    return ReportTable("", head, tuple(rows))


def _title(report: Report, image: int) -> str:
    (identity,) = evidence_of(report).ids([image])
    picture = report.comparison.pictures.get(identity)
    return label(picture.name, limit=60) if picture else f"image {identity}"


def _deciding(report: Report, at: int, images: dict[int, EmbeddedImage]) -> DecidingImages:
    evidence = evidence_of(report)
    chosen = evidence.chosen.deciding[at - 1][:MOST_DECIDING]
    cards = [_card(report, image, (0, at), images) for image in chosen]
    name = label(report.comparison.variants[at].name)
    return DecidingImages(at, name, deciding_sentence(report, at), tuple(one for one in cards if one))


def _disagreeing(report: Report, images: dict[int, EmbeddedImage]) -> list[PictureCard]:
    variants = range(min(len(report.comparison.variants), MOST_VARIANTS))
    cards = [_card(report, image, variants, images) for image in evidence_of(report).chosen.disagreeing]
    return [card for card in cards if card]


def _card(
    report: Report, image: int, variants: range | tuple[int, ...], images: dict[int, EmbeddedImage]
) -> PictureCard | None:
    """An image and what some variants find in it; None where there is no picture."""
    evidence, comparison = evidence_of(report), report.comparison
    (identity,) = evidence.ids([image])
    picture, embedded = comparison.pictures.get(identity), images.get(identity)
    if picture is None or embedded is None:
        return None
    others = [at for at in variants if at]
    furthest = max(others, key=lambda at: abs(evidence.pull(image, at)))
    seed = evidence.typical_seed(image, furthest)
    panels = []
    for at in variants:
        name = comparison.variants[at].name
        if drawn := _panel(report, picture, (name, seed), embedded):
            panels.append((label(name, limit=40), drawn))
    pulls = ", ".join(
        signed(evidence.pull(image, at), digits=DIGITS)
        + (f" ({label(comparison.variants[at].name, limit=40)})" if len(others) > 1 else "")
        for at in others
    )
    return PictureCard(
        label(picture.name, limit=80), f"adds {pulls} {report.metrics.word}, seed {seed}", tuple(panels)
    )


def _panel(
    report: Report, picture: StoredPicture, run: tuple[str, int], image: EmbeddedImage
) -> Overlay | None:
    found, classes = picture.found.get(run), report.comparison.data.classes
    if found is None:
        return None
    draw = labelled if found.label is not None else overlay
    return draw(picture, found, image, classes)
