"""Property. Oracle: the catalogue of errors, C30: our words, or shapes that hold (bench/fuzz.py)."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.paths import ROOT


def figures(count: int, *, seed: int, seconds: float) -> dict[str, Any]:
    command = [sys.executable, "bench/fuzz.py", "--count", str(count), "--seed", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(found: dict[str, Any], count: int) -> None:
    assert found["broken"] == []
    assert found["texts"] == count
    assert found["compiled"] > 0.05 * count, "most texts are refused, and not nearly all"
    assert found["built"] > 0
    assert found["worst_seconds"] < 1, f"bench/fuzz.py --text {found['worst_text']}"
    assert found["peak_mebibytes"] < 128
    assert not found["torch_loaded"], "a plan is made without torch: no tensor can come before its limits"


@pytest.mark.slow
def test_C30_texts_that_nobody_would_write_are_refused_or_compile() -> None:
    check(figures(6_000, seed=0, seconds=240), 6_000)


@pytest.mark.soak
def test_C30_two_hundred_thousand_of_them() -> None:
    check(figures(200_000, seed=1, seconds=3000), 200_000)
