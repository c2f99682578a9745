"""The small run in several processes: forked, as `small_run` does, or started by the real torchrun."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch.distributed import run
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from darknet_py.__main__ import main
from darknet_py.data.loader import sample_partners
from darknet_py.distributed.communicator import Communicator
from darknet_py.distributed.process_info import ProcessInfo
from darknet_py.distributed.rendezvous import process_group
from tests.paths import ROOT
from tests.train.small_run import FAST, Action, Process, Unbroken, differences, fork, start

LAUNCHER, TRAIN = "torch.distributed.run", str(ROOT / "train.py")
POOL = sample_partners.POOL
SOON = 60.0  # seconds in which all must have ended


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def placed(rank: int, size: int, port: int, **more: str) -> dict[str, str]:
    """What a starter of processes tells one of them."""
    numbers = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank, "MASTER_PORT": port}
    return {"MASTER_ADDR": "127.0.0.1", **{key: str(number) for key, number in numbers.items()}, **more}


@dataclass(frozen=True)
class Together:
    """Forked processes of one training."""

    processes: list[Process]

    def wait(self, seconds: float = SOON) -> list[int]:
        """The exit codes; all must end within the time."""
        return [process.wait(seconds) for process in self.processes]

    def said(self) -> list[str]:
        """What each wrote to the terminal."""
        return [process.said() for process in self.processes]

    def errors(self) -> list[str]:
        """The messages of all, and the last lines of tracebacks."""
        lines = [line for text in self.said() for line in text.splitlines()]
        return [line for line in lines if "rror: " in line or "stopped: " in line]


def start_ranks(
    data: Path,
    out: Path,
    *more: str,
    size: int = 2,
    on: dict[int, Action] | None = None,
    words: dict[int, tuple[str, ...]] | None = None,
) -> Together:
    """Train, or go on with, the small run in several processes.

    Args:
        on: what is called first in which.
        words: what is said to one of them alone.
    """
    port = free_port()

    def started(rank: int) -> Process:
        def before() -> None:
            os.environ.update(placed(rank, size, port))
            (on or {}).get(rank, lambda: None)()

        return start(
            data, out, *more, *(words or {}).get(rank, ()), before=before, name=f"{out.name}.rank-{rank}"
        )

    return Together([started(rank) for rank in range(size)])


def in_ranks(
    folder: Path, size: int, action: Callable[[Communicator], object], *, seconds: float = 30.0
) -> Together:
    """Do something in forked processes that have met."""
    port = free_port()

    def started(rank: int) -> Process:
        def act() -> object:
            os.environ.update(placed(rank, size, port))
            with process_group(ProcessInfo.from_environment(os.environ), seconds=seconds) as communicator:
                return action(communicator)

        return fork(folder / f"rank-{rank}", act)

    return Together([started(rank) for rank in range(size)])


def unbroken_in_ranks(small: Unbroken, folder: Path, size: int, *more: str) -> Unbroken:
    """The small run in several processes, done in one go."""
    began = time.monotonic()
    together = start_ranks(small.data, folder / f"whole-{size}", *more, size=size)
    assert together.wait() == [0] * size, together.said()
    return Unbroken(small.data, folder / f"whole-{size}", time.monotonic() - began)


def gone_on(unbroken: Unbroken, out: Path, *more: str, size: int = 2) -> None:
    """Assert that the run goes on, and ends as the unbroken one."""
    together = start_ranks(unbroken.data, out, *more, size=size)
    assert together.wait() == [0] * size, together.said()
    assert differences(out, unbroken.out) == []


def torchrun(data: Path, out: Path, *more: str, options: tuple[str, ...] = ("--standalone",)) -> list[str]:
    """The command that a person types."""
    words = ["--cfg", str(data / "small.cfg"), "--data", str(data / "set.data"), "--out", str(out)]
    start = [sys.executable, "-m", LAUNCHER, "--nproc-per-node", "2", *options]
    return [*start, TRAIN, *words, "--evaluations", "2", *FAST, *more]


def begin(command: list[str], said: Path) -> subprocess.Popen[bytes]:
    """Start a command; what it says goes to a file."""
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with said.open("ab") as file:
        return subprocess.Popen(command, cwd=ROOT, env=alone, stdout=file, stderr=file)


def fork_torchrun(command: list[str], folder: Path) -> Process:
    """Run torchrun's command in a forked process, which forks its workers: nothing is imported again.

    Rendezvous, store, restarts and the variables are torchrun's; only the workers' start is another.
    """

    def work(*words: str) -> None:
        sys.exit(main(["train", *words]))

    def launch(config: LaunchConfig, entrypoint: str) -> Callable[..., object]:
        config.start_method = "fork"
        return lambda *words: elastic_launch(config, work)(*words[words.index(TRAIN) + 1 :])

    def act() -> None:
        sample_partners.POOL = POOL  # that of an unforked run
        run.elastic_launch = launch
        run.main(command[command.index(LAUNCHER) + 1 :])

    return fork(folder, act)


def children_of(number: int) -> list[int]:
    """The processes that a process has started, the oldest first."""
    children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
    return sorted(int(child) for child in children)


def workers_of(torchrun: int) -> dict[int, int]:
    """The processes that a torchrun has started, by rank."""
    found = {}
    for number in children_of(torchrun):
        entries = Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
        facts = dict(entry.split(b"=", 1) for entry in entries if b"=" in entry)
        if b"RANK" in facts:
            found[int(facts[b"RANK"])] = number
    return found
