"""Story. From a cfg's text to a training, detections, figures and a report, in seconds."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darknet_py.__main__ import main
from darknet_py.scoring.detection_figures import figures_of_matches
from darknet_py.scoring.matches import load_matches
from tests.paths import ROOT

CFG = """# a network of four layers
[net]
width=96
height=96
channels=3
batch=4
subdivisions=2
learning_rate=0.01
burn_in=4
max_batches=6
policy=steps
steps=4,5
scales=.1,.1

[convolutional]
batch_normalize=1
filters=8
size=3
stride=4
pad=1
activation=leaky

[maxpool]
size=4
stride=4

[maxpool]
size=2
stride=1

[convolutional]
filters=255
size=1
activation=linear

[yolo]
mask=0,1,2
anchors=10,10, 30,30, 60,60
classes=80
num=3
jitter=.2
random=1
"""
DATA = "scenes:train=12,val=6,size=96"


@pytest.fixture
def cfg(tmp_path: Path) -> Path:
    file = tmp_path / "small.cfg"
    file.write_text(CFG)
    return file


def compare(cfg: Path, out: Path, *more: str) -> int:
    variants = [str(cfg), f"{cfg}@2.section=stochpool"]
    return main(["compare", *variants, "--data", DATA, "--out", str(out), "--evaluations", "2", *more])


def test_from_text_to_report(cfg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert compare(cfg, out) == 0
    said = capsys.readouterr().out
    assert "2 variants x 2 seeds" in said
    assert "classes 80 -> 8" in said
    report = json.loads((out / "report.json").read_text())
    assert [v["name"] for v in report["variants"]] == ["small", "small@2.section=stochpool"]
    assert all(len(v["ap"]["runs"]) == 2 for v in report["variants"])
    assert all(v["latency_ms"] > 0 for v in report["variants"])
    page = (out / "report.html").read_bytes()
    trained = (out / "runs" / "small" / "seed-0" / "net.cfg").read_text()
    assert "classes=8\n" in trained
    assert "filters=39\n" in trained
    assert "# a network of four layers" in trained

    began = time.monotonic()
    assert compare(cfg, out) == 0
    assert time.monotonic() - began < 30, "a finished comparison is done in seconds"
    assert "0 of 4 runs to train" in capsys.readouterr().out
    assert (out / "report.html").read_bytes() == page

    weights = out / "runs" / "small" / "seed-0" / "final.weights"
    trained_cfg = weights.with_name("net.cfg")
    assert main(["eval", "--cfg", str(trained_cfg), "--weights", str(weights), "--data", DATA, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    stored = json.loads(weights.with_name("result.json").read_text())["scores"]
    assert figures["ap"] == stored["ap"]
    assert set(figures) == {
        "ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "per_class", "images", "protocol",
        "boxes", "precision", "recall", "f1", "true_positives", "false_positives", "false_negatives",
        "precision_at", "classes", "data",
    }  # fmt: skip


def test_a_finished_run_of_another_cfg_is_not_taken_for_this_one(
    cfg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert compare(cfg, out, "--seeds", "1") == 0
    cfg.write_text(CFG.replace("filters=8", "filters=6"))
    assert compare(cfg, out, "--seeds", "1") == 3
    assert "result of another run: cfg differ" in capsys.readouterr().err


def test_pictures_and_latency_follow_the_runs(cfg: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert compare(cfg, out, "--seeds", "1") == 0
    samples = out / "runs" / "small" / "samples" / "0.png"
    before = samples.stat().st_mtime_ns, (out / "latency.json").read_bytes()
    assert compare(cfg, out, "--seeds", "1") == 0
    assert (samples.stat().st_mtime_ns, (out / "latency.json").read_bytes()) == before
    shutil.rmtree(out / "runs")
    cfg.write_text(CFG.replace("filters=8", "filters=16"))
    assert compare(cfg, out, "--seeds", "1") == 0
    assert (out / "latency.json").read_bytes() != before[1]


def test_a_misspelt_edit_trains_nothing(
    cfg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", str(cfg), f"{cfg}@net.widht=64", "--data", DATA, "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "did you mean `width`?" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_detect_draws_prints_and_names(cfg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, pictures, drawn = tmp_path / "run", tmp_path / "pictures", tmp_path / "drawn"
    assert main(["train", "--cfg", str(cfg), "--data", DATA, "--out", str(run), "--evaluations", "1"]) == 0
    pictures.mkdir()
    for name in ("a.png", "b.jpg"):
        Image.fromarray(np.full((70, 90, 3), 90, np.uint8)).save(pictures / name)
    capsys.readouterr()
    command = [
        "detect",
        "--cfg",
        str(run / "net.cfg"),
        "--weights",
        str(run / "final.weights"),
        str(pictures),
    ]
    assert main([*command, "--out", str(drawn), "--threshold", "0.0001", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [Path(e["image"]).name for e in entries] == ["a.png", "b.jpg"]
    assert all(set(d) == {"label", "class", "score", "box_xyxy"} for e in entries for d in e["detections"])
    assert {d["class"] for e in entries for d in e["detections"]} <= set(
        (run / "final.names").read_text().split()
    )
    assert sorted(p.name for p in drawn.iterdir()) == ["a.png", "b.jpg"]


def test_a_run_that_was_stopped_ends_like_one_that_was_not(cfg: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    cfg.write_text(CFG.replace("max_batches=6", "max_batches=60"))
    edit = ["--set", "2.section=stochpool"]
    command = ["train", "--cfg", str(cfg), "--data", DATA, "--evaluations", "1", *edit]
    assert main([*command, "--out", str(whole)]) == 0
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # threads decide the last bits

    def start(*more: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "darknet_py", *command, *more]
        return subprocess.Popen(
            words, cwd=ROOT, env=alone, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    process = start("--out", str(parts))
    log = parts / "log.jsonl"
    while process.poll() is None and not (log.exists() and log.read_text().count("\n") > 5):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 75
    assert start("--out", str(parts), "--resume").wait(timeout=100) == 0
    assert (parts / "final.weights").read_bytes() == (whole / "final.weights").read_bytes()
    for name in ("detections.json", "matches.npz"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()
    matches = load_matches(whole / "matches.npz")
    figures = figures_of_matches(matches, tuple("abcdefgh"), score=0.25)
    scores = json.loads((whole / "result.json").read_text())["scores"]
    assert figures.values["ap"] == scores["ap"]
    assert figures.counts.true_positives == scores["true_positives"]
    lines = [
        [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()] for run in (whole, parts)
    ]
    for run in lines:
        for line in run:
            line.pop("images_per_second", None)
    assert lines[0] == lines[1]
    assert not list(parts.glob("checkpoint*"))


def test_training_on_what_it_cannot_learn_from_stops_before_the_update(
    cfg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg.write_text(CFG.replace("learning_rate=0.01", "learning_rate=1e20").replace("burn_in=4", "burn_in=0"))
    words = ["--cfg", str(cfg), "--data", DATA, "--recipe", "darknet", "--out", str(tmp_path / "run")]
    assert main(["train", *words]) == 4
    assert "not finite" in capsys.readouterr().err
    assert not (tmp_path / "run" / "final.weights").exists()
