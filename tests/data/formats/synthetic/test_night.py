"""Oracle: the pixels: what is drawn lies in its box, and pooling keeps or loses it. Kind: property."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from darknet_py.data.formats.registry import DATA_HELP, open_data
from darknet_py.data.formats.synthetic.night import BRIGHT, LARGEST, SMALLEST, Night
from darknet_py.data.formats.synthetic.scenes import Scenes
from darknet_py.errors import UsageError
from tests.paths import ROOT


@pytest.fixture(scope="module")
def night() -> Night:
    return Night("val", val=120)


def test_an_image_follows_from_seed_split_and_index_alone(night: Night) -> None:
    code = "from darknet_py import open_data; open(1, 'wb').write(open_data('night', split='val').pixels(4))"
    drawn = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True).stdout
    assert drawn == night.pixels(4).tobytes()
    others = [Night("train"), Night("val", seed=1)]
    pictures = [night.pixels(0), night.pixels(1), *(other.pixels(0) for other in others)]
    assert len({picture.tobytes() for picture in pictures}) == 4


def test_boxes_lie_in_the_image_and_do_not_meet(night: Night) -> None:
    for index in range(len(night)):
        record = night.record(index)
        assert night.pixels(index).shape == (record.height, record.width, 3) == (96, 96, 3)
        assert 1 <= len(record.labels) <= 4
        low, high = record.boxes_xywh[:, :2], record.boxes_xywh[:, :2] + record.boxes_xywh[:, 2:]
        assert (low >= 0).all()
        assert (high <= 96).all()
        for at in range(len(low)):
            others = np.arange(len(low)) != at
            assert ((high[others] < low[at]) | (low[others] > high[at])).any(axis=1).all()


def test_figures_are_bright_to_the_sides_of_their_boxes(night: Night) -> None:
    for index in range(40):
        bright = night.pixels(index).max(axis=2) > 0.6 * BRIGHT[0]
        for x, y, width, height in night.record(index).boxes_xywh:
            inside = bright[int(y) : int(np.ceil(y + height)), int(x) : int(np.ceil(x + width))]
            rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
            assert rows[0] <= 3
            assert columns[0] <= 3
            assert rows[-1] >= height - 4
            assert columns[-1] >= width - 4


def test_sides_cover_their_range_and_classes_are_equally_frequent() -> None:
    records = list(map(Night("train").record, range(250)))
    sides = np.concatenate([record.boxes_xywh[:, 2:].mean(axis=1) for record in records]) / 96
    assert np.percentile(sides, 2) < 1.15 * SMALLEST
    assert np.percentile(sides, 98) > 0.8 * LARGEST
    counts = np.bincount(np.concatenate([record.labels for record in records]), minlength=4)
    assert counts.min() > 0.7 * counts.mean()


def test_the_least_of_four_pixels_loses_small_figures_and_the_greatest_none(night: Night) -> None:
    kept: dict[bool, list[float]] = {True: [], False: []}
    for index in range(len(night)):
        windows = night.pixels(index).max(axis=2).astype(float).reshape(48, 2, 48, 2)
        least, greatest = windows.min(axis=(1, 3)), windows.max(axis=(1, 3))
        for x, y, width, height in night.record(index).boxes_xywh / 2:
            box = np.s_[int(y) : int(y + height) + 1, int(x) : int(x + width) + 1]
            stroke = greatest[box] > np.percentile(greatest[box], 75)
            ground = np.median(least[box])
            share = (least[box][stroke].mean() - ground) / (greatest[box][stroke].mean() - ground)
            kept[max(width, height) < 10].append(share)
    small, large = (np.median(kept[key]) for key in (True, False))
    assert min(map(len, kept.values())) > 50
    assert small < 0.25
    assert large > 1.5 * small


def test_the_word_opens_it_and_scenes_stay_what_they_are() -> None:
    found = open_data("night:train=5,size=128", split="train")
    assert (type(found), len(found), found.pixels(0).shape) == (Night, 5, (128, 128, 3))
    assert len({one.fingerprint for one in (found, Night("train"), Scenes("train"), Night("val"))}) == 4
    assert Scenes("val").fingerprint.startswith("48eac30b7dfeb83d")
    assert "`night`" in DATA_HELP
    with pytest.raises(UsageError, match="night: size = 9 is not from 96 to 1024"):
        open_data("night:size=9", split="val")
    with pytest.raises(UsageError, match="night have no split `test`; they have train and val"):
        open_data("night", split="test")
