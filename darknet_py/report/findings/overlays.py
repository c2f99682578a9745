"""Stored images with what a run finds in them, as SVG over an image that the page contains once.

Boxes are lines of the page, so a picture of eight variants costs little more than one of two. The number and
the size of images are bounded: a page has at most `BUDGET` bytes of them.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from darknet_py.report.plotting import data_uri
from darknet_py.report.tables import label
from darknet_py.runs.pictures_file import FoundInImage, StoredPicture
from darknet_py.scoring.operating_point import SCORE

SIDE = 320  # of a picture, in the units of its boxes
HIGHEST = 2 * SIDE
LARGEST_JPEG = 120_000  # bytes
BUDGET = 700_000  # bytes of all images in a page
MOST_TAGS = 4  # of each kind of box in a picture
LETTER, LINE = 7, 12  # of a tag, at most
BEYOND = 10 * SIDE  # an edge further out is drawn there


@dataclass(frozen=True)
class EmbeddedImage:
    """An image as the page contains it: `id` of its element, and its height at a width of `SIDE`."""

    id: str
    uri: str
    height: int


@dataclass(frozen=True)
class Overlay:
    """Boxes over an image.

    Args:
        paths: the kind of some boxes, and their outlines.
        tags: x, y, kind and text.
        caption: what is drawn, in words.
    """

    image: EmbeddedImage
    paths: tuple[tuple[str, str], ...]
    tags: tuple[tuple[int, int, str, str], ...]
    caption: str


def embed(pictures: Iterable[StoredPicture]) -> dict[int, EmbeddedImage]:
    """The images that fit into the budget, by id; damaged and missing ones are left out."""
    embedded: dict[int, EmbeddedImage] = {}
    left = BUDGET
    for picture in pictures:
        uri = _jpeg_uri(picture.jpeg)
        if picture.image_id in embedded or uri is None or len(uri) > left:
            continue
        left -= len(uri)
        width, height = picture.size
        shown = max(1, min(HIGHEST, round(SIDE * height / width)))
        embedded[picture.image_id] = EmbeddedImage(f"picture-{len(embedded)}", uri, shown)
    return embedded


def _jpeg_uri(path: Path) -> str | None:
    from PIL import Image

    try:
        if path.stat().st_size > LARGEST_JPEG:
            return None
        data = path.read_bytes()
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            if max(image.size) > HIGHEST:
                return None
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return data_uri("image/jpeg", data)


def overlay(
    picture: StoredPicture, found: FoundInImage, image: EmbeddedImage, classes: Sequence[str]
) -> Overlay:
    """What one run finds: objects dashed, found ones, missed ones, and false detections."""
    scales = SIDE / picture.size[0], image.height / picture.size[1]
    true = [box for box in found.boxes if box.true]
    false = [box for box in found.boxes if not box.true]
    missed = [picture.truths[at] for at in found.missed]
    rest = [one for at, one in enumerate(picture.truths) if at not in found.missed]
    groups: list[tuple[str, list[tuple[tuple[float, ...], str]]]] = [
        ("object", [(one.box_xywh, "") for one in rest]),
        ("false", [(one.box_xywh, _tag(classes, one.label, one.score)) for one in false]),
        ("found", [(one.box_xywh, _tag(classes, one.label, one.score)) for one in true]),
        ("missed", [(one.box_xywh, _tag(classes, one.label)) for one in missed]),
    ]
    paths, tags = [], _Tags(image.height)
    for kind, boxes in groups:
        edges = [_edges(box, scales) for box, _ in boxes]
        if edges:
            paths.append((kind, "".join(f"M{x} {y}h{w}v{h}h{-w}z" for x, y, w, h in edges)))
        if kind != "object":
            for (x, y, _, _), (_, text) in list(zip(edges, boxes, strict=True))[:MOST_TAGS]:
                tags.add(x, y, kind, text)
    objects = sum(not one.crowd for one in picture.truths)
    caption = f"finds {objects - len(missed)} of {objects}"
    if weak := sum(box.score < SCORE for box in true):
        caption += f" ({weak} with scores below {SCORE:g})"
    if false:
        caption += f", {len(false)} false"
    return Overlay(image, tuple(paths), tuple(tags.placed), caption)


def labelled(
    picture: StoredPicture, found: FoundInImage, image: EmbeddedImage, classes: Sequence[str]
) -> Overlay:
    """What a classifier predicts."""
    assert found.label is not None
    right = found.label == picture.truths[0].label
    name = label(classes[found.label], limit=24)
    return Overlay(image, (), (), f"{name}: {'right' if right else 'wrong'}")


class _Tags:
    """Places for tags: above their boxes, inside the picture, and not over one another."""

    def __init__(self, height: int) -> None:
        self.height = height
        self.placed: list[tuple[int, int, str, str]] = []

    def add(self, x: int, y: int, kind: str, text: str) -> None:
        """Write a tag where there is room for it."""
        width = LETTER * len(text)
        left = min(max(x, 0) + 2, max(2, SIDE - width))
        for down in range(0, 3 * LINE, LINE):
            top = min(max(y - 3, LINE) + down, self.height - 3)
            free = all(
                abs(top - other) >= LINE or left > start + LETTER * len(word) or start > left + width
                for start, other, _, word in self.placed
            )
            if free:
                self.placed.append((left, top, kind, text))
                return


def _tag(classes: Sequence[str], number: int, score: float | None = None) -> str:
    name = label(classes[number], limit=16)
    return name if score is None else f"{name} {score:.2f}"


def _edges(box: Sequence[float], scales: tuple[float, float]) -> tuple[int, int, int, int]:
    x, y, width, height = (
        round(max(-BEYOND, min(BEYOND, number * scales[at % 2]))) for at, number in enumerate(box)
    )
    return x, y, max(1, width), max(1, height)
