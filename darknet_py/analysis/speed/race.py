"""Programs that compute the same, timed side by side: one process each, and one of them works at a time.

All processes live through the whole race and take turns, A B C A B C, so that what else the machine does
affects all of them; compare medians. A process of its own is also what start-up and memory are measured of.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from darknet_py.engines.base import Floats
from darknet_py.errors import DarknetPyError

Runner = Callable[[Floats], list[Floats]]
Start = Callable[[], Runner]  # is pickled, and called in the process: of a module that can be imported
PATIENCE_S = 600.0  # for a process to start, or to take its turn
CHILD = "import sys; from darknet_py.analysis.speed.race import work; work(int(sys.argv[1]))"
STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Rounds:
    """How long a race is.

    Args:
        count: turns that each gets.
        turn_s: how long a turn is; at least one call is timed in it.
    """

    count: int = 7
    turn_s: float = 0.3


@dataclass
class Result:
    """What was measured of one program.

    Attributes:
        why: it did not take part; empty where it did.
        start_s: from the start of the process until it is ready to run: imports, files, optimisation.
        first_s: of the first call.
        turns_s: of one call, the median of each turn.
        peak_bytes: the most memory of the process; 0 where the system does not tell.
        outputs: of the first call.
    """

    why: str = ""
    start_s: float = 0.0
    first_s: float = 0.0
    turns_s: list[float] = field(default_factory=list)
    peak_bytes: int = 0
    outputs: list[Floats] = field(default_factory=list)

    @property
    def call_s(self) -> float:
        """The median over turns."""
        return median(self.turns_s)


def race(starts: Mapping[str, Start], images: Floats, rounds: Rounds) -> dict[str, Result]:
    """Time programs on the same images; one that fails is left out, and says why.

    Args:
        starts: by name, what makes each ready; a function that can be pickled.
        images: (N, C, H, W), what each call gets.
    """
    results: dict[str, Result] = {}
    with contextlib.ExitStack() as stack:
        lanes: dict[str, _Lane] = {}
        for name, start in starts.items():
            lane = stack.enter_context(_lane(start))
            results[name] = lane.prepare(images)
            if not results[name].why:
                lanes[name] = lane
        for _ in range(rounds.count):
            for name, lane in lanes.items():
                if not results[name].why:
                    lane.turn(rounds.turn_s, results[name])
    return results


class _Lane:
    """A process that runs one program when it is asked to."""

    def __init__(self, start: Start) -> None:
        self.pipe, theirs = Pipe()
        self.began = time.perf_counter()
        command = [sys.executable, "-c", CHILD, str(theirs.fileno())]
        self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()])  # noqa: S603 - CHILD is ours
        theirs.close()
        self.pipe.send(sys.path)
        self.pipe.send(start)

    def prepare(self, images: Floats) -> Result:
        """Wait until it is ready, and let it run once."""
        found = Result()
        ready = self._answer()
        found.start_s = time.perf_counter() - self.began
        if isinstance(ready, str):
            found.why = ready
            return found
        self.pipe.send(images)
        first = self._answer()
        if isinstance(first, str):
            found.why = first
        else:
            found.first_s, found.outputs = first
        return found

    def turn(self, turn_s: float, found: Result) -> None:
        """Let it run for a while."""
        self.pipe.send(turn_s)
        answer = self._answer()
        if isinstance(answer, str):
            found.why = answer
        else:
            call_s, found.peak_bytes = answer
            found.turns_s.append(call_s)

    def _answer(self) -> Any:
        """What it sends; a text is why it stopped."""
        try:
            if self.pipe.poll(PATIENCE_S):
                return self.pipe.recv()
        except (EOFError, ConnectionError):
            return f"its process ended with code {self.process.wait(PATIENCE_S)}"
        return f"no answer in {PATIENCE_S:.0f} s"


@contextlib.contextmanager
def _lane(start: Start) -> Iterator[_Lane]:
    lane = _Lane(start)
    try:
        yield lane
    finally:
        lane.pipe.close()
        lane.process.terminate()
        lane.process.wait()


def work(descriptor: int) -> None:
    """The process: it becomes ready, gets images, and then runs turns until the pipe is closed."""
    pipe = Connection(descriptor)
    try:
        sys.path[:] = pipe.recv()
        start: Start = pipe.recv()
        run = start()
        pipe.send(None)
        images = pipe.recv()
        began = time.perf_counter()
        outputs = run(images)
        pipe.send((time.perf_counter() - began, [np.ascontiguousarray(one) for one in outputs]))
        while True:
            pipe.send((_turn(run, images, pipe.recv()), peak_bytes()))
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return
    except DarknetPyError as error:
        pipe.send(str(error).removeprefix("error: "))
    except Exception as error:  # the program is somebody else's
        pipe.send(f"{type(error).__name__}: {error}".split("\n")[0])


def _turn(run: Runner, images: Floats, turn_s: float) -> float:
    """The median time of a call, in seconds; one before that warms up."""
    times: list[float] = []
    run(images)
    ends = time.perf_counter() + turn_s
    while not times or time.perf_counter() < ends:
        began = time.perf_counter()
        run(images)
        times.append(time.perf_counter() - began)
    return median(times)


def peak_bytes() -> int:
    """The most memory that this process has had; 0 where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return 0
