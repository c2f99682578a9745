"""Story. From folders of squares to a trained classifier, its figures and a report, in seconds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darknet_py.__main__ import main

CFG = """# a classifier of five layers
[net]
width=16
height=16
channels=3
batch=6
subdivisions=2
learning_rate=0.05
max_batches=40
min_crop=16
max_crop=20
flip=1
angle=5
aspect=.8
exposure=1.2

[crop]
crop_width=14
crop_height=14
flip=1

[convolutional]
batch_normalize=1
filters=8
size=3
stride=1
pad=1
activation=leaky

[maxpool]
size=3
stride=2

[normalization]
size=5

[convolutional]
filters=1000
size=1
activation=linear

[avgpool]

[softmax]

[cost]
"""
COLOURS = {"blue": (40, 60, 200), "green": (40, 190, 60), "red": (200, 50, 40)}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cfg of 1000 classes, and squares of three colours on noise, in several sizes."""
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    for split, count in (("train", 8), ("val", 4)):
        for name, colour in COLOURS.items():
            for k in range(count):
                high, wide = draw.integers(16, 30, 2)
                pixels = draw.integers(60, 140, (high, wide, 3))
                top, left = draw.integers(1, 5, 2)
                pixels[top:-3, left:-3] = np.array(colour) + draw.integers(-30, 30, (1, 1, 3))
                file = tmp_path / "squares" / split / name / f"{k}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file)
    (tmp_path / "small.cfg").write_text(CFG)
    return tmp_path


def test_train_teaches_three_colours(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--cfg", "small.cfg", "--data", "squares", "--out", "run", "--evaluations", "2"]
    assert main(["train", *words]) == 0
    said = capsys.readouterr().out
    assert "cfg: layer 4 filters 1000 -> 3\n" in said
    assert "# a classifier of five layers" in (place / "run" / "net.cfg").read_text()
    assert (place / "run" / "final.names").read_text() == "blue\ngreen\nred\n"
    scores = json.loads((place / "run" / "result.json").read_text())["scores"]
    assert scores["top1"] == 1
    assert scores["top5"] is None
    assert np.array(scores["confusion"]).tolist() == (4 * np.eye(3, dtype=int)).tolist()
    assert f"top-1 {100 * scores['top1']:.1f}" in said

    trained = ["--cfg", "run/net.cfg", "--weights", "run/final.weights", "--data", "squares", "--json"]
    assert main(["eval", *trained]) == 0
    figures = json.loads(capsys.readouterr().out)
    shared = ("top1", "top5", "loss", "per_class", "confusion", "images")
    assert {key: figures[key] for key in shared} == {key: scores[key] for key in shared}


def test_compare_sets_two_pools_side_by_side(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "small.cfg").write_text(CFG.replace("max_batches=40", "max_batches=4"))
    words = ["compare", "small.cfg", "small.cfg@2.section=stochpool", "--data", "squares", "--out", "out"]
    words += ["--evaluations", "2", "--seeds", "2"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "2 variants x 2 seeds on squares: 4 of 4 runs to train" in said
    out = place / "out"
    report = json.loads((out / "report.json").read_text())
    assert report["task"] == "classification"
    assert [v["name"] for v in report["variants"]] == ["small", "small@2.section=stochpool"]
    assert all(len(v["top1"]["runs"]) == 2 and v["latency_ms"] > 0 for v in report["variants"])
    (verdict,) = report["verdicts"]
    assert verdict["metric"] == "top1"
    page = (out / "report.html").read_bytes()
    assert b'alt="confusion matrix of each variant"' in page
    assert not list(out.glob("runs/*/samples")), "pictures with boxes are for detectors"

    assert main(words) == 0
    assert "0 of 4 runs to train" in capsys.readouterr().out
    assert (out / "report.html").read_bytes() == page
