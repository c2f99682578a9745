"""Reference. Oracle: mixtures cell by cell, in `tests/reference/class_mixing.py`; pictures of one colour."""

from __future__ import annotations

import numpy as np
import pytest

from darknet_py.cfg.document import parse
from darknet_py.data.augment.class_mixing import cutmix, mixup, mosaic
from darknet_py.data.augment.classification import ClassifierAugmentation
from darknet_py.data.formats.labelled.base import Labelled
from darknet_py.data.loader.collate import batches
from darknet_py.data.loader.sampler import Batches, Sampler
from darknet_py.graph.compile import compile
from darknet_py.lint.check import warnings
from tests.reference import class_mixing as reference

CLASSES = 5
SIZES = [(20, 20), (24, 37), (3, 7)]


def samples(size, labels):
    """An image of noise for each label."""
    draw = np.random.default_rng(sum(size))
    return [(draw.integers(0, 256, (*size, 3), dtype=np.uint8), label) for label in labels]


def truths(labels):
    return [np.eye(CLASSES)[label] for label in labels]


def truth(rows):
    """Shares of the classes, as a loss adds them up."""
    found = np.zeros(CLASSES)
    for *_, label, share in rows:
        found[int(label)] += share
    return found


@pytest.mark.parametrize("labels", [(1, 3), (2, 2)])
@pytest.mark.parametrize("size", SIZES)
def test_a_blend_is_half_of_each(size, labels):
    some = samples(size, labels)
    image, rows = mixup(*some)
    expected, shares = reference.blend([one for one, _ in some], truths(labels))
    assert np.abs(image - expected).max() <= 0.5, "rounded"
    np.testing.assert_allclose(truth(rows), shares)


@pytest.mark.parametrize("labels", [(1, 3), (2, 2)])
@pytest.mark.parametrize("size", SIZES)
def test_a_part_is_pasted_with_its_share_of_the_label(size, labels):
    some, (height, width) = samples(size, labels), size
    for seed in range(60):
        image, rows = cutmix(*some, np.random.default_rng(seed))
        x, y, w, h = rows[1, :4] * (width, height, width, height)
        box = [round(number) for number in (x - w / 2, y - h / 2, w, h)]
        expected, shares = reference.paste([one for one, _ in some], truths(labels), *box)
        np.testing.assert_array_equal(image, expected)
        np.testing.assert_allclose(truth(rows), shares)
        assert rows[:, 5].sum() == pytest.approx(1)


def test_a_pasted_part_has_darknets_sizes_and_places():
    some, seen = samples((50, 100), (0, 1)), []
    for seed in range(2000):
        _, rows = cutmix(*some, np.random.default_rng(seed))
        x, y, w, h = rows[1, :4] * (100, 50, 100, 50)
        seen.append([w, h, x - w / 2, y - h / 2, 99 - (x + w / 2), 49 - (y + h / 2)])
    least, most = np.round(np.min(seen, axis=0)), np.round(np.max(seen, axis=0))
    assert least.tolist() == [30, 15, 0, 0, 0, 0], "3/10 of a side; the last column and row are never pasted"
    assert most[:2].tolist() == [80, 40]


@pytest.mark.parametrize("labels", [(0, 1, 2, 3), (4, 1, 4, 1)])
@pytest.mark.parametrize("size", SIZES)
def test_a_mosaic_shares_the_label_out_by_area(size, labels):
    some, cuts = samples(size, labels), set()
    for seed in range(60):
        image, rows = mosaic(some, np.random.default_rng(seed))
        cut = tuple(round(side * share) for side, share in zip(size[::-1], rows[0, 2:4], strict=True))
        expected, shares = reference.four([one for one, _ in some], truths(labels), *cut)
        np.testing.assert_array_equal(image, expected)
        np.testing.assert_allclose(truth(rows), shares, atol=1e-12)
        cuts.add(cut)
    assert len(cuts) > (20 if size[0] > 9 else 5)
    for axis, side in enumerate(size[::-1]):
        found = [cut[axis] for cut in cuts]
        assert int(0.2 * side) <= min(found)
        assert max(found) <= int(0.8 * side)


class Colours(Labelled):
    """Twelve images of one level each, three classes."""

    names, category_ids, dropped = ("a", "b", "c"), (1, 2, 3), {}
    labels = np.arange(12) % 3

    def name(self, index):
        return str(index)

    def size(self, index):
        return 16, 16

    def pixels(self, index):
        return np.full((16, 16, 3), 20 * index + 10, np.uint8)


@pytest.mark.parametrize(
    ("keys", "numbers"),
    [({}, {1}), ({"mixup": True}, {1, 2}), ({"cutmix": True}, {1, 2}), ({"mosaic": True}, {1, 4})],
)
def test_every_second_sample_is_mixed_and_pixels_and_truth_agree(keys, numbers):
    data, how = Colours(), ClassifierAugmentation(16, 16, **keys)
    plan = Batches(Sampler(12, 4, 5, 16, 16), 1, 60)
    counts = []
    for batch in batches(data, plan, how):
        for image, rows, own in zip(batch.images.numpy(), batch.rows, batch.samples, strict=True):
            levels, cells = np.unique(image[0], return_counts=True)
            counts.append(len(rows))
            assert rows[0, 4] == data.labels[own]
            assert rows[:, 5].sum() == pytest.approx(1)
            if "mixup" not in keys and len(rows) > 1:
                found = {
                    int((level - 10) // 20): count / 256 for level, count in zip(levels, cells, strict=True)
                }
                assert truth(rows)[:3] == pytest.approx(
                    np.bincount(data.labels[list(found)], list(found.values()), minlength=3)
                )
    assert set(counts) == numbers
    if keys:
        assert 80 < sum(count > 1 for count in counts) < 160, "240 samples, six standard deviations"


def test_mosaic_and_cutmix_take_turns_and_leave_no_room_for_mixup():
    how = ClassifierAugmentation(16, 16, mosaic=True, cutmix=True, mixup=True)
    drawn = [how.others(np.random.default_rng(seed)) for seed in range(800)]
    assert [350 < drawn.count(0) < 450, 150 < drawn.count(1) < 250, 150 < drawn.count(3) < 250] == [True] * 3
    flat = [(np.full((16, 16, 3), 40 * k, np.uint8), np.array([[8, 8, 16, 16, k]])) for k in range(4)]
    image, rows = how(*flat[0], np.random.default_rng(0), (16, 16), flat[1])
    assert len(rows) == 2
    assert set(np.unique(image)) == {0, 40}, "pasted, not blended"


def test_the_keys_are_honoured_for_classifiers_and_cutmix_for_no_detector():
    text = "[net]\nwidth=32\nheight=32\nchannels=3\nmosaic=1\ncutmix=1\nmixup=1\n"
    graph = compile(parse(text + "[avgpool]\n[softmax]\n"))
    how = ClassifierAugmentation.of(graph.net)
    assert (how.mosaic, how.cutmix, how.mixup) == (True, True, True)
    assert not warnings(graph)
    head = "[convolutional]\nfilters=6\n[yolo]\nclasses=1\n"
    (warning,) = [one for one in warnings(compile(parse(text + head))) if "cutmix" in one.message]
    assert (warning.message, warning.code) == ("cutmix=1 is read and not honoured", "ignored-key")
