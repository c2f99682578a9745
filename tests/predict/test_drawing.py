"""Property: what drawing leaves alone, where it puts its ink, and that no name or size crashes it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest

from darknet_py.predict.detections import Detections
from darknet_py.predict.drawing import ascii_of, colour_of, draw

GREY = 128


def detections(
    *boxes: list[float], labels: list[int] | None = None, names: Sequence[str] = ("dog",)
) -> Detections:
    count = len(boxes)
    corners = np.array(boxes, np.float32).reshape(-1, 4)
    scores = np.linspace(0.9, 0.5, count)
    return Detections(corners, scores, np.array(labels or [0] * count, int), tuple(names))


def plain(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), GREY, np.uint8)


def inked(picture: np.ndarray) -> np.ndarray:
    return (picture != GREY).any(axis=2)


def test_the_picture_itself_is_left_alone():
    pixels = plain(100, 120)
    drawn = draw(pixels, detections([10, 30, 50, 60]))
    assert (pixels == GREY).all()
    assert drawn.shape == pixels.shape
    assert drawn.dtype == np.uint8
    assert inked(drawn).any()


def test_nothing_found_is_the_same_picture():
    assert np.array_equal(draw(plain(10, 10), detections()), plain(10, 10))


def test_the_box_is_drawn_in_the_colour_of_its_class():
    drawn = draw(plain(200, 200), detections([50, 60, 150, 160], labels=[3], names="abcd"))
    assert tuple(drawn[160, 100]) == colour_of(3)
    assert tuple(drawn[110, 150]) == colour_of(3)
    assert not inked(drawn)[100:120, 90:110].any()


@pytest.mark.parametrize(
    "box", [[0, 0, 60, 60], [340, 0, 400, 60], [0, 240, 60, 300], [340, 240, 400, 300], [0, 0, 400, 300]]
)
def test_a_tag_stays_whole_inside_the_picture(box):
    in_the_middle = letters(draw(plain(300, 400), detections([150, 150, 200, 200], names=["traffic light"])))
    assert letters(draw(plain(300, 400), detections(box, names=["traffic light"]))) >= in_the_middle * 0.9


def letters(drawn: np.ndarray) -> int:
    return int((drawn == 0).all(axis=2).sum() + (drawn == 255).all(axis=2).sum())


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (8, 8), (3000, 20), (20, 3000)])
def test_no_size_crashes_it(size):
    height, width = size
    drawn = draw(
        plain(*size), detections([0, 0, width, height], [0, 0, 0, 0], names=["a very long name of a class"])
    )
    assert drawn.shape == (*size, 3)


@pytest.mark.parametrize(
    ("name", "drawn"),
    [("dog", "dog"), ("café", "cafe"), ("犬", "?"), ("a\nb", "a?b"), ("", ""), ("100%d", "100%d")],
)
def test_any_name_can_be_drawn(name, drawn):
    assert ascii_of(name) == drawn
    assert inked(draw(plain(60, 80), detections([10, 20, 60, 50], names=[name]))).any()


def test_the_line_grows_with_the_picture():
    small = draw(plain(200, 200), detections([20, 60, 180, 180]))
    large = draw(plain(2000, 2000), detections([200, 600, 1800, 1800]))
    assert inked(small)[100:130, :60].sum(axis=1).max() < inked(large)[1000:1300, :600].sum(axis=1).max()


def test_darknets_hidden_classes_are_not_drawn():
    assert not inked(draw(plain(60, 80), detections([10, 20, 60, 50], names=["dont_show"]))).any()


def test_eighty_classes_have_eighty_colours():
    assert len({colour_of(label) for label in range(80)}) == 80


def test_no_tag_hides_another_and_no_line_crosses_one():
    boxes = [[300, 240, 900, 750], [300, 240, 900, 750], [306, 252, 870, 720], [330, 210, 390, 270]]
    names = ["truck", "car", "bus", "person"]
    alone = [
        letters(draw(plain(900, 1200), detections(box, labels=[label], names=names)))
        for label, box in enumerate(boxes)
    ]
    together = letters(draw(plain(900, 1200), detections(*boxes, labels=[0, 1, 2, 3], names=names)))
    assert min(alone) > 50
    assert together >= sum(alone) * 0.95


def test_a_thousand_tags_are_drawn_in_a_second():
    boxes = np.random.default_rng(0).uniform(0, 200, (1000, 4)).tolist()
    began = time.process_time()
    draw(plain(300, 400), detections(*boxes))
    assert time.process_time() - began < 1
