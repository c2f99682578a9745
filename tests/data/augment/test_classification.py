"""Reference. Oracle: Darknet's `rotate_crop_image` as loops, in `tests/reference/classification.py`."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest

from darknet_py.cfg.document import parse
from darknet_py.data.augment.classification import ClassifierAugmentation
from darknet_py.graph.compile import compile
from tests.reference import classification as reference

LABEL = np.array([[20.0, 15.0, 40.0, 30.0, 7.0]])
# OpenCV places pixels to 1/32: on pictures as smooth as these a level, at the black border 255 / 64 an axis.
LEVELS, LEVELS_AT_BORDER = 2.0, 9.0


def smooth(height, width):
    """A picture without edges, so that a small shift changes it a little."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(y / 9 + k) + np.cos(x / 7 - 2 * k) for k in range(3)]
    return np.stack([128 + 60 * wave for wave in waves], axis=-1).astype(np.uint8)


@dataclass
class Scripted:
    """A generator whose draws are given as shares of their ranges; it remembers the ranges."""

    shares: dict[str, float]
    ranges: list[tuple[float, float]] = field(default_factory=list)
    order = ("aspect", "angle", "across", "down")

    def uniform(self, low, high):
        name = self.order[len(self.ranges)] if len(self.ranges) < len(self.order) else "none"
        self.ranges.append((low, high))
        return low + self.shares.get(name, 0.5) * (high - low)

    def integers(self, low, high, *, endpoint):
        assert endpoint
        return round(low + self.shares.get("side", 0.5) * (high - low))

    def random(self):
        return 0.9  # no inversion, no mirror


