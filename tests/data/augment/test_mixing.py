"""Property. Oracle: the picture: each image has a rectangle of its own colour, found again in the sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darknet_py.cfg.document import parse
from darknet_py.data.augment.detection import Augmentation, augmented
from darknet_py.data.augment.frame import Piece, View, random_window, render
from darknet_py.data.augment.mixing import blended, mosaic_of
from darknet_py.data.augment.settings import AugmentSettings
from darknet_py.data.formats.registry import open_data
from darknet_py.data.loader.collate import batches
from darknet_py.data.loader.sampler import Batches, Sampler
from darknet_py.graph.compile import compile
from darknet_py.lint.check import warnings

few = settings(max_examples=60, deadline=None, derandomize=True)
COLOURS = [(255, 0, 0), (0, 255, 0), (255, 255, 0), (255, 255, 255)]  # on blue
NEAR = 2.5  # pixels: two bilinear edges


def picture(label, height, width, share):
    """A rectangle of the label's colour, and its row in pixels."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 2] = 255
    left, top = int(width * 0.5 * share[0]), int(height * 0.5 * share[1])
    wide, high = int(width * (0.2 + 0.25 * share[2])), int(height * (0.2 + 0.25 * share[3]))
    pixels[top : top + high, left : left + wide] = COLOURS[label]
    return pixels, np.array([[left + wide / 2, top + high / 2, wide, high, label]])


def extent(image, label):
    """left, top, right, bottom of a colour, in pixels; None where it is not."""
    rows, columns = np.nonzero(np.abs(image.astype(int) - COLOURS[label]).max(axis=-1) < 100)
    return (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else None


@few
@given(
    st.lists(
        st.tuples(st.integers(60, 150), st.integers(60, 150), st.tuples(*[st.floats(0, 1)] * 4)),
        min_size=4,
        max_size=4,
    ),
    st.sampled_from([(96, 96), (96, 160)]),
    st.sampled_from([0, 0.2]),
    st.sampled_from([1.0, 1.4]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**16),
)
def test_boxes_of_a_bounded_mosaic_are_what_is_seen(shapes, size, jitter, resize, flip, letter_box, seed):
    pictures = [picture(label, *shape) for label, shape in enumerate(shapes)]
    options = AugmentSettings(
        jitter=jitter, resize=resize, flip=flip, letter_box=letter_box, mosaic_bound=True
    )
    image, rows = mosaic_of(pictures, np.random.default_rng(seed), options, size)
    assert image.shape == (*size, 3)
    boxes = {int(row[4]): row for row in rows}
    for label in range(4):
        seen = extent(image, label)
        if seen is None or min(seen[2] - seen[0], seen[3] - seen[1]) < 4:
            continue
        x, y, w, h = boxes[label][:4] * (size[1], size[0], size[1], size[0])
        assert np.abs(np.subtract((x - w / 2, y - h / 2, x + w / 2, y + h / 2), seen)).max() <= NEAR


def test_the_four_images_meet_in_one_point_between_a_fifth_and_four_fifths():
    flat = [(np.full((50, 70, 3), 10 + 60 * k, np.uint8), np.zeros((0, 5))) for k in range(4)]
    cuts = set()
    for seed in range(200):
        image, _ = mosaic_of(flat, np.random.default_rng(seed), AugmentSettings(), (100, 100))
        grey = image[..., 0]
        x, y = int((grey[0] == 10).sum()), int((grey[:, 0] == 10).sum())
        assert (grey[:y, :x] == 10).all()
        assert (grey[:y, x:] == 70).all()
        assert (grey[y:, :x] == 130).all()
        assert (grey[y:, x:] == 190).all()
        cuts.add((x, y))
    across = [x for x, _ in cuts]
    assert (min(across), max(across)) == (20, 80)
    assert len(cuts) > 150


def smooth(height, width):
    """A picture whose colours change slowly: a part of a pixel changes little."""
    rows, columns = np.mgrid[:height, :width]
    waves = [128 + 50 * np.sin(rows / (15 + k)) + 40 * np.cos(columns / (12 + 2 * k)) for k in range(3)]
    return np.stack(waves, axis=-1).round().astype(np.uint8)


@few
@given(
    st.tuples(st.integers(40, 160), st.integers(40, 160)),
    st.sampled_from([0, 0.3]),
    st.sampled_from([1.0, 1.5]),
    st.tuples(*[st.floats(0, 1)] * 4),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**16),
)
def test_a_piece_is_what_the_whole_sample_shows_there(shape, jitter, resize, place, mirrored, boxed, seed):
    size, pixels = (96, 128), smooth(*shape)
    options = AugmentSettings(jitter=jitter, resize=resize, letter_box=boxed)
    window = random_window(shape, np.random.default_rng(seed), options, size)
    wide, high = (int(side * (0.2 + 0.6 * part)) for side, part in zip((128, 96), place[:2], strict=True))
    left, top = int((128 - wide) * place[2]), int((96 - high) * place[3])
    rows = np.array([[shape[1] / 2, shape[0] / 2, shape[1] / 2, shape[0] / 2, 1]])
    found = []
    for piece in (Piece(0, 0, 128, 96), Piece(left, top, wide, high)):
        canvas = np.zeros((piece.height, piece.width, 3), np.uint8)
        view = View(window, size, piece, mirrored)
        edges = render((pixels, rows), view, canvas, np.random.default_rng(0), options)
        found.append((canvas, edges))
    (whole, edges), (part, others) = found
    apart = np.abs(part.astype(int) - whole[top : top + high, left : left + wide]).max(axis=-1)
    assert np.quantile(apart, 0.9) <= 12, "half a pixel of the picture"
    if len(edges) and len(others):
        cell = np.array([size[1] / window.width, size[0] / window.height] * 2)
        assert (np.abs(edges - others)[:, :4] <= 2 + 2 * cell).all(), "a pixel and a cell at each end"


