"""Story. Oracle: runs that finished, were stopped, or are broken; and the batches that a run draws."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from darknet_py.__main__ import main

CFG = """[net]
width=96
height=96
channels=3
batch=4
max_batches=4
learning_rate=0.001
mosaic={mosaic}
[convolutional]
filters=8
size=3
stride=8
pad=1
activation=leaky
[convolutional]
filters=24
size=1
stride=1
activation=linear
[yolo]
mask=0,1,2
anchors=10,14,23,27,37,58
num=3
classes=3
"""
DATA = "scenes:train=6,val=3,size=96"


@pytest.fixture
def cfg(tmp_path: Path) -> str:
    path = tmp_path / "small.cfg"
    path.write_text(CFG.format(mosaic=1))
    return str(path)


def test_runs_lists_each_run_with_its_state_and_figures(cfg, tmp_path, capsys):
    root = tmp_path / "runs"
    assert main(["train", "--cfg", cfg, "--data", DATA, "--out", str(root / "a")]) == 0
    assert cv2.imread(str(root / "a" / "curves.png")).shape[1] == 1100
    broken = root / "b" / "deeper"
    broken.mkdir(parents=True)
    (broken / "net.cfg").write_text("[net\n")
    (broken / "log.jsonl").write_text('{"iteration": 3, "loss": 2.5}\n{"iteration": 4, "lo')
    capsys.readouterr()
    assert main(["runs", str(root), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    result = json.loads((root / "a" / "result.json").read_text())
    assert (first["state"], first["iteration"], first["iterations"]) == ("finished", 4, 4)
    assert first["scores"]["ap50"] == result["scores"]["ap50"]
    assert first["seconds"] == result["training"]["seconds"]
    assert (second["state"], second["iteration"], second["iterations"]) == ("broken", 3, None)
    assert second["loss"] == 2.5
    assert main(["runs", str(root)]) == 0
    head, line, other = capsys.readouterr().out.splitlines()
    assert head.split() == ["run", "state", "iteration", "epoch", "loss", "AP", "AP50", "seconds"]
    assert line.split()[:3] == [str(root / "a"), "finished", "4/4"]
    assert other.split()[1:3] == ["broken", "3/?"]


def test_a_damaged_result_is_said_to_be_broken(cfg, tmp_path, capsys):
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "net.cfg").write_text(CFG.format(mosaic=0))
    (folder / "log.jsonl").write_text("")
    (folder / "result.json").write_text('{"scores": 3}')
    assert main(["runs", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["state"] == "broken"


def test_a_folder_that_is_not_there_is_one_message(tmp_path, capsys):
    assert main(["runs", str(tmp_path / "no")]) == 2
    assert capsys.readouterr().err.startswith(f"{tmp_path / 'no'}: error: there is no such folder\n")
    assert main(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"no run in {tmp_path}\n"


def test_show_batches_draws_what_would_be_trained_on_and_trains_nothing(cfg, tmp_path, capsys):
    out = tmp_path / "seen"
    arguments = ["train", "--cfg", cfg, "--data", DATA, "--out", str(out), "--show-batches", "2"]
    assert main(arguments) == 0
    assert sorted(path.name for path in out.iterdir()) == ["batch-1.jpg", "batch-2.jpg"]
    assert cv2.imread(str(out / "batch-1.jpg")).shape == (384, 384, 3), "images of 96, twice as large"
    first = (out / "batch-1.jpg").read_bytes()
    assert main(arguments) == 0
    assert (out / "batch-1.jpg").read_bytes() == first
    assert first != (out / "batch-2.jpg").read_bytes()
    said = capsys.readouterr().out
    assert f"{out / 'batch-1.jpg'}: 4 of 4 images, " in said
