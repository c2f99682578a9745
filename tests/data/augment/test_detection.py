"""Property. Oracle: the picture: a coloured rectangle is drawn, augmented, and found by its colour."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from darknet_py.cfg.document import parse
from darknet_py.data.augment.colours import factor, recoloured
from darknet_py.data.augment.detection import augmented
from darknet_py.data.augment.edges import AxisMapping, along, as_rows, edges_in
from darknet_py.data.augment.frame import CropWindow, random_window
from darknet_py.data.augment.settings import AugmentSettings
from darknet_py.graph.compile import compile

few = settings(max_examples=80, deadline=None, derandomize=True)
NEAR = 1.5  # pixels of the result


def picture(height, width, left, top, right, bottom):
    """A red rectangle on blue, and its row: x, y, w, h in pixels, class 3."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 2] = 255
    pixels[top:bottom, left:right] = (255, 0, 0)
    row = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top, 3]
    return pixels, np.array([row], float)


def found(image):
    """left, top, right, bottom of what is red, or None."""
    rows, columns = np.nonzero((image[..., 0] > 127) & (image[..., 2] < 128))
    return (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else None


def edges(row, size):
    """The box of a row (fractions) in pixels: left, top, right, bottom."""
    x, y, w, h = row[:4] * [size[1], size[0], size[1], size[0]]
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


@few
@given(
    st.tuples(st.integers(40, 200), st.integers(40, 200)),
    st.tuples(st.sampled_from([96, 160]), st.sampled_from([96, 224])),
    st.tuples(*[st.floats(0, 1)] * 4),
    st.sampled_from([0, 0.1, 0.3]),
    st.sampled_from([1.0, 1.5, 0.7]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**16),
)
def test_boxes_follow_the_picture(shape, size, place, jitter, resize, flip, letter_box, seed):
    height, width = shape
    wide, high = (int(side * (0.1 + 0.4 * share)) for side, share in ((width, place[0]), (height, place[1])))
    left, top = int((width - wide) * place[2]), int((height - high) * place[3])
    pixels, rows = picture(height, width, left, top, left + wide, top + high)
    options = AugmentSettings(jitter=jitter, resize=resize, flip=flip, letter_box=letter_box)
    image, boxes = augmented(pixels, rows, np.random.default_rng(seed), options, size)
    assert image.shape == (*size, 3)
    assert image.dtype == np.uint8
    red = found(image)
    if len(boxes):
        assert boxes[0, 4] == 3
        expected = edges(boxes[0], size)
        assume(red is not None or min(expected[2] - expected[0], expected[3] - expected[1]) > 1.5)
        assert np.abs(np.subtract(red, expected)).max() <= NEAR
    elif red is not None:
        assert min(red[2] - red[0], red[3] - red[1]) <= NEAR, "what is dropped is thinner than a pixel"


def test_flips_are_half_of_the_images_and_mirror_the_boxes():
    pixels, rows = picture(60, 80, 5, 10, 25, 30)
    lefts = []
    for seed in range(400):
        image, boxes = augmented(
            pixels, rows, np.random.default_rng(seed), AugmentSettings(flip=True), (60, 80)
        )
        assert np.abs(np.subtract(found(image), edges(boxes[0], (60, 80)))).max() < 1e-9
        lefts.append(found(image)[0])
    assert set(lefts) == {5, 55}
    assert 140 < lefts.count(5) < 260  # six standard deviations


def test_a_neutral_augmentation_leaves_pixels_and_boxes_as_they_are():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (50, 70, 3), dtype=np.uint8)
    rows = np.array([[20.0, 15, 10, 12, 1], [50, 30, 20, 30, 0]])
    image, boxes = augmented(pixels, rows, rng, AugmentSettings(), (50, 70))
    np.testing.assert_array_equal(image, pixels)
    np.testing.assert_allclose(sorted(map(tuple, boxes * [70, 50, 70, 50, 1])), sorted(map(tuple, rows)))