def test_an_input_of_a_few_pixels_has_mosaics_too():
    pictures = [picture(label, 40, 50, (0, 0, 1, 1)) for label in range(4)]
    for side in (1, 2, 3, 5):
        for seed in range(20):
            image, rows = mosaic_of(
                pictures, np.random.default_rng(seed), AugmentSettings(jitter=0.2), (side, side)
            )
            assert image.shape == (side, side, 3)
            assert (rows[:, :4] <= 1).all()


def test_a_box_reaches_under_its_neighbour_unless_it_is_bounded():
    """The window that jitter moves ends inside the image: a piece has less than all of its object."""
    rng = np.random.default_rng
    whole = [(np.zeros((80, 80, 3), np.uint8), np.array([[40, 40, 78.0, 78.0, k]])) for k in range(4)]
    for seed in range(20):
        free, bound = (
            mosaic_of(whole, rng(seed), AugmentSettings(jitter=0.2, mosaic_bound=bounded), (80, 80))[1]
            for bounded in (False, True)
        )
        assert (bound[:, 2] <= free[:, 2] + 1e-9).all()
        assert bound[:, 2:4].prod(axis=1).sum() <= 1 + 1e-9


def test_a_blend_is_half_of_each_with_the_boxes_of_both():
    one = np.full((4, 4, 3), 100, np.uint8), np.array([[0.5, 0.5, 0.2, 0.2, 1]])
    other = np.full((4, 4, 3), 255, np.uint8), np.array([[0.4, 0.5, 0.2, 0.2, 2]])
    image, rows = blended(one, other, most=5)
    assert (image == 178).all()
    assert rows[:, 4].tolist() == [1, 2]
    assert len(blended(one, other, most=1)[1]) == 1


def test_every_second_sample_is_mixed():
    for options, count in (
        (AugmentSettings(mosaic=True), 3),
        (AugmentSettings(mixup=True), 1),
        (AugmentSettings(), 0),
    ):
        drawn = [Augmentation(options).others(np.random.default_rng(seed)) for seed in range(400)]
        assert set(drawn) == {0, count}
        assert not count or 150 < drawn.count(count) < 250
    both = Augmentation(AugmentSettings(mosaic=True, mixup=True))  # Darknet's mosaic takes the place of mixup
    assert {both.others(np.random.default_rng(seed)) for seed in range(40)} == {0, 3}


def test_noise_has_the_deviation_that_is_asked_for_on_every_second_image():
    grey = np.full((64, 64, 3), 128, np.uint8)
    spread = [
        augmented(
            grey, np.zeros((0, 5)), np.random.default_rng(s), AugmentSettings(gaussian_noise=10), (64, 64)
        )[0].std()
        for s in range(60)
    ]
    noisy = [s for s in spread if s > 0]
    assert 18 <= len(noisy) <= 42
    assert np.mean(noisy) == pytest.approx(10, rel=0.02)


def test_blur_keeps_the_boxes_sharp_or_blurs_all_or_nothing():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (96, 96, 3)).astype(np.uint8)
    row = np.array([[48, 48, 48, 48, 0.0]])
    kinds = set()
    for seed in range(40):
        image, _ = augmented(pixels, row, np.random.default_rng(seed), AugmentSettings(blur=7), (96, 96))
        inside, around = (image[24:72, 24:72] == pixels[24:72, 24:72]).all(), (image == pixels).all()
        kinds.add((bool(inside), bool(around)))
    assert kinds == {(True, True), (True, False), (False, False)}
    small = np.array([[48, 48, 8, 8, 0.0]])  # a blur of 1 pixel is none
    for seed in range(40):
        image, _ = augmented(pixels, small, np.random.default_rng(seed), AugmentSettings(blur=7), (96, 96))
        assert (image[46:50, 46:50] == pixels[46:50, 46:50]).all()


def test_mosaics_are_the_same_for_any_number_of_workers():
    data = open_data("scenes:train=6,val=1,size=96", split="train")
    plan = Batches(Sampler(6, 4, 1, 64, 64), 1, 4)
    options = Augmentation(AugmentSettings(mosaic=True, jitter=0.2))
    alone, helped = (list(batches(data, plan, options, workers=workers)) for workers in (0, 2))
    for one, other in zip(alone, helped, strict=True):
        assert one.images.equal(other.images)
        assert all(np.array_equal(a, b) for a, b in zip(one.rows, other.rows, strict=True))


def test_the_cfg_says_what_is_mixed():
    text = (
        "[net]\nwidth=64\nheight=64\nchannels=3\nmosaic=1\nmosaic_bound=1\nmixup=1\nblur=3\ngaussian_noise=5\n"
        "[convolutional]\nfilters=18\nsize=1\nstride=1\nactivation=linear\n"
        "[yolo]\nmask=0,1,2\nanchors=1,2,3,4,5,6\nnum=3\nclasses=1\n"
    )
    graph = compile(parse(text))
    found = Augmentation.of(graph.net, graph[1].layer).settings
    assert (found.mosaic, found.mosaic_bound, found.mixup, found.blur) == (True, True, True, 3)
    assert found.gaussian_noise == 5
    assert not warnings(graph)
