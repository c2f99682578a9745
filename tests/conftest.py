"""What every test shares."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from darknet_py.__main__ import main
from tests.command import Cli, Outcome

if TYPE_CHECKING:
    from tests.train.small_run import Unbroken

torch.set_num_threads(1)  # small tensors; threads that wait for each other cost more than they bring
# The engine of autograd decides at the first backward pass whether it needs threads, after which no fork can
# train. After torch.export it would: so the first pass is here.
torch.ones(1, requires_grad=True).sum().backward()

TINY = """[net]
width=32
height=32
channels=3
batch={batch}
max_batches={max_batches}
[convolutional]
filters={filters}
size=3
stride=4
pad=1
activation=linear
[yolo]
mask=0,1,2
anchors=4,4, 8,8, 16,16
classes={classes}
num=3
"""


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command of `darknet-py` in this process: `cli("show", path, "--json")`."""

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as left:  # argparse's, of --help and of words that it refuses
            code = int(left.code or 0)
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture
def write_cfg(tmp_path: Path) -> Callable[..., str]:
    """Writes a cfg: `write_cfg(text)` gives its path."""

    def write(text: str, name: str = "a.cfg") -> str:
        (tmp_path / name).write_bytes(text.encode())
        return str(tmp_path / name)

    return write


@pytest.fixture
def tiny_cfg(write_cfg: Callable[..., str]) -> Callable[..., str]:
    """Writes a detector of two layers on 32 x 32 pixels: `tiny_cfg(classes=8, max_batches=2)`."""

    def write(*, classes: int = 1, batch: int = 2, max_batches: int = 2) -> str:
        text = TINY.format(classes=classes, batch=batch, max_batches=max_batches, filters=3 * (5 + classes))
        return write_cfg(text, "tiny.cfg")

    return write


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Unbroken:
    """The small run, uninterrupted: what interrupted ones are compared with."""
    from tests.train.small_run import Unbroken, pictures, start

    folder = tmp_path_factory.mktemp("small")
    data = pictures(folder / "data")
    words = ["--cfg", str(data / "small.cfg"), "--data", str(data / "set.data"), "--epochs", "0.1"]
    assert main(["train", *words, "--out", str(folder / "warm")]) == 0  # what torch imports on first use
    began = time.monotonic()
    assert start(data, folder / "whole").wait() == 0
    return Unbroken(data, folder / "whole", time.monotonic() - began)
