"""A training of a second: four layers that learn, one pool that draws, forty pictures; and its driver.

A run is a process forked from the one that has imported everything, so that it can be killed as any process
can, and costs no start. It writes a checkpoint after every iteration, and keeps the last one.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from darknet_py.__main__ import main
from darknet_py.cfg.document import must_parse, read
from darknet_py.data.formats.registry import open_data
from darknet_py.data.loader import collate
from darknet_py.data.loader import sample_partners as groups
from darknet_py.graph.compile import compile
from darknet_py.runs.checkpoints import Checkpoints, found_in
from darknet_py.train import loop
from darknet_py.train.run.batches import BatchSource, DeviceBatch
from darknet_py.train.settings import Settings, TrainingPlan

CFG = """[net]
width=64
height=64
channels=3
batch=4
subdivisions=2
learning_rate=0.01
burn_in=4
max_batches=24
policy=steps
steps=12,18
scales=.5,.5
ema_alpha=0.9
mosaic=1
[convolutional]
batch_normalize=1
filters=8
size=3
stride=4
pad=1
activation=leaky
[stochpool]
size=2
stride=2
[dropout]
probability=.2
[convolutional]
batch_normalize=1
filters=8
size=3
stride=4
pad=1
activation=mish
[convolutional]
filters=14
size=1
activation=linear
[yolo]
mask=0,1
anchors=12,12, 30,30
classes=2
num=2
jitter=.2
random=1
"""
FAST = "--checkpoint-seconds", "0"
Action = Callable[[], object]


def pictures(folder: Path, *, train: int = 40, val: int = 3) -> Path:
    """A Darknet data set of noise with a bright box in each picture."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(0)
    for split, count in (("train", train), ("valid", val)):
        for k in range(count):
            pixels = draw.integers(0, 120, (48, 56, 3), np.uint8)
            x, y = draw.integers(0, 24, 2)
            pixels[y : y + 20, x : x + 24, k % 2] += 130
            Image.fromarray(pixels).save(folder / f"{split}-{k}.png")
            row = f"{k % 2} {(x + 12) / 56:.6f} {(y + 10) / 48:.6f} {24 / 56:.6f} {20 / 48:.6f}\n"
            (folder / f"{split}-{k}.txt").write_text(row)
        (folder / f"{split}.list").write_text("".join(f"{folder}/{split}-{k}.png\n" for k in range(count)))
    (folder / "names").write_text("red\ngreen\n")
    (folder / "small.cfg").write_text(CFG)
    lines = [f"{key} = {folder}/{key}.list\n" for key in ("train", "valid")]
    (folder / "set.data").write_text(f"classes = 2\nnames = {folder}/names\n" + "".join(lines))
    return folder


@dataclass(frozen=True)
class Unbroken:
    """The small run, done in one go: its data, its folder, and how long it took."""

    data: Path
    out: Path
    seconds: float

    def plan(self, out: Path, **settings: Any) -> TrainingPlan:
        """The same training, to be done in this process."""
        splits = [open_data(str(self.data / "set.data"), split=split) for split in ("train", "val")]
        graph = compile(must_parse(read(self.data / "small.cfg")))
        names = {"out": out, "name": "small", "data": str(self.data / "set.data")}
        return TrainingPlan(graph, *splits, **names, settings=Settings(evaluations=2, **settings))