CASES = {
    "whole": ({}, {}),
    "corner": ({}, {"across": 0.0, "down": 1.0}),
    "small": ({}, {"side": 0.0, "across": 1.0, "down": 0.0}),
    "large": ({}, {"side": 1.0, "across": 0.2, "down": 0.7}),
    "turned": ({"angle": 30.0}, {"angle": 0.9, "across": 0.1}),
    "turned back": ({"angle": 30.0}, {"angle": 0.1, "side": 0.0}),
    "bent": ({"aspect": 1.5}, {"aspect": 1.0, "across": 0.0, "down": 1.0}),
    "all": ({"aspect": 1.5, "angle": 20.0}, {"aspect": 0.6, "angle": 0.8, "across": 0.9, "down": 0.3}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("image", [(30, 40), (48, 24)], ids=["wide", "high"])
@pytest.mark.parametrize(("least", "most"), [(24, 24), (24, 40), (16, 60)])
def test_a_crop_is_darknets(case, image, least, most):
    keys, shares = CASES[case]
    pixels, rng, size = smooth(*image), Scripted(shares), 24
    found, rows = ClassifierAugmentation(least, most, **keys)(pixels, LABEL, rng, (size, size))

    planes = pixels.transpose(2, 0, 1).astype(float)
    aspect = 1 + shares.get("aspect", 0.5) * (keys.get("aspect", 1) - 1)
    side = round(least + shares.get("side", 0.5) * (most - least))
    down, across = reference.spare(planes, side, size, aspect)
    angle = keys.get("angle", 0.0)
    expected_ranges = [(1, keys.get("aspect", 1)), (-angle, angle), (-across, across), (-down, down)]
    np.testing.assert_allclose(rng.ranges[:4], expected_ranges, atol=1e-9)
    shares = {name: 2 * shares.get(name, 0.5) - 1 for name in Scripted.order}
    turn = {"angle": shares["angle"] * angle, "aspect": aspect}
    turn |= {"down": shares["down"] * down, "across": shares["across"] * across}
    expected = reference.random_crop(planes, side, size, **turn)
    covered = reference.random_crop(np.ones_like(planes), side, size, **turn)[0]
    levels = np.where(cv2.erode(covered, np.ones((3, 3))) > 1 - 1e-9, LEVELS, LEVELS_AT_BORDER)
    assert (found.shape, found.dtype) == ((size, size, 3), np.uint8)
    assert (np.abs(found.transpose(2, 0, 1) - expected) <= levels).all()
    assert (levels == LEVELS).mean() > 0.1
    assert rows.tolist() == [[0.5, 0.5, 1, 1, 7, 1]]


def crops(count, *, image, size=(24, 24), **keys):
    how = ClassifierAugmentation(**{"min_crop": 24, "max_crop": 24} | keys)
    return [how(image, LABEL, np.random.default_rng(seed), size)[0] for seed in range(count)]


def test_an_image_of_the_inputs_size_comes_out_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    assert all(np.array_equal(found, image) for found in crops(20, image=image))


def test_half_of_the_images_are_mirrored():
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    found = crops(400, image=image, flip=True)
    mirrored = sum(np.array_equal(one, image[:, ::-1]) for one in found)
    assert mirrored + sum(np.array_equal(one, image) for one in found) == 400
    assert mirrored == pytest.approx(200, abs=4 * 10)


def test_a_crop_that_is_not_enlarged_shows_nothing_black():
    white = np.full((60, 50, 3), 255, np.uint8)
    assert all(found.min() == 255 for found in crops(60, image=white, min_crop=24, max_crop=50))


def test_a_crop_smaller_than_the_input_has_a_black_border():
    white = np.full((60, 60, 3), 255, np.uint8)
    (found,) = crops(1, image=white, min_crop=12, max_crop=12)
    assert found[:5].max() == found[-5:].max() == found[:, :5].max() == found[:, -5:].max() == 0
    assert found[8:16, 8:16].min() == 255


def test_every_side_and_place_is_reached():
    ramp = np.zeros((100, 100, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(100)[:, None], np.arange(100)
    found = crops(300, image=ramp, min_crop=24, max_crop=100)
    heights = [int(one[-1, 0, 0]) - int(one[0, 0, 0]) for one in found]
    assert min(heights) < 26
    assert max(heights) > 90
    tops = [int(one[0, 0, 0]) for one, height in zip(found, heights, strict=True) if height < 40]
    lefts = [int(one[0, 0, 1]) for one, height in zip(found, heights, strict=True) if height < 40]
    for corner in (tops, lefts):
        assert min(corner) < 10
        assert max(corner) > 50


def test_colours_are_recoloured():
    red = np.full((24, 24, 3), (200, 40, 40), np.uint8)
    found = {tuple(one[0, 0].tolist()) for one in crops(40, image=red, exposure=1.5)}
    assert len(found) > 20
    assert all(r > g == b for r, g, b in found)


def test_an_input_that_is_not_square_is_filled():
    white = np.full((60, 50, 3), 255, np.uint8)
    found = crops(20, image=white, size=(24, 36), min_crop=36, max_crop=50)
    assert all(one.shape == (24, 36, 3) and one.min() == 255 for one in found)


def test_the_keys_of_net_are_darknets_with_darknets_defaults():
    text = "[net]\nwidth=32\nheight=32\nchannels=3\n{}[softmax]\n"
    plain = ClassifierAugmentation.of(compile(parse(text.format(""))).net)
    assert plain == ClassifierAugmentation(32, 64, flip=True)
    keys = "min_crop=40\nmax_crop=48\nangle=7\naspect=.75\nflip=0\nhue=.1\nsaturation=.75\nexposure=1.25\n"
    assert ClassifierAugmentation.of(compile(parse(text.format(keys))).net) == ClassifierAugmentation(
        40, 48, angle=7, aspect=0.75, flip=False, hue=0.1, saturation=0.75, exposure=1.25
    )


def test_a_max_crop_below_min_crop_is_min_crop():
    text = "[net]\nwidth=32\nheight=32\nchannels=3\nmin_crop=128\n[softmax]\n"
    assert ClassifierAugmentation.of(compile(parse(text)).net) == ClassifierAugmentation(128, 128, flip=True)


@pytest.mark.parametrize("aspect", [0.75, 1 / 0.75])
def test_an_aspect_and_its_inverse_give_the_same_range(aspect):
    """Darknet's `rand_scale`, whose cfgs say .75."""
    white = np.full((40, 40, 3), 255, np.uint8)
    widths = set()
    for seed in range(200):
        rng = np.random.default_rng(seed)
        found, _ = ClassifierAugmentation(12, 12, aspect=aspect)(white, LABEL, rng, (40, 40))
        widths.add((int((found[20, :, 0] > 127).sum()), int((found[:, 20, 0] > 127).sum())))
    ratios = [width / height for width, height in widths]
    assert min(ratios) == pytest.approx(0.75, abs=0.09)
    assert max(ratios) == pytest.approx(1 / 0.75, abs=0.12)