@pytest.mark.parametrize("colour", [{"hue": 0.1}, {"saturation": 1.5}, {"exposure": 1.5}])
def test_each_colour_key_changes_pixels_and_no_box(colour):
    pixels, rows = picture(50, 70, 5, 10, 25, 30)
    pixels = np.where(pixels == 255, 160, 60).astype(np.uint8)  # neither grey nor full
    image, boxes = augmented(pixels, rows, np.random.default_rng(2), AugmentSettings(**colour), (50, 70))
    assert np.abs(image.astype(int) - pixels).max() > 5
    for place in ((slice(10, 30), slice(5, 25)), (slice(30, 50), slice(0, 70))):
        assert np.ptp(image[place], axis=(0, 1)).max() <= 1, "one colour stays one, to OpenCV's rounding"
    np.testing.assert_allclose(boxes[0] * [70, 50, 70, 50, 1], rows[0])


def hsv_after(seed, **colour):
    pixels = np.full((4, 4, 3), (150, 90, 60), np.uint8)
    image, _ = augmented(
        pixels, np.zeros((0, 5)), np.random.default_rng(seed), AugmentSettings(**colour), (4, 4)
    )
    return np.array(colorsys.rgb_to_hsv(*image[0, 0] / 255))


def test_colours_move_within_their_ranges_and_alone():
    start = np.array(colorsys.rgb_to_hsv(150 / 255, 90 / 255, 60 / 255))
    turns = [(hsv_after(seed, hue=0.1) - start + 0.5) % 1 - 0.5 for seed in range(100)]
    assert -0.11 < min(t[0] for t in turns) < -0.08
    assert 0.08 < max(t[0] for t in turns) < 0.11
    assert np.abs([t[1:] for t in turns]).max() < 0.02
    for number, key in ((1, "saturation"), (2, "exposure")):
        factors = np.array([hsv_after(seed, **{key: 1.5}) / start for seed in range(100)])
        assert 1 / 1.55 < factors[:, number].min() < 0.75
        assert 1.35 < factors[:, number].max() < 1.55
        assert np.abs(np.delete(factors, number, axis=1) - 1).max() < 0.06
        assert 25 <= (factors[:, number] > 1).sum() <= 75


def test_what_lies_outside_of_the_image_is_its_mean_colour():
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:, 20:] = (200, 100, 50)
    for seed in range(20):
        options = AugmentSettings(jitter=0.4)
        window = random_window((40, 40), np.random.default_rng(seed), options, (80, 80))
        image, _ = augmented(pixels, np.zeros((0, 5)), np.random.default_rng(seed), options, (80, 80))
        if window.top < -2:
            np.testing.assert_allclose(image[0], np.full((80, 3), (100, 50, 25)), atol=1)
            return
    raise AssertionError("no window reached beyond the top")


def test_jitter_moves_each_side_by_up_to_its_share_of_the_image():
    rng, options = np.random.default_rng(0), AugmentSettings(jitter=0.2)
    seen = [random_window((100, 200), rng, options, (64, 64)) for _ in range(2000)]
    lefts, tops = [w.left for w in seen], [w.top for w in seen]
    rights, bottoms = [200 - w.left - w.width for w in seen], [100 - w.top - w.height for w in seen]
    for values, most in ((lefts, 40), (rights, 40), (tops, 20), (bottoms, 20)):
        assert (min(values), max(values)) == (-most, most)
    assert abs(np.corrcoef(lefts, rights)[0, 1]) < 0.15
    assert abs(np.corrcoef(lefts, tops)[0, 1]) < 0.15


@pytest.mark.parametrize("resize, least, most", [(1.5, -0.25, 1 / 6), (0.5, -0.5, 0.0), (1.0, 0.0, 0.0)])
def test_resize_moves_opposite_corners_by_darknets_range(resize, least, most):
    """U((1 - max(r, 1/r)) / 2, (1 - 1/r) / 2), the upper end 0 for r < 1; one draw for left and top."""
    rng, options = np.random.default_rng(0), AugmentSettings(resize=resize)
    seen = [random_window((1000, 1000), rng, options, (64, 64)) for _ in range(2000)]
    lefts = np.array([w.left for w in seen]) / 1000
    assert lefts.min() == pytest.approx(least, abs=0.005)
    assert lefts.max() == pytest.approx(most, abs=0.005)
    assert all(w.left == w.top and w.width == w.height for w in seen)


