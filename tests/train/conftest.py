"""What the tests of interrupted trainings share."""

from __future__ import annotations

import time

import pytest

from darknet_py.__main__ import main
from tests.train.small_run import Unbroken, pictures, start


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Unbroken:
    folder = tmp_path_factory.mktemp("small")
    data = pictures(folder / "data")
    words = ["--cfg", str(data / "small.cfg"), "--data", str(data / "set.data"), "--epochs", "0.1"]
    assert main(["train", *words, "--out", str(folder / "warm")]) == 0  # what torch imports on first use
    began = time.monotonic()
    assert start(data, folder / "whole").wait() == 0
    return Unbroken(data, folder / "whole", time.monotonic() - began)
