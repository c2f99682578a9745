"""Story. Oracle: a YOLO folder of which some is left out, counted by eye, in every verb that opens data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from darknet_py.model.api import load
from darknet_py.model.weights import save_weights
from tests.command import Cli

TRAIN = [
    "train: 4 images, 6 boxes of 2 classes (least: 2 `cat`; most: 4 `dog`), 1 image without a box",
    "  left out: 1 x image without a label file",
    "  left out: 1 x box with no width or no height",
    "  left out: 1 x image of a format that is not read (.heic)",
]
VAL = ["val: 1 image, 3 boxes of 2 classes (least: 1 `cat`; most: 2 `dog`)"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images with labels to train on, one without, one unreadable; one to evaluate on."""
    root = tmp_path / "pets"
    for split, names in (("train", ("a.png", "b.tif", "c.bmp", "d.gif")), ("val", ("v.png",))):
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True)
        for name in names:
            Image.new("RGB", (32, 32), "white").save(root / "images" / split / name)
    for label, text in {
        "train/a": "0 .5 .5 .4 .4\n1 .3 .3 .2 .2\n",
        "train/b": "0 .5 .5 .4 .4\n1 .3 .3 .2 .2\n1 .3 .3 0 .2\n",
        "train/c": "1 .5 .5 .4 .4\n1 .3 .3 .2 .2\n",
        "val/v": "0 .5 .5 .4 .4\n1 .3 .3 .2 .2\n1 .6 .6 .2 .2\n",
    }.items():
        (root / "labels" / f"{label}.txt").write_text(text)
    (root / "images/train/e.heic").write_bytes(b"x")
    (root / "images/train/._a.png").write_bytes(b"x")
    (root / "classes.txt").write_text("cat\ndog\n")
    return root


def test_a_training_begins_with_what_there_is_and_what_was_left_out(
    cli: Cli, folder: Path, tiny_cfg: Callable[..., str], tmp_path: Path
) -> None:
    words = ("--cfg", tiny_cfg(classes=2), "--data", folder, "--evaluations", 1, "--out", tmp_path / "run")
    code, out, err = cli("train", *words)
    assert (code, out.splitlines()[:5]) == (0, [*TRAIN, *VAL]), err
    splits = json.loads((tmp_path / "run" / "result.json").read_text())["data"]["splits"]
    assert splits["train"]["left_out"] == {
        "image without a label file": 1,
        "no width or no height": 1,
        "image of a format that is not read (.heic)": 1,
    }
    assert splits["val"]["boxes_per_class"] == {"cat": 1, "dog": 2}


def test_an_evaluation_does_too_and_has_it_in_its_json(
    cli: Cli, folder: Path, tiny_cfg: Callable[..., str], tmp_path: Path
) -> None:
    cfg, weights = tiny_cfg(classes=2), tmp_path / "tiny.weights"
    save_weights(load(cfg), weights)
    words = ("--cfg", cfg, "--weights", weights, "--data", folder, "--split", "train")
    assert cli("eval", *words).out.splitlines()[:4] == TRAIN
    code, out, err = cli("eval", *words, "--json")
    assert (code, err.splitlines()[:4]) == (0, TRAIN)
    assert json.loads(out)["data"]["images_without_boxes"] == 1


def test_a_comparison_does_too_and_its_report_names_what_was_left_out(
    cli: Cli, folder: Path, tiny_cfg: Callable[..., str], tmp_path: Path
) -> None:
    words = ("--data", folder, "--seeds", 1, "--evaluations", 1, "--out", tmp_path / "runs")
    code, out, err = cli("compare", tiny_cfg(classes=2), *words)
    assert (code, out.splitlines()[1:6]) == (0, [*TRAIN, *VAL]), err
    note = "Of train, left out: 1 x image without a label file, 1 x box with no width or no height, 1 x image"
    for page in ("report.md", "report.html"):
        assert note in (tmp_path / "runs" / page).read_text(encoding="utf-8")


def test_detect_tells_which_files_of_a_folder_it_passes_over(
    cli: Cli, folder: Path, tiny_cfg: Callable[..., str], tmp_path: Path
) -> None:
    cfg, weights = tiny_cfg(classes=2), tmp_path / "tiny.weights"
    save_weights(load(cfg), weights)
    code, out, err = cli("detect", "--cfg", cfg, "--weights", weights, folder / "images/train")
    assert (code, out.count(": ")) == (0, 4)
    assert err.splitlines()[0] == f"{folder / 'images/train'}: 1 file is no image and is passed over: 1 .heic"
