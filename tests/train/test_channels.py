"""Story: a cfg with `channels=1` through every verb that reads images, and one with `channels=4` refused.

Oracle of the refusal: the folder, in which nothing has changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from darknet_py.cfg.document import must_parse, read
from darknet_py.errors import DataError, UsageError
from darknet_py.graph.compile import compile
from darknet_py.model.network import Network
from darknet_py.model.weights import save_weights
from darknet_py.predict.detector import Detector
from darknet_py.train import replay
from tests.command import Cli

DATA = "scenes:train=6,val=3,size=96"
COLOURED = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
CLASSIFIER = """[net]
width=16
height=16
channels={}
batch=2
max_batches=2
[convolutional]
filters=2
size=1
activation=linear
[avgpool]
[softmax]
"""


@pytest.fixture
def grey_cfg(tiny_cfg: Callable[..., str]) -> Callable[[int], str]:
    """A detector of other channels: `grey_cfg(1)`."""

    def write(channels: int) -> str:
        path = Path(tiny_cfg(classes=8))
        path.write_text(path.read_text().replace("channels=3", f"channels={channels}"))
        return str(path)

    return write


def test_a_grey_detector_trains_evaluates_and_detects(
    cli: Cli, grey_cfg: Callable[[int], str], tmp_path: Path
) -> None:
    cfg, out = grey_cfg(1), tmp_path / "run"
    trained = cli("train", "--cfg", cfg, "--data", DATA, "--out", out, "--workers", 1, "--json")
    assert trained.code == 0, trained.err
    assert json.loads(trained.out)["training"]["iterations"] == 2
    weights = out / "final.weights"
    assert weights.stat().st_size == 20 + 4 * (3 * 13 * 1 * 9 + 3 * 13), "biases, and kernels of one channel"
    evaluated = cli("eval", "--cfg", out / "net.cfg", "--weights", weights, "--data", DATA, "--json")
    assert json.loads(evaluated.out)["images"] == 3
    cv2.imwrite(str(tmp_path / "a.png"), COLOURED)
    options = ("--cfg", cfg, "--weights", weights, "--threshold", 0.001, "--json")
    detected = cli("detect", *options, tmp_path / "a.png")
    assert (detected.code, len(json.loads(detected.out))) == (0, 1)
    shown = cli("reach", cfg, "--weights", weights, "--images", tmp_path / "a.png", "--layer", 0, "--json")
    assert shown.code == 0, shown.err
    drawn = cli("train", "--cfg", cfg, "--data", DATA, "--out", tmp_path / "drawn", "--show-batches", 1)
    assert drawn.code == 0, drawn.err
    picture = cv2.imread(str(tmp_path / "drawn" / "batch-1.jpg"))
    assert picture is not None


def test_variants_of_a_grey_cfg_are_compared(
    cli: Cli, grey_cfg: Callable[[int], str], tmp_path: Path
) -> None:
    compared = cli("compare", grey_cfg(1), "--data", DATA, "--seeds", 1, "--out", tmp_path / "runs", "--json")
    assert compared.code == 0, compared.err
    assert len(json.loads(compared.out)["variants"]) == 1


def test_a_grey_classifier_trains(cli: Cli, write_cfg: Callable[..., str], tmp_path: Path) -> None:
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            (tmp_path / "data" / split / name).mkdir(parents=True)
            cv2.imwrite(str(tmp_path / "data" / split / name / "1.png"), COLOURED)
    words = ("--cfg", write_cfg(CLASSIFIER.format(1)), "--data", tmp_path / "data", "--out", tmp_path / "run")
    trained = cli("train", *words, "--json")
    assert trained.code == 0, trained.err
    assert json.loads(trained.out)["scores"]["images"] == 2


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("verb", ["train", "compare", "eval", "detect"])
def test_other_channels_are_refused_in_one_message_and_nothing_is_left(
    verb: str, channels: int, cli: Cli, grey_cfg: Callable[[int], str], tmp_path: Path
) -> None:
    cfg = grey_cfg(channels)
    weights = tmp_path / "a.weights"
    save_weights(Network(compile(must_parse(read(cfg)))), weights)
    cv2.imwrite(str(tmp_path / "a.png"), COLOURED)
    words = {
        "train": ("--cfg", cfg, "--data", DATA, "--out", tmp_path / "run"),
        "compare": (cfg, "--data", DATA, "--out", tmp_path / "run"),
        "eval": ("--cfg", cfg, "--weights", weights, "--data", DATA),
        "detect": ("--cfg", cfg, "--weights", weights, tmp_path / "a.png", "--out", tmp_path / "out"),
    }[verb]
    before = sorted(tmp_path.rglob("*"))
    found = cli(verb, *words)
    assert found.code == 2
    assert f"tiny.cfg:4:10: error: [net] channels={channels}, and an image has 3" in found.err
    assert "Traceback" not in found.err
    assert found.err.count("error:") == 1
    assert sorted(tmp_path.rglob("*")) == before
    for other in ("lint", "show"):
        assert cli(other, cfg).code == 0, "as a network the cfg is valid"


def test_no_channels_are_an_error_of_the_cfg(cli: Cli, grey_cfg: Callable[[int], str]) -> None:
    assert "[net] has no channels" in cli("lint", grey_cfg(0)).out


def test_a_detector_of_a_grey_cfg_takes_files_pictures_and_arrays(
    grey_cfg: Callable[[int], str], tmp_path: Path
) -> None:
    network = Network(compile(must_parse(read(grey_cfg(1)))))
    with torch.no_grad():
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
    detector = Detector(network, threshold=0.01)
    grey = cv2.cvtColor(COLOURED, cv2.COLOR_RGB2GRAY)
    expected = detector(COLOURED)
    assert len(expected)
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    for image in (grey, grey[:, :, None], np.repeat(grey[:, :, None], 3, axis=2), tmp_path / "grey.png"):
        assert np.array_equal(detector(image).boxes_xyxy, expected.boxes_xyxy)
    with pytest.raises(DataError, match=r"\(RGB\) or H x W \(grey\), and this one is 20 x 30 x 2"):
        detector(COLOURED[..., :2])


def test_a_replay_of_a_grey_cfg_takes_images_of_one_channel(
    grey_cfg: Callable[[int], str], tmp_path: Path
) -> None:
    cfg, weights = grey_cfg(1), tmp_path / "a.weights"
    save_weights(Network(compile(must_parse(read(cfg)))), weights)
    images, truths = np.full((2, 1, 32, 32), 0.5, np.float32), np.array([[[0.5, 0.5, 0.2, 0.2, 1]]] * 2)
    assert np.isfinite(replay(cfg, weights, images, truths, 1).loss).all()
    with pytest.raises(UsageError, match="are N x 1 x H x W for this cfg, and these are 2 x 3 x 32 x 32"):
        replay(cfg, weights, np.repeat(images, 3, axis=1), truths, 1)