@dataclass
class Process:
    """A forked run, in a session of its own, so that its loaders can be ended with it."""

    number: int
    folder: Path
    began: float = field(default_factory=time.monotonic)
    code: int | None = None

    def kill(self, sign: int = signal.SIGKILL) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.number, sign)

    def wait(self, seconds: float = 60.0, *, end_all: bool = True) -> int:
        """Its exit code, or minus the signal that ended it; what it started is then ended too."""
        while self.code is None:
            if time.monotonic() - self.began > seconds:
                self.kill()
                raise TimeoutError(f"a run still goes on after {seconds} s")
            done, status = os.waitpid(self.number, os.WNOHANG)
            if done:
                self.code = os.waitstatus_to_exitcode(status)
            else:
                time.sleep(0.002)
        if end_all:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.number, signal.SIGKILL)
        return self.code

    def said(self) -> str:
        """What it and those before it wrote to the terminal."""
        return (self.folder / "said").read_text()

    def running(self) -> bool:
        """Whether it has not ended; does not wait."""
        if self.code is None:
            done, status = os.waitpid(self.number, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if done else None
        return self.code is None


def fork(folder: Path, action: Action) -> Process:
    """Run an action in a forked process: its value is the exit code, its output goes to `folder/said`."""
    folder.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)  # threads of its pool do not survive a fork
    number = os.fork()
    if number:
        return Process(number, folder)
    code = 99
    try:
        os.setsid()
        sys.stdout = sys.stderr = (folder / "said").open("a", buffering=1)
        for stream in (1, 2):
            os.dup2(sys.stdout.fileno(), stream)
        torch.set_num_threads(1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for sign in (signal.SIGTERM, signal.SIGHUP):  # the tests themselves may run under nohup
            signal.signal(sign, signal.SIG_DFL)
        logging.root.handlers.clear()  # of the test runner's
        groups.POOL = 8  # of two iterations, so that loaders have much still to do
        collate.STALLED = 1  # seconds, in place of 5, after which a loader that died is looked for
        code = int(action() or 0)  # type: ignore[call-overload]
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def start(
    data: Path,
    out: Path,
    *more: str,
    before: Action = lambda: None,
    within: contextlib.AbstractContextManager[None] | None = None,
    name: str = "",
) -> Process:
    """Train, or go on with, the small run; `before` is called there first, and all is done `within`."""
    words = ["train", "--cfg", str(data / "small.cfg"), "--data", str(data / "set.data"), "--out", str(out)]
    words += ["--recipe", "darknet"]

    def action() -> int:
        Checkpoints.clear = lambda self: None  # type: ignore[method-assign]  # the last one is compared
        before()
        with within or contextlib.nullcontext():
            return main([*words, "--evaluations", "2", "--resume", *FAST, *more])

    return fork(out.parent / (name or f"{out.name}.process"), action)


def finished(out: Path) -> bool:
    return (out / "result.json").exists()


def left_by(out: Path) -> dict[str, Any]:
    """What a run leaves, without the times it took: log, weights, detections, state."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("images_per_second", None)
    found: dict[str, Any] = {"log.jsonl": lines}
    for name in ("final.weights", "best.weights", "detections.json", "net.cfg"):
        found[name] = (out / name).read_bytes()
    newest = found_in(out)[0]
    found["checkpoint"] = newest.name
    state = load_file(newest)
    del state["sha256"]  # of the seconds too
    return found | {key: (str(t.dtype), t.numpy().tobytes()) for key, t in state.items()}


def differences(one: Path, other: Path) -> list[str]:
    """Which parts of what two runs left are not the same to the bit."""
    a, b = left_by(one), left_by(other)
    return sorted(key for key in a.keys() | b.keys() if a.get(key) != b.get(key))


def at_iteration(number: int, act: Action) -> Action:
    """What makes a run act when an iteration begins."""

    def before() -> None:
        real = loop.TrainingLoop.iterate

        def iterate(self: loop.TrainingLoop, iteration: int, *rest: Any) -> Any:
            if iteration == number:
                act()
            return real(self, iteration, *rest)

        loop.TrainingLoop.iterate = iterate  # type: ignore[method-assign]

    return before


def send(*numbers: int) -> Action:
    """What sends signals to its own process."""

    def act() -> None:
        for number in numbers:
            os.kill(os.getpid(), number)

    return act


def in_(owner: Any, name: str, act: Action, *, after: bool = False, call: int = 7) -> Action:
    """What makes a run act within a method, when it is called for the seventh time."""

    def before() -> None:
        real, calls = getattr(owner, name), iter(range(1, 10_000))

        def method(*args: Any, **keys: Any) -> Any:
            now = next(calls) == call
            if now and not after:
                act()
            value = real(*args, **keys)
            if now and after:
                act()
            return value

        setattr(owner, name, method)

    return before


def stopped_at(out: Path, iteration: int) -> None:
    assert found_in(out)[0].name == f"checkpoint-{iteration:06d}.safetensors"


def waiting_for_lines(out: Path, count: int, process: Process) -> None:
    log = out / "log.jsonl"
    while not log.exists() or log.read_bytes().count(b"\n") < count:
        assert process.running(), process.said()
        time.sleep(0.002)


def poisoned_at(number: int) -> Action:
    """What makes the last image of an iteration's batch a NaN."""

    def before() -> None:
        real, calls = BatchSource.to_device, iter(range(1, 10_000))

        def to_device(self: BatchSource, batch: Any) -> DeviceBatch:
            found = real(self, batch)
            if next(calls) == number:
                found.images[-1] = torch.nan
            return found

        BatchSource.to_device = to_device  # type: ignore[method-assign]

    return before


def resumed(unbroken: Unbroken, out: Path, *more: str) -> None:
    """Assert that the run goes on and ends as the unbroken one."""
    process = start(unbroken.data, out, *more)
    assert process.wait() == 0, process.said()
    assert differences(out, unbroken.out) == []