@pytest.mark.parametrize(
    "shape, size", [((100, 200), (64, 64)), ((200, 100), (64, 96)), ((90, 90), (64, 128))]
)
def test_letter_box_keeps_the_aspect_and_centres_the_image(shape, size):
    options = AugmentSettings(letter_box=True)
    window = random_window(shape, np.random.default_rng(0), options, size)
    assert window.width / window.height == pytest.approx(size[1] / size[0])
    assert window.left + window.width / 2 == pytest.approx(shape[1] / 2)
    assert window.top + window.height / 2 == pytest.approx(shape[0] / 2)
    assert window.width == shape[1] or window.height == shape[0]


def test_letter_box_extends_the_jittered_window_by_what_the_image_lacks():
    """Darknet extends by the image's own aspect, so that jitter bends a letterboxed image too."""
    plain, boxed = (
        random_window(
            (100, 200), np.random.default_rng(4), AugmentSettings(jitter=0.2, letter_box=box), (64, 64)
        )
        for box in (False, True)
    )
    assert boxed == CropWindow(plain.left, plain.top - 50, plain.width, plain.height + 100)


def test_a_window_that_jitter_turns_inside_out_is_the_whole_image():
    rng, options = np.random.default_rng(0), AugmentSettings(jitter=0.9)
    seen = [random_window((50, 60), rng, options, (64, 64)) for _ in range(500)]
    assert CropWindow(0, 0, 60, 50) in seen
    assert all(w.width >= 1 and w.height >= 1 for w in seen)


def test_boxes_are_cut_at_the_window_and_dropped_below_a_pixel():
    across, down = along(300, 10, 100, 100, 0, 100), along(200, 10, 50, 50, 0, 50)
    rows = np.array(
        [
            [60, 35, 20, 10, 0],  # inside
            [10, 10, 40, 20, 1],  # a quarter inside
            [200, 35, 20, 10, 2],  # outside
            [109.75, 35, 0.5, 30, 3],  # half a pixel wide of 100
        ],
        float,
    )
    for mirrored, first in (
        (False, [[40, 20, 60, 30, 0], [0, 0, 20, 10, 1]]),
        (True, [[40, 20, 60, 30, 0], [80, 0, 100, 10, 1]]),
    ):
        edges = edges_in(across, down, rows, (50, 100), mirrored=mirrored)
        np.testing.assert_allclose(edges, first)
    expected = [[0.5, 0.5, 0.2, 0.2, 0], [0.9, 0.1, 0.2, 0.2, 1]]
    np.testing.assert_allclose(as_rows(edges, (50, 100)), expected)


