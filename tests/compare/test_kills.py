"""Property. Oracle: the report of the same comparison when nothing breaks it, to the byte."""

from __future__ import annotations

import random
import shutil
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from darknet_py.compare import experiment
from tests.compare.kills import PAGES, kill_at_random, pages, start
from tests.train.file_operations import Countdown, watched
from tests.train.small_run import pictures
from tests.train.test_kills import die


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, float]:
    """The data, the comparison that nothing broke, and how long it took."""
    folder = tmp_path_factory.mktemp("compared")
    data, began = pictures(folder / "data", train=12), time.monotonic()
    process = start(data, folder / "whole")
    assert process.wait() == 0, process.said()
    return data, folder / "whole", time.monotonic() - began


def survive(unbroken: tuple[Path, Path, float], folder: Path, *, kills: int, seed: int) -> None:
    """Comparisons of one to five kills each, until there were `kills`; each must end as the unbroken one."""
    (data, whole, seconds), draw = unbroken, random.Random(seed)
    hit = number = 0
    while hit < kills:
        number += 1
        out, most = folder / f"compared-{number}", min(draw.randint(1, 5), kills - hit)
        hit += kill_at_random(data, out, kills=most, seconds=seconds, draw=draw)
        assert pages(out) == pages(whole), f"comparison {number}, after {hit} kills"
        assert not list(out.rglob("*.tmp"))
    print(f"\n{hit} kills, {number} comparisons: nothing trained again, {number} identical reports")


def test_a_comparison_killed_twice_has_the_same_report(
    unbroken: tuple[Path, Path, float], tmp_path: Path
) -> None:
    survive(unbroken, tmp_path, kills=2, seed=2)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_comparison_killed_at_20_random_times_has_the_same_report(
    unbroken: tuple[Path, Path, float], tmp_path: Path
) -> None:
    survive(unbroken, tmp_path, kills=20, seed=20)


@pytest.mark.soak
def test_a_comparison_killed_at_file_operations_of_its_end_has_the_same_report(
    unbroken: tuple[Path, Path, float], tmp_path: Path
) -> None:
    data, whole, _ = unbroken
    out, real = tmp_path / "out", experiment.draw_samples
    kept: list[Any] = []
    shutil.copytree(whole, out)
    for path in (*map(out.joinpath, PAGES), out / "latency.json", *out.rglob("samples/*")):
        path.unlink()

    def before(number: int) -> None:
        def dying(*args: Any) -> None:
            if not kept:
                kept.append(watched(Countdown(number, die)))
                kept[0].__enter__()
            real(*args)

        experiment.draw_samples = dying

    for number in (20, 60):
        process = start(data, out, before=partial(before, number))
        assert process.wait() == -signal.SIGKILL, process.said()
    assert start(data, out).wait() == 0
    assert pages(out) == pages(whole)
    assert not list(out.rglob("*.tmp"))
