"""Reference and golden: fitting an image against plain loops, and against inputs that Darknet itself made."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from darknet_py.boxes import xyxy_from_cxcywh
from darknet_py.predict.letterbox import Fit, fit_for
from tests.paths import SHARED
from tests.reference import darknet_detect as reference

SIZES = [
    ((30, 40), (26, 26)),
    ((40, 30), (26, 26)),
    ((10, 90), (20, 33)),
    ((5, 7), (64, 32)),
    ((20, 33), (20, 33)),
]


def photo(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("image_size", "net_size"), SIZES)
def test_stretching_is_darknets_resize(image_size, net_size):
    pixels = photo(*image_size)
    ours = Fit.stretch(image_size, net_size).apply(pixels)
    expected = reference.resize_image(pixels / 255, *net_size)
    assert np.allclose(ours.transpose(1, 2, 0), expected, atol=1e-5)


@pytest.mark.parametrize(("image_size", "net_size"), SIZES)
def test_letterboxing_is_darknets(image_size, net_size):
    pixels = photo(*image_size)
    ours = Fit.letterbox(image_size, net_size).apply(pixels)
    assert np.allclose(ours.transpose(1, 2, 0), reference.letterbox_image(pixels / 255, *net_size), atol=1e-5)


@pytest.mark.parametrize(("image_size", "net_size"), SIZES)
@pytest.mark.parametrize("letterbox", [False, True])
def test_boxes_go_back_as_in_darknet(image_size, net_size, letterbox):
    fit = (Fit.letterbox if letterbox else Fit.stretch)(image_size, net_size)
    boxes = np.random.default_rng(3).uniform(size=(9, 4))
    expected = [reference.correct_box(box, *image_size, *net_size, letterbox) for box in boxes.tolist()]
    assert np.allclose(fit.correct(boxes), expected)
    height, width = image_size
    corners = xyxy_from_cxcywh(fit.correct(boxes)) * np.array([width, height, width, height])
    assert np.allclose(fit.to_pixels(xyxy_from_cxcywh(fit.correct(boxes))), corners)


def test_a_640x480_photo_is_letterboxed_into_312_rows():
    fit = Fit.letterbox((480, 640), (416, 416))
    assert fit.inner_size == (312, 416)
    whole = np.array([[0.5, 0.5, 1.0, 312 / 416]])
    assert np.allclose(
        fit.to_pixels(xyxy_from_cxcywh(fit.correct(whole))),
        np.array([[0.0, 0.0, 640.0, 480.0]]),
        atol=1e-3,
    )


def test_the_same_size_is_a_copy():
    pixels = photo(20, 33)
    fitted = Fit.stretch((20, 33), (20, 33)).apply(pixels)
    assert np.array_equal(fitted, np.float32(pixels).transpose(2, 0, 1) / 255)
    fitted.fill(0)
    assert pixels.any()


@pytest.mark.parametrize("image_size", [(1, 1), (1, 500), (500, 1), (1, 20)])
@pytest.mark.parametrize("make", [Fit.stretch, Fit.letterbox])
def test_a_side_of_one_pixel_works(image_size, make):
    pixels = np.full((*image_size, 3), 255, np.uint8)
    fitted = make(image_size, (20, 33)).apply(pixels)
    assert fitted.shape == (3, 20, 33)
    assert fitted.max() == 1


def test_the_last_row_is_not_black():
    # Darknet's own is, for 800 rows -> 320 among others: its float32 rounds below the last row.
    assert Fit.stretch((800, 10), (320, 10)).apply(np.full((800, 10, 3), 200, np.uint8)).min() > 0.78


def test_views_and_read_only_images_are_taken(recwarn):
    pixels = photo(12, 10)
    pixels.flags.writeable = False
    fit = Fit.stretch((12, 10), (6, 6))
    assert np.array_equal(fit.apply(pixels[::-1]), fit.apply(pixels[::-1].copy()))
    assert not recwarn.list


@pytest.mark.parametrize(("letter_box", "inner"), [(False, (40, 40)), (True, (20, 40))])
def test_net_says_how_to_fit(letter_box, inner):
    net = SimpleNamespace(height=40, width=40, letter_box=letter_box)
    assert fit_for(net, (10, 20)).inner_size == inner


@pytest.mark.parametrize(
    ("model", "image", "way"),
    [
        ("yolov3-tiny", "000000000139", "stretch"),
        ("yolov3-tiny", "000000000139", "letterbox"),
        ("yolov3-tiny", "000000000632", "stretch"),
        ("yolo-fastest-1.1", "000000000139", "stretch"),
    ],
)
def test_a_photo_becomes_the_input_that_darknet_made_of_it(model, image, way):
    # AlexeyAB's Darknet, commit 59596d7; it decodes JPEG with another library: a level or two of 255 apart.
    recorded, jpeg = (
        SHARED / f"golden/whole/{model}-{image}-{way}.npz",
        SHARED / f"data/coco-mini/val2017/{image}.jpg",
    )
    if not (recorded.exists() and jpeg.exists()):
        pytest.skip(f"no {recorded} or {jpeg}")
    from darknet_py.data.images.read import read_image

    expected, pixels = np.load(recorded, allow_pickle=False)["input"][0], read_image(jpeg)
    ours = getattr(Fit, way)(pixels.shape[:2], expected.shape[1:]).apply(pixels)
    levels = np.abs(ours - expected) * 255
    rows = slice(None, -1)  # the last row may be the black one
    assert levels[:, rows].max() < 4
    assert levels[:, rows].mean() < 0.5
