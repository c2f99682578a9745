"""Table. What people give to `detect` and `Detector` by mistake, and the one message that each gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import darknet_py
from darknet_py.analysis.speed.drawn_weights import write_drawn
from darknet_py.errors import DarknetPyError, DataError
from darknet_py.predict.pixels import pixels_of
from tests.command import Cli

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
NOT_ONNX = "is no ONNX file that onnxruntime can run: "
KINDS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "torch": (b"PK\x03\x04data", "it looks like a zip archive, such as a program of torch.export"),
    "openvino": (b'<?xml version="1.0"?>\n<net name="a">', "it looks like a network of OpenVINO"),
    "cfg": (b"[net]\nwidth=32\n", "it looks like a cfg, it begins with `[net]`"),
    "picture": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "it looks like a JPEG image"),
    "weights": (
        np.array([0, 2, 5, 0, 0], "<i4").tobytes() + bytes(100),
        "it looks like Darknet weights, which --weights takes, with --cfg",
    ),
}


@pytest.fixture
def files(tmp_path: Path, tiny_cfg: Callable[..., str]) -> tuple[str, Path]:
    cfg = tiny_cfg(classes=2)
    write_drawn(darknet_py.compile(cfg), tmp_path / "tiny.weights")
    return cfg, tmp_path / "tiny.weights"


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_another_kind_is_named(kind: str, tmp_path: Path, cli: Cli) -> None:
    content, words = KINDS[kind]
    (tmp_path / "a.onnx").write_bytes(content)
    code, out, err = cli("detect", "--model", tmp_path / "a.onnx", "a.jpg")
    hint = "\n   = `darknet-py export CFG --weights W -o FILE.onnx` writes files that can be run\n"
    assert (code, out, err) == (3, "", f"{tmp_path}/a.onnx: error: {NOT_ONNX}{words}{hint}")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threshold": "a"}, "threshold is 'a', and must be a number in 0..1"),
        ({"nms": None}, "nms is None, and must be a number in 0..1"),
        ({"threshold": 2}, "threshold is 2, and must lie in 0..1"),
        ({"batch": 1.5}, "batch is 1.5, and must be a whole number"),
        ({"batch": "2"}, "batch is '2', and must be a whole number"),
        ({"engine": "tensorrt"}, "--engine tensorrt is not known"),
    ],
)
def test_options_of_a_detector(files: tuple[str, Path], options: dict[str, Any], words: str) -> None:
    with pytest.raises(DarknetPyError) as caught:
        darknet_py.Detector(*files, **options)
    assert str(caught.value).startswith(f"error: {words}")


def test_numbers_of_numpy_are_numbers(files: tuple[str, Path]) -> None:
    detector = darknet_py.Detector(*files, threshold=np.float32(0.5), batch=np.int64(2))  # type: ignore[arg-type]
    assert detector.settings.batch == 2


def test_weights_that_are_no_name_or_not_needed(files: tuple[str, Path], tmp_path: Path) -> None:
    with pytest.raises(DarknetPyError, match="weights are the name of a file, and not of type int"):
        darknet_py.Detector(files[0], 3)  # type: ignore[arg-type]
    with pytest.raises(DarknetPyError, match="is a complete network, and weights are given as well"):
        darknet_py.Detector("net.onnx", files[1])


def test_a_shipped_cfg_that_is_misspelled_is_suggested(cli: Cli) -> None:
    for wrong, right in (("yolov3-tniy", "yolov3-tiny"), ("pools/yolov3-tiny-gempol.cfg", None)):
        code, _, err = cli("show", wrong)
        guess = right or "pools/yolov3-tiny-gempool"
        message = f"{wrong}: error: no such file, and no shipped cfg of that name"
        assert (code, err) == (3, f"{message}\n   = did you mean `{guess}`?\n")


def test_a_folder_as_the_file_of_json_is_refused_before_the_work(tmp_path: Path, cli: Cli) -> None:
    for words in (("detect", "--model", "none.onnx", "a.jpg"), ("bench", "none.cfg")):
        code, _, err = cli(*words, "-o", tmp_path)
        assert (code, err) == (2, f"{tmp_path}: error: is a folder, and -o is the name of a file\n")


def test_detections_are_drawn_on_their_own_image_alone(files: tuple[str, Path]) -> None:
    found = darknet_py.Detector(*files, threshold=0.01)(PIXELS)
    assert len(found)
    assert found.draw(PIXELS).shape == PIXELS.shape
    with pytest.raises(DataError) as caught:
        found.draw(PIXELS[:10])
    words = "the image has 10 x 60 pixels, and the detections are of one of 40 x 60"
    assert str(caught.value) == f"error: {words}"


def test_a_pil_image_of_any_mode_has_the_pixels_of_its_file(tmp_path: Path) -> None:
    deep = Image.fromarray(np.linspace(0, 65535, 48, dtype=np.uint16).reshape(6, 8))
    palette = Image.fromarray(PIXELS).quantize(8)
    palette.info["transparency"] = 0
    for number, image in enumerate((deep, palette, Image.fromarray(PIXELS).convert("LA"))):
        image.save(tmp_path / f"{number}.png")
        np.testing.assert_array_equal(pixels_of(image), pixels_of(tmp_path / f"{number}.png"))
