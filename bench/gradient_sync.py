"""Gradients of several processes: DistributedDataParallel against one sum after the backward pass.

`OMP_NUM_THREADS=1 torchrun --standalone --nproc-per-node 2 bench/gradient_sync.py [CFG [SIDE [UPDATES]]]`.
Both take turns on the same batch, two random images a process. Printed are milliseconds from the forward pass
to the summed gradients, and whether both give the same bits; with two processes they must (a + b = b + a).
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from darknet_py.cfg.document import must_parse, read
from darknet_py.cfg.edits import Edit, set_values
from darknet_py.distributed.communicator import Communicator
from darknet_py.distributed.process_info import ProcessInfo
from darknet_py.distributed.rendezvous import process_group
from darknet_py.graph.compile import compile
from darknet_py.losses.truths import Truths
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.train.step import Trainer

IMAGES, WARM_UP = 2, 2  # a process; rounds that are not counted


def trainer_of(cfg: str, communicator: Communicator) -> Trainer:
    """A trainer whose batch is computed at once."""
    document = set_values(must_parse(read(cfg)), [Edit(None, "subdivisions", "1")])
    network = Network(compile(document))
    initialise(network, seed=0)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Trainer(network, communicator=communicator)


def gradients(trainer: Trainer) -> list[Tensor]:
    """Those of all parameters that have one."""
    return [p.grad for p in trainer.network.parameters() if p.grad is not None]


def sum_afterwards(trainer: Trainer, communicator: Communicator) -> None:
    """One sum of all gradients, in one tensor."""
    flat = communicator.sum(torch.cat([gradient.reshape(-1) for gradient in gradients(trainer)]))
    for gradient, part in zip(
        gradients(trainer), torch.split(flat, [g.numel() for g in gradients(trainer)]), strict=True
    ):
        gradient.copy_(part.view(gradient.shape))


def main(cfg: str = "cfg/yolov3-tiny.cfg", side: str = "128", updates: str = "20") -> None:
    """Time both, and compare their bits."""
    torch.set_num_threads(1)
    with process_group(ProcessInfo.from_environment(os.environ)) as communicator:
        generator = torch.Generator().manual_seed(communicator.rank)
        images = torch.rand(IMAGES, 3, int(side), int(side), generator=generator)
        truths = Truths.of([np.array([[0.4, 0.5, 0.3, 0.4, k]]) for k in range(IMAGES)])
        overlapped, alone = trainer_of(cfg, communicator), trainer_of(cfg, Communicator())

        def with_ddp() -> None:
            overlapped.sync.begin()
            overlapped.sync.finish(overlapped.backward(images, truths, batch=IMAGES, iteration=1).value)

        def with_one_sum() -> None:
            alone.backward(images, truths, batch=IMAGES, iteration=1)
            sum_afterwards(alone, communicator)

        kinds: dict[str, tuple[Trainer, Callable[[], None]]] = {
            "DistributedDataParallel": (overlapped, with_ddp),
            "one sum afterwards": (alone, with_one_sum),
        }
        times: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(WARM_UP + int(updates)):
            for name, (trainer, update) in kinds.items():
                trainer.network.train()
                trainer.optimizer.zero_grad(set_to_none=True)
                communicator.sum(torch.zeros(1))  # all begin at the same time
                began = time.perf_counter()
                update()
                times[name].append(1e3 * (time.perf_counter() - began))
        pairs = zip(gradients(overlapped), gradients(alone), strict=True)
        equal = all(torch.equal(one, other) for one, other in pairs)
        if communicator.first:
            for name, found in times.items():
                counted = found[WARM_UP:]
                print(f"{name:24} median {statistics.median(counted):7.1f} ms, least {min(counted):7.1f} ms")
            print(
                f"{communicator.size} processes, {cfg} at {side}: the bits are {'' if equal else 'not '}equal"
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
