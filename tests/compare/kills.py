"""A comparison of a few seconds in processes that are killed, and what it leaves.

A run is a process forked from the one that has imported everything. Its clocks stand still, for how long a
training or an image took is part of a report; all else must be the same to the byte.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from darknet_py.__main__ import main
from darknet_py.compare import latency
from darknet_py.runs.folders import ComparisonFolder
from darknet_py.train.run.checkpointing import Checkpointing
from tests.train.small_run import Process, fork

PAGES = ("report.html", "report.md", "report.json")
SHORT = "net.max_batches=8,net.burn_in=2"
EDIT = "1.section=maxpool"


def stop_clocks() -> None:
    Checkpointing.seconds = lambda self: 1.0  # type: ignore[method-assign]
    latency._time_one_image = lambda network, device: (1.0, 1.0)


def words_of(data: Path, out: Path) -> list[str]:
    """Two variants with two seeds, a checkpoint after every iteration."""
    cfg = str(data / "small.cfg")
    words = [
        "compare",
        f"{cfg}@{SHORT}",
        f"{cfg}@{SHORT},{EDIT}",
        "--data",
        str(data / "set.data"),
        "--out",
        str(out),
    ]
    return [*words, "--recipe", "darknet", "--evaluations", "1", "--checkpoint-seconds", "0"]


def start(data: Path, out: Path, *, before: Callable[[], None] = lambda: None) -> Process:
    def action() -> int:
        stop_clocks()
        before()
        return main(words_of(data, out))

    return fork(out.parent / f"{out.name}.process", action)


def results(out: Path) -> dict[Path, tuple[int, bytes]]:
    """The finished runs, with the time at which each was."""
    found = ComparisonFolder(out).path.glob("runs/*/seed-*/result.json")
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


def pages(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in PAGES]


def kill_at_random(data: Path, out: Path, *, kills: int, seconds: float, draw: random.Random) -> int:
    """Run to the end through up to so many kills at random times; how many hit.

    Args:
        seconds: that the comparison takes at the most.
    """
    hit, code = 0, 1
    while code:
        before = results(out)
        process = start(data, out)
        if hit < kills:
            time.sleep(draw.uniform(0.02, seconds))
            process.kill()
        code = process.wait()
        assert code in (0, -9), process.said()
        after = results(out)
        assert all(after[path] == one for path, one in before.items()), "trained again"
        hit += code != 0
    return hit
