"""Story. Oracle: what `darknet_py.Detector` is given, and what the command line says of the same mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import darknet_py
from darknet_py.errors import DarknetPyError, DataError, UsageError, WeightsError
from darknet_py.model.weights import save_weights
from darknet_py.predict.detections import Detections

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


@pytest.fixture
def files(tmp_path: Path, tiny_cfg: Callable[..., str]) -> tuple[str, Path]:
    cfg = tiny_cfg(classes=2)
    save_weights(darknet_py.load(cfg), tmp_path / "tiny.weights")
    return cfg, tmp_path / "tiny.weights"


def test_a_file_a_picture_and_an_array_give_the_same(files: tuple[str, Path], tmp_path: Path) -> None:
    detector = darknet_py.Detector(*files, threshold=0.05, names=["cat", "dog"])
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    sources = [tmp_path / "a.png", str(tmp_path / "a.png"), Image.fromarray(PIXELS), PIXELS]
    each = [detector(source) for source in sources]
    together = detector(sources)
    assert len(each[0]) > 0
    assert isinstance(together, list)
    for found in (*each[1:], *together):
        assert np.array_equal(found.boxes_xyxy, each[0].boxes_xyxy)
        assert np.array_equal(found.scores, each[0].scores)


def test_detections_are_objects_with_names_best_first(files: tuple[str, Path]) -> None:
    found = darknet_py.Detector(*files, threshold=0.05, names=["cat", "dog"])(PIXELS)
    objects = list(found)
    assert len(objects) == len(found)
    assert [one.score for one in objects] == sorted((one.score for one in objects), reverse=True)
    assert all(one.name == ("cat", "dog")[one.label] for one in objects)
    assert all(0 <= side <= 60 for one in objects for side in one.box_xyxy)


def test_a_network_is_taken_as_it_is(files: tuple[str, Path]) -> None:
    network = darknet_py.load(*files)
    one = darknet_py.Detector(network, threshold=0.05)
    two = darknet_py.Detector(*files, threshold=0.05, engine="torch")
    assert np.array_equal(one(PIXELS).scores, two(PIXELS).scores)
    assert one.names == ("class 0", "class 1")


def test_names_come_from_a_file_or_the_neighbour_of_the_weights(
    files: tuple[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "mine.names").write_text("a\nb\n")
    (tmp_path / "tiny.names").write_text("c\nd\n")
    assert darknet_py.Detector(*files, names=tmp_path / "mine.names").names == ("a", "b")
    assert darknet_py.Detector(*files).names == ("c", "d")


def test_detections_without_names_are_numbered() -> None:
    (one,) = Detections(np.ones((1, 4)), np.ones(1), np.array([3]))
    assert one.name == "class 3"


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"cfg": "no.cfg"}, DarknetPyError, "no such file, and no shipped cfg of that name"),
        ({"weights": None}, UsageError, "a detector needs weights"),
        ({"weights": "no.weights"}, WeightsError, "no.weights: error: no such file"),
        ({"threshold": 2.0}, UsageError, "threshold is 2.0, and must lie in 0..1"),
        ({"device": "tpu"}, UsageError, "--device tpu cannot be used"),
        ({"names": ["one"]}, DataError, "1 names are given; the network has 2 classes"),
    ],
)
def test_errors_are_exceptions_with_the_text_of_the_command_line(
    change: dict[str, object], kind: type[Exception], words: str, files: tuple[str, Path]
) -> None:
    arguments = {"cfg": files[0], "weights": files[1], **change}
    with pytest.raises(kind) as caught:
        darknet_py.Detector(**arguments)
    assert words in str(caught.value)


@pytest.mark.parametrize("pixels", [PIXELS[..., 0], PIXELS / 255, PIXELS[:0], PIXELS[..., :2]])
def test_an_array_that_is_no_image_is_refused(pixels: np.ndarray, files: tuple[str, Path]) -> None:
    with pytest.raises(DataError, match=r"an image is an array of H x W x 3 uint8 \(RGB\)"):
        darknet_py.Detector(*files)(pixels)


def test_a_generator_is_read_a_batch_ahead_when_its_detections_are_asked_for(files: tuple[str, Path]) -> None:
    detector = darknet_py.Detector(*files, threshold=0.05, batch=2)
    read: list[int] = []

    def camera() -> Iterator[np.ndarray]:
        for number in range(10**9):
            read.append(number)
            yield np.roll(PIXELS, number, axis=1)

    stream = detector(camera())
    assert read == []
    first, second = next(stream), next(stream)
    assert read == [0, 1]
    next(stream)
    assert read == [0, 1, 2, 3]
    alone = detector([PIXELS, np.roll(PIXELS, 1, axis=1)])
    for found, expected in zip((first, second), alone, strict=True):
        np.testing.assert_allclose(found.boxes_xyxy, expected.boxes_xyxy, rtol=1e-5)


def test_a_tuple_gives_a_list_and_nothing_gives_nothing(files: tuple[str, Path]) -> None:
    detector = darknet_py.Detector(*files, threshold=0.05)
    found = detector((PIXELS, PIXELS[::2]))
    assert [each.image_size for each in found] == [(40, 60), (20, 60)]
    assert isinstance(found, list)
    assert (detector([]), list(detector(iter(())))) == ([], [])


def test_a_bad_image_of_a_stream_is_named_after_those_before_it(
    files: tuple[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no image")
    stream = darknet_py.Detector(*files)(path for path in [PIXELS, str(tmp_path / "bad.jpg")])
    next(stream)
    with pytest.raises(DataError, match=r"bad\.jpg: error: "):
        next(stream)


@pytest.mark.parametrize("image", [None, 5, b"a.jpg", {"a": 1}, torch.zeros(3, 4, 4), [None], object()])
def test_what_is_no_image_is_named_by_its_type(image: Any, files: tuple[str, Path]) -> None:
    with pytest.raises(DataError) as caught:
        list(darknet_py.Detector(*files)(image))
    assert "an image cannot be of type" in str(caught.value)
    assert "expected a file, an RGB array or a PIL image, or several of them" in str(caught.value)


def test_a_pil_image_that_ends_too_early_is_an_error(files: tuple[str, Path], tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "a.png").read_bytes()[:2000])
    with Image.open(tmp_path / "cut.png") as cut, pytest.raises(DataError, match="cannot be decoded"):
        darknet_py.Detector(*files)(cut)


@pytest.mark.parametrize("cfg", [None, 3, ["yolov3-tiny"]])
def test_what_is_no_cfg_is_named_by_its_type(cfg: Any) -> None:
    with pytest.raises(UsageError, match=f"a cfg is a file, .* and not of type {type(cfg).__name__}"):
        darknet_py.Detector(cfg, "a.weights")


def test_a_classifier_is_refused() -> None:
    text = "[net]\nwidth=4\nheight=4\nchannels=3\n[connected]\noutput=5\n[softmax]\n"
    with pytest.raises(UsageError, match="no head such as"):
        darknet_py.Detector(darknet_py.load(text))
