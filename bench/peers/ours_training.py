"""Iterations of a whole training of ours, loader included, for `training.py`: `train` of `train/loop.py`.

A turn is some iterations in a row; the first of them use up what the loaders had ready, and do not count.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from turns import Turns

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import itertools

from darknet_py.cfg.document import must_parse, read
from darknet_py.data.formats.registry import open_data
from darknet_py.graph.compile import compile
from darknet_py.train.loop import train
from darknet_py.train.settings import Settings, TrainingPlan

READY = 6  # batches that two loaders may have ready, and the ones that they are at
COUNTED = 8


class _Over(Exception):
    """No turn is left."""


class Watch:
    """Told of each iteration; it lets the training wait between turns."""

    def __init__(self, threads: int) -> None:
        self.threads, self.turns, self.ends = threads, None, [0.0]

    def __call__(self, done: int, total: int, facts: dict[str, Any]) -> None:
        """Note when an iteration ended."""
        self.turns = self.turns or Turns(threads=self.threads)
        self.ends.append(time.perf_counter())
        if done > 1 and len(self.ends) <= READY + COUNTED:
            return
        if done > 1:
            last = self.ends[READY:]
            self.turns.took(statistics.median(b - a for a, b in itertools.pairwise(last)))
        if not self.turns.mine():
            raise _Over
        self.ends = [time.perf_counter()]


def main(data: str, cfg: str, threads: str) -> None:
    """Train until nobody asks for more."""
    torch.set_num_threads(int(threads))
    with tempfile.TemporaryDirectory() as out:
        splits = {split: open_data(data, split=split) for split in ("train", "val")}
        settings = Settings(workers=2, checkpoint_seconds=1e9)
        plan = TrainingPlan(
            compile(must_parse(read(cfg))),
            **splits,
            out=Path(out),
            name="bench",
            data=data,
            settings=settings,
        )
        try:
            train(plan, progress=Watch(int(threads)))
        except _Over:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
