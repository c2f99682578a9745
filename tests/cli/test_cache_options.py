"""Story. Oracle: what `train` and `compare` say and leave, given each kind of cache."""

from __future__ import annotations

import contextlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from darknet_py.__main__ import main

CFG = """[net]
width=32
height=32
channels=3
batch=4
[convolutional]
filters=18
[yolo]
mask=0,1,2
num=3
classes=1
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six images with a box each, for both splits."""
    draw = np.random.default_rng(0)
    for k in range(6):
        cv2.imwrite(str(tmp_path / f"{k}.png"), draw.integers(0, 256, (30, 40, 3), dtype=np.uint8))
        (tmp_path / f"{k}.txt").write_text("0 .5 .5 .4 .4\n")
    (tmp_path / "list.txt").write_text("\n".join(f"{tmp_path}/{k}.png" for k in range(6)))
    (tmp_path / "names.txt").write_text("thing\n")
    facts = {"classes": 1, "train": "list.txt", "valid": "list.txt", "names": "names.txt"}
    (tmp_path / "a.data").write_text("".join(f"{key} = {value}\n" for key, value in facts.items()))
    (tmp_path / "net.cfg").write_text(CFG)
    return tmp_path


def quoted(data: Path, *words: str) -> bytes:
    """The first batches that a training would take, as a picture."""
    out = data / "run"
    command = ["train", "--cfg", str(data / "net.cfg"), "--data", str(data / "a.data"), "--out", str(out)]
    assert main([*command, "--epochs", "3", "--show-batches", "2", "--workers", "1", *words]) == 0
    return b"".join((out / f"batch-{number}.jpg").read_bytes() for number in (1, 2))


def test_every_cache_gives_the_same_batches(data: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(data / "home"))
    plain = quoted(data, "--cache", "none")
    assert quoted(data) == plain
    assert not (data / "home").exists()
    assert quoted(data, "--cache", "disk") == plain
    assert len(list((data / "home" / "darknet-py" / "images").glob("??/*"))) == 6
    assert (
        quoted(data, "--cache", "disk", "--cache-dir", str(data / "here"), "--cache-gib", "0.00001") == plain
    )
    assert len(list((data / "here").glob("??/*"))) == 2, "10,737 bytes: two images of 3,640"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--cache-dir", "x"], "--cache-dir is the folder of --cache disk\n   = add --cache disk"),
        (
            ["--cache", "none", "--cache-gib", "1"],
            "--cache-gib says how much is kept, and --cache none keeps nothing",
        ),
        (["--cache-gib", "0"], "'0' is not a number above 0"),
        (["--cache", "tape"], "invalid choice: 'tape'"),
    ],
)
def test_options_that_do_not_fit_are_refused(data: Path, words: list[str], complaint: str, capsys) -> None:
    command = ["train", "--cfg", str(data / "net.cfg"), "--data", str(data / "a.data")]
    with contextlib.suppress(SystemExit):  # argparse's, when it is its own refusal
        assert main([*command, "--out", str(data / "run"), *words]) == 2
    assert complaint in capsys.readouterr().err
    assert not (data / "run").exists()
