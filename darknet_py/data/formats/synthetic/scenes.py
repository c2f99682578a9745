"""Scenes: a detection data set drawn on the spot, the same on every run and in any order.

Eight classes that differ in outline, in texture, or in both; colours, sizes, turns and stretches are drawn
from the same ranges for all, so only form separates them. Sides run from 9 to 90 % of the image, evenly on a
logarithmic scale. Blobs of no class and stray lines stand between them, some covering others; light,
contrast, colour cast, blur and noise change from image to image.

A box is the full extent of an object, also of the part that another object covers, clipped to the image. What
is drawn as an object is labelled: an object that would leave another less than half visible is not drawn.
Lines may still cross small ones.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from darknet_py.data.dataset import SPLITS, Dataset, Record
from darknet_py.data.formats.synthetic.drawing import (
    CHECKS,
    DOTS,
    FIGURES,
    STRIPES,
    Figure,
    Pose,
    Stamp,
    inside,
    paint,
    stamp,
)
from darknet_py.errors import UsageError, quoted

VERSION = 3  # of the drawing; goes up with any change to a pixel, and with it the fingerprint
MOST_OBJECTS = 5
SMALLEST, LARGEST = 0.09, 0.90  # side of an object, as a fraction of the image
LEAST_VISIBLE = 0.5  # of an object's area
TURN = 0.35  # radians, to either side
TRIES = 10  # places tried before an object is left out
CONTRAST = 70.0  # levels between an object and what is behind it, in the channel that differs most

_LIMITS = {"train": (1, 1_000_000), "val": (1, 1_000_000), "size": (96, 1024), "seed": (0, 2**32 - 1)}


@dataclass(frozen=True, eq=False)
class Scene:
    """One drawn image: pixels (H, W, 3) uint8, boxes_xywh (T, 4) float64, labels (T,) int64."""

    pixels: np.ndarray
    boxes_xywh: np.ndarray
    labels: np.ndarray


class Scenes(Dataset):
    """One split of the scenes; an image is drawn when it is first asked for, and kept.

    Args:
        split: "train" or "val"; they never share an image.
        train: number of images of the training split.
        val: number of images of the validation split.
        size: height and width, pixels.
        seed: of the drawing.

    Raises: UsageError: when the split is unknown or a number out of range.

    >>> Scenes("val", val=3).pixels(0).shape
    (160, 160, 3)
    """

    word: ClassVar[str] = "scenes"  # by which they are opened
    version: ClassVar[int] = VERSION
    names = tuple(figure.name for figure in FIGURES)
    category_ids = tuple(range(1, len(FIGURES) + 1))

    def __init__(
        self, split: str, *, train: int = 1200, val: int = 300, size: int = 160, seed: int = 0
    ) -> None:
        """Remember what to draw; nothing is drawn yet."""
        if split not in SPLITS:
            raise UsageError(f"{self.word} have no split `{quoted(split)}`; they have {' and '.join(SPLITS)}")
        options = {"train": train, "val": val, "size": size, "seed": seed}
        for key, (least, most) in _LIMITS.items():
            if not least <= options[key] <= most:
                raise UsageError(f"{self.word}: {key} = {options[key]} is not from {least} to {most}")
        self.split, self.size, self.seed = split, size, seed
        self.dropped = {}
        source = [
            self.version,
            split,
            options[split],
            size,
            seed,
            *self.names,
        ]  # the images follow from these
        self.fingerprint = hashlib.sha256(repr(source).encode()).hexdigest()
        self._scenes: list[Scene | None] = [None] * options[split]

    @classmethod
    def recognises(cls, spec: str) -> bool:
        """Whether it is the word, alone or with options."""
        return spec == cls.word or spec.startswith(f"{cls.word}:")

    @classmethod
    def from_spec(cls, spec: str, *, split: str, seed: int = 0) -> Scenes:
        """Read "scenes" or "scenes:train=1200,val=300,size=160,seed=0"; any of the four may be left out."""
        options = {"seed": seed}
        given: set[str] = set()
        for piece in spec.partition(":")[2].split(",") if ":" in spec else ():
            key, _, value = piece.strip().partition("=")
            if key in given:
                raise UsageError(f"`{quoted(spec)}` gives `{key}` twice")
            if key not in _LIMITS or not re.fullmatch(r"\d{1,10}", value, re.ASCII):
                raise UsageError(
                    f"`{quoted(piece)}` in `{quoted(spec)}` is not understood",
                    hint=f"{cls.word} take train=, val=, size= and seed=, each with a whole number",
                )
            given.add(key)
            options[key] = int(value)
        return cls(split, **options)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._scenes)

    def record(self, index: int) -> Record:
        """Return the objects of one image."""
        scene = self._scene(index)
        return Record(
            image_id=index + 1,
            width=self.size,
            height=self.size,
            boxes_xywh=scene.boxes_xywh,
            labels=scene.labels,
            crowd=np.zeros(len(scene.labels), dtype=bool),
            name=f"{self.split}-{index:06d}.png",
        )

    def box_counts(self) -> None:
        """Nothing is counted: the scenes would all be drawn for it."""

    def pixels(self, index: int) -> np.ndarray:
        """Return a copy of one image."""
        pixels: np.ndarray = self._scene(index).pixels.copy()
        return pixels

    def draw(self, rng: np.random.Generator) -> Scene:
        """Draw one scene from the numbers of one generator."""
        return draw_scene(rng, size=self.size)

    def _scene(self, index: int) -> Scene:
        kept = self._scenes[index]
        if kept is None:
            rng = np.random.default_rng([self.seed, SPLITS.index(self.split), range(len(self))[index]])
            kept = self._scenes[index] = self.draw(rng)
        return kept


def draw_scene(rng: np.random.Generator, *, size: int) -> Scene:
    """Draw one scene from the numbers of one generator."""
    picture = _background(rng, size)
    for _ in range(rng.integers(0, 4)):
        _paint_somehow(rng, picture, _blob(rng, size))
    marks, labels = _objects(rng, size)
    for mark in marks:
        _paint_somehow(rng, picture, mark)
    _lines(rng, picture)
    corners = np.array([mark.box_xyxy for mark in marks]).reshape(-1, 4).clip(0, size)
    boxes_xywh = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    return Scene(_light(rng, picture), boxes_xywh, np.array(labels, dtype=np.int64))


def _objects(rng: np.random.Generator, size: int) -> tuple[list[Stamp], list[int]]:
    """Choose objects and their places, larger ones behind; of each at least half stays visible."""
    sides = np.sort(_sides(rng, size, int(rng.integers(1, MOST_OBJECTS + 1))))[::-1]
    owner = np.zeros((size, size), dtype=np.uint8)  # 1 + the number of the object seen at each pixel
    visible, needed = np.zeros(1), np.zeros(1)  # pixels of each object; entry 0 is the background
    marks, labels = [], []
    for side in sides:
        label = int(rng.integers(len(FIGURES)))
        for _ in range(TRIES):
            mark = stamp(FIGURES[label], _pose(rng, side, size))
            there, here = inside(mark, size, size)
            solid = mark.cover >= 128
            lost = np.bincount(owner[there][solid[here]], minlength=len(visible))
            after = np.append(visible - lost, lost.sum())
            least = np.append(needed, LEAST_VISIBLE * solid.sum())
            if (after[1:] >= least[1:]).all():
                owner[there][solid[here]] = len(visible)
                visible, needed = after, least
                marks.append(mark)
                labels.append(label)
                break
    return marks, labels


def _sides(rng: np.random.Generator, size: int, count: int) -> np.ndarray:
    return np.asarray(size * SMALLEST * (LARGEST / SMALLEST) ** rng.random(count))


def _pose(rng: np.random.Generator, side: float, size: int) -> Pose:
    stretch = rng.uniform(0.85, 1.18)
    x, y = rng.uniform(0.25 * side, size - 0.25 * side, 2)
    return Pose(x, y, side / 2 * stretch, side / 2 / stretch, rng.uniform(-TURN, TURN))


def _blob(rng: np.random.Generator, size: int) -> Stamp:
    """Make a lump of no class: a wobbly outline, plain or with the ink of some figure."""
    waves = np.arange(1, 5)[:, None]
    heights, phases = rng.uniform(0.1, 0.3, (4, 1)), rng.uniform(0, 2 * np.pi, (4, 1))
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radius = 1 + (heights / waves**0.5 * np.cos(waves * angles + phases)).sum(axis=0)
    outline = np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1) / radius.max()
    ink = ((), (), STRIPES, CHECKS, DOTS)[rng.integers(5)]
    return stamp(Figure("", (outline,), ink), _pose(rng, float(_sides(rng, size, 1)[0]), size))


def _paint_somehow(rng: np.random.Generator, picture: np.ndarray, mark: Stamp) -> None:
    """Paint in colours that stand out from what is behind, and say nothing of the class."""
    (rows, columns), _ = inside(mark, *picture.shape[1:])
    colour = _colour(rng, picture[:, rows, columns].mean(axis=(1, 2)))
    down, right = rng.uniform(-36, 36, 2).tolist()
    paint(picture, mark, colour=colour, ink=_colour(rng, colour), slope=(down, right))


def _colour(rng: np.random.Generator, other: np.ndarray) -> np.ndarray:
    """Draw ten colours and return the first that differs enough from another one."""
    colours = rng.uniform(10, 245, (10, 3))
    fitting = np.abs(colours - other).max(axis=1) >= CONTRAST
    return np.asarray(colours[fitting.argmax()])  # the first of all, should none fit


def _background(rng: np.random.Generator, size: int) -> np.ndarray:
    """A colour under slopes and patches of two sizes: (3, size, size) float32."""
    ground = np.empty((3, size, size), dtype=np.float32)
    ground[:] = rng.uniform(30, 225, (3, 1, 1))
    for cells, most in ((2, 50), (6, 30), (size // 5, 14)):
        depth = rng.uniform(0, most)
        for plane in ground:
            patches = rng.uniform(-depth, depth, (cells, cells)).astype(np.float32)
            plane += cv2.resize(patches, (size, size), interpolation=cv2.INTER_LINEAR)
    return ground


def _lines(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Draw up to three thin lines over everything."""
    size = picture.shape[1]
    for _ in range(rng.integers(0, 4)):
        start, end = rng.integers(0, size, (2, 2)).tolist()
        for plane, level in zip(picture, rng.uniform(10, 245, 3).tolist(), strict=True):
            cv2.line(plane, start, end, level, 1)


def _light(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Light from one side, a colour cast, contrast, gamma, blur and noise: (H, W, 3) uint8."""
    size = picture.shape[1]
    lamp = rng.uniform(0.65, 1.35, (2, 2)).astype(np.float32)
    picture *= cv2.resize(lamp, (size, size), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.3:
        width = rng.uniform(0.4, 0.9)
        picture = np.stack([cv2.GaussianBlur(plane, (0, 0), width) for plane in picture])
    gain = (rng.uniform(0.8, 1.2, (3, 1, 1)) * rng.uniform(0.6, 1.1)).astype(np.float32)
    noise = rng.integers(0, 256, picture.shape, dtype=np.uint8) * np.float32(rng.uniform(2, 20) / 255)
    picture = (picture - 128) * gain + noise + np.float32(128 + rng.uniform(-30, 10))
    curve = np.rint(255 * (np.arange(256) / 255) ** rng.uniform(0.7, 1.4)).astype(np.uint8)
    levels = np.clip(picture, 0, 255, out=picture).astype(np.uint8)
    return cv2.merge([cv2.LUT(plane, curve) for plane in levels])
