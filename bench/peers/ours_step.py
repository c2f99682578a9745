"""Training steps of ours on any cfg, for `training.py`: Trainer.step, as every run makes them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from turns import serve

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from darknet_py.cfg.document import must_parse, read
from darknet_py.graph.compile import compile
from darknet_py.losses.truths import Truths
from darknet_py.model.freed_memory import keep_freed_memory
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.train.step import Trainer


def main(batch: str, cfg: str, threads: str) -> None:
    """As `train/loop.py` sets a network up."""
    torch.set_num_threads(int(threads))
    keep_freed_memory()
    network = Network(compile(must_parse(read(cfg))))
    initialise(network, seed=0)
    network.to(memory_format=torch.channels_last)
    trainer = Trainer(network)
    given = np.load(batch)
    images = torch.from_numpy(given["images"]).contiguous(memory_format=torch.channels_last)
    rows = given["rows"]
    truths = Truths.of([rows[rows[:, 0] == k, 1:] for k in range(len(images))])
    serve(lambda: trainer.step(images, truths, rate=1e-5, iteration=10), threads=torch.get_num_threads())


if __name__ == "__main__":
    main(*sys.argv[1:])