@few
@given(
    st.integers(1, 300),
    st.floats(-200, 200),
    st.floats(1, 500),
    st.integers(8, 416),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_whole_pixels_become_whole_cells_less_than_one_from_where_they_belong(
    image, start, length, side, part
):
    count = max(1, int(side * part[0]))
    first = int((side - count) * part[1])
    axis, step = along(image, start, length, side, first, count), length / side
    begin, end = start + first * step, start + (first + count) * step
    if min(end, image) <= max(begin, 0):
        assert (axis.cells, axis.pixels) == (0, 0)
        return
    assert 0 <= axis.near < axis.near + axis.pixels <= image
    assert first <= axis.first < axis.first + axis.cells <= first + count
    for pixel, cell, wanted in (
        (axis.near, axis.first, max(begin, 0)),
        (axis.near + axis.pixels, axis.first + axis.cells, min(end, image)),
    ):
        assert abs(pixel - wanted) <= 1
        assert abs(cell - (wanted - start) / step) <= 1 + 1e-6


def test_boxes_are_exact_where_the_image_is_drawn_and_to_scale_beyond():
    """7 pixels from 3 on become 20 cells from 100 on; elsewhere a cell is 0.5 pixels."""
    axis, rows = AxisMapping(3, 7, 100, 20, 0.5), np.array([[6.5, 6.5, 7, 7, 0], [8, 8, 14, 14, 1]], float)
    edges = edges_in(axis, axis, rows, (200, 200), mirrored=False)
    np.testing.assert_allclose(edges[0], [100, 100, 120, 120, 0])
    np.testing.assert_allclose(edges[1], [96, 96, 130, 130, 1])


def test_no_more_boxes_than_max_and_which_ones_is_drawn():
    rows = np.array([[10.0 * i + 5, 20, 8, 8, i] for i in range(6)])
    pixels = np.zeros((40, 60, 3), np.uint8)
    kept = [
        frozenset(
            augmented(pixels, rows, np.random.default_rng(s), AugmentSettings(max=2), (40, 60))[1][:, 4]
        )
        for s in range(30)
    ]
    assert {len(labels) for labels in kept} == {2}
    assert len(set(kept)) > 5


def test_the_same_generator_gives_the_same_sample():
    pixels, rows = picture(50, 70, 5, 10, 25, 30)
    options = AugmentSettings(jitter=0.3, resize=1.3, flip=True, hue=0.1, saturation=1.5, exposure=1.5)
    first, second = (augmented(pixels, rows, np.random.default_rng(3), options, (64, 96)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_an_image_without_boxes_is_augmented_too():
    pixels, _ = picture(50, 70, 5, 10, 25, 30)
    image, boxes = augmented(
        pixels, np.zeros((0, 5)), np.random.default_rng(3), AugmentSettings(jitter=0.3), (64, 96)
    )
    assert image.shape == (64, 96, 3)
    assert boxes.shape == (0, 5)


def test_resizing_alone_is_opencvs_linear_resize():
    pixels = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    pixels = cv2.GaussianBlur(pixels, (0, 0), 3)
    image, _ = augmented(pixels, np.zeros((0, 5)), np.random.default_rng(0), AugmentSettings(), (64, 96))
    np.testing.assert_array_equal(image, cv2.resize(pixels, (96, 64), interpolation=cv2.INTER_LINEAR))


def test_a_window_inside_the_image_is_darknets_crop_and_opencvs_resize():
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    options, inside = AugmentSettings(jitter=0.3), 0
    for seed in range(200):
        window = random_window((90, 120), np.random.default_rng(seed), options, (64, 96))
        left, top, wide, high = (int(v) for v in vars(window).values())
        if min(left, top) < 0 or left + wide > 120 or top + high > 90:
            continue
        inside += 1
        image, _ = augmented(pixels, np.zeros((0, 5)), np.random.default_rng(seed), options, (64, 96))
        crop = pixels[top : top + high, left : left + wide]
        np.testing.assert_array_equal(image, cv2.resize(crop, (96, 64)))
    assert inside > 5


def test_saturation_and_brightness_are_rounded_as_opencvs_matrices_are():
    """Darknet multiplies cv::Mat of 8 bits, which rounds and saturates."""
    draw = np.random.default_rng(3)
    pixels = draw.integers(0, 256, (8, 9, 3), dtype=np.uint8)
    options = AugmentSettings(saturation=1.5, exposure=1.5, hue=0.1)
    image = recoloured(pixels, np.random.default_rng(5), options)
    again = np.random.default_rng(5)
    shift, saturation, exposure = again.uniform(-0.1, 0.1), factor(again, 1.5), factor(again, 1.5)
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV).astype(float)
    hsv[..., 0] = (hsv[..., 0] + round(180 * shift)) % 180
    hsv[..., 1:] = np.rint(hsv[..., 1:] * (saturation, exposure)).clip(0, 255)
    np.testing.assert_array_equal(image, cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB))


def test_the_words_of_the_cfg_are_read():
    net = "saturation=1.5\nexposure=1.4\nhue=.1\nflip=0\nletter_box=1"
    head = "filters=6\nactivation=linear\n[yolo]\nclasses=1\njitter=.25\nresize=1.3\nmax=77"
    graph = compile(parse(f"[net]\nwidth=64\nheight=64\nchannels=3\n{net}\n[convolutional]\n{head}\n"))
    assert AugmentSettings.of(graph.net, graph[1].layer) == AugmentSettings(
        jitter=0.25, resize=1.3, flip=False, hue=0.1, saturation=1.5, exposure=1.4, letter_box=True, max=77
    )
