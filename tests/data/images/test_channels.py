"""Reference: grey by numpy from ITU-R BT.601's weights, and by OpenCV. Story: a cfg of other channels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from darknet_py.cfg.document import parse
from darknet_py.data.augment.classification import ClassifierAugmentation
from darknet_py.data.augment.colours import recoloured
from darknet_py.data.augment.detection import Augmentation
from darknet_py.data.augment.settings import AugmentSettings
from darknet_py.data.images.channels import check_channels, in_channels
from darknet_py.data.images.read import read_image
from darknet_py.errors import UsageError
from darknet_py.graph.compile import compile

PIXELS = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
ROWS = np.array([[26.0, 18.0, 20.0, 16.0, 0.0]])
EVERYTHING = AugmentSettings(
    jitter=0.3, resize=1.5, flip=True, hue=0.1, saturation=1.5, exposure=1.5, blur=5, gaussian_noise=5
)


def test_grey_is_the_luma_of_the_colours() -> None:
    luma = PIXELS.astype(np.float64) @ (0.299, 0.587, 0.114)
    grey = in_channels(PIXELS, 1)
    assert grey.shape == (37, 53, 1)
    assert np.abs(grey[..., 0] - luma).max() <= 0.51, "rounded to 8 bits"
    assert in_channels(PIXELS, 3) is PIXELS


def test_grey_of_a_file_is_what_opencv_reads_as_grey(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), PIXELS[..., ::-1])
    cv2.imwrite(str(tmp_path / "b.png"), PIXELS[..., 0])
    for name, rounding in (("a.png", 1), ("b.png", 0)):  # libpng rounds the luma of colours down
        expected = cv2.imread(str(tmp_path / name), cv2.IMREAD_GRAYSCALE)
        found = in_channels(read_image(tmp_path / name), 1)[..., 0]
        assert np.abs(found.astype(int) - expected).max() <= rounding


def test_exposure_alone_changes_a_grey_image() -> None:
    grey, settings = in_channels(PIXELS, 1), AugmentSettings(hue=0.4, saturation=3, exposure=2)
    rng = np.random.default_rng(1)
    rng.uniform(), rng.uniform(), rng.random()  # hue and saturation draw too, so that boxes stay the same
    exposure, inverted = rng.uniform(1, 2), rng.random() < 0.5
    found = recoloured(grey, np.random.default_rng(1), settings)
    expected = np.minimum(grey * (1 / exposure if inverted else exposure), 255)
    assert found.shape == grey.shape
    assert np.abs(found - expected).max() <= 0.51
    assert np.array_equal(recoloured(grey, rng, AugmentSettings(hue=0.4, saturation=3)), grey)


@pytest.mark.parametrize("letter_box", [False, True])
@pytest.mark.parametrize("others", [0, 1, 3], ids=["one", "a blend", "a mosaic"])
def test_a_grey_sample_has_the_boxes_of_the_sample_in_colour(letter_box: bool, others: int) -> None:
    """Three equal channels and no colour shift: the same pixels, too, as the grey image."""
    settings = AugmentSettings(jitter=0.3, resize=1.5, flip=True, letter_box=letter_box)
    augment = Augmentation(settings)
    grey = in_channels(PIXELS, 1)
    found = []
    for pixels in (grey, np.repeat(grey, 3, axis=2)):
        more = [(pixels, ROWS)] * others
        found.append(augment(pixels, ROWS, np.random.default_rng(3), (32, 48), *more))
    assert found[0][0].shape == (32, 48, 1)
    assert np.array_equal(found[0][0][..., 0], found[1][0][..., 0])
    assert np.array_equal(found[0][1], found[1][1])


@pytest.mark.parametrize("seed", range(6))
def test_every_augmentation_takes_a_grey_image(seed: int) -> None:
    image, rows = Augmentation(EVERYTHING)(
        in_channels(PIXELS, 1), ROWS, np.random.default_rng(seed), (32, 48)
    )
    assert (image.shape, image.dtype, rows.shape[1]) == ((32, 48, 1), np.uint8, 5)
    classes = ClassifierAugmentation(
        32, 64, angle=7, aspect=0.75, flip=True, hue=0.1, exposure=1.5, cutmix=True
    )
    picture = in_channels(PIXELS, 1), ROWS
    image, rows = classes(*picture, np.random.default_rng(seed), (24, 24), picture)
    assert (image.shape, rows.shape) == ((24, 24, 1), (2, 6))


@pytest.mark.parametrize("channels", [2, 4, 5, 12])
def test_other_channels_are_refused_where_they_stand(channels: int) -> None:
    graph = compile(parse(f"[net]\nwidth=8\nheight=8\nchannels={channels}\n[convolutional]\n", path="a.cfg"))
    with pytest.raises(UsageError) as error:
        check_channels(graph)
    assert str(error.value) == (
        f"a.cfg:4:10: error: [net] channels={channels}, and an image has 3 channels, or 1 as grey\n"
        "   = channels=3 or channels=1 reads images; others run in Python, on tensors of your own"
    )
