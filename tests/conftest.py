"""What every test shares."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from tests.train.small_run import Unbroken

torch.set_num_threads(1)  # small tensors; threads that wait for each other cost more than they bring


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Unbroken:
    """The small run, uninterrupted: what interrupted ones are compared with."""
    from darknet_py.__main__ import main
    from tests.train.small_run import Unbroken, pictures, start

    folder = tmp_path_factory.mktemp("small")
    data = pictures(folder / "data")
    words = ["--cfg", str(data / "small.cfg"), "--data", str(data / "set.data"), "--epochs", "0.1"]
    assert main(["train", *words, "--out", str(folder / "warm")]) == 0  # what torch imports on first use
    began = time.monotonic()
    assert start(data, folder / "whole").wait() == 0
    return Unbroken(data, folder / "whole", time.monotonic() - began)
