"""Property. Oracle: what the same run leaves when nothing breaks it, to the bit.

The small run has multi-scale sizes, two minibatches an iteration, an average of weights, a stochastic pool
and dropout. Its processes are killed with SIGKILL; the log is compared without the speeds in it.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from darknet_py.__main__ import main
from darknet_py.data.loader.sampler import Sampler
from darknet_py.model.network import Network
from darknet_py.runs import checkpoint
from darknet_py.runs.checkpoints import Checkpoints, found_in
from darknet_py.runs.log import Log
from darknet_py.train import loop
from darknet_py.train.run import checkpointing
from darknet_py.train.state import state_of
from tests.paths import ROOT
from tests.train.file_operations import Countdown, watched
from tests.train.small_run import Unbroken, differences, finished, start


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def broken(unbroken: Unbroken, out: Path, *, kills: int, draw: random.Random, workers: int) -> int:
    """Run to the end through up to so many kills at random times; how many hit."""
    hit = 0
    while not finished(out):
        process = start(unbroken.data, out, "--workers", str(workers))
        if hit < kills:
            time.sleep(draw.uniform(0.02, unbroken.seconds))
            process.kill()
        code = process.wait()
        assert code in (0, -signal.SIGKILL), (process.folder / "said").read_text()
        hit += code != 0
    return hit


def survive(unbroken: Unbroken, folder: Path, *, kills: int, workers: int) -> None:
    """Runs of one to three kills each, until there were `kills`; every one must end as the unbroken one."""
    draw, hit, runs = random.Random(workers), 0, 0
    while hit < kills:
        runs += 1
        out = folder / f"run-{runs}"
        most = min(draw.randint(1, 3), kills - hit)
        hit += broken(unbroken, out, kills=most, draw=draw, workers=workers)
        assert differences(out, unbroken.out) == [], f"run {runs} of {workers} workers, after {hit} kills"
    print(f"\n{workers} workers: {hit} kills, {runs} runs, {runs} identical, 0 lost")


@pytest.mark.parametrize("workers, kills", [(0, 6), (1, 3), (2, 3)])
def test_K01_runs_killed_at_random_times_end_as_if_nothing_had_been(
    unbroken: Unbroken, tmp_path: Path, workers: int, kills: int
) -> None:
    survive(unbroken, tmp_path, kills=kills, workers=workers)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("workers", [0, 1, 2, 4])
def test_K01_two_hundred_kills(unbroken: Unbroken, tmp_path: Path, workers: int) -> None:
    survive(unbroken, tmp_path, kills=50, workers=workers)


def test_K02_runs_killed_at_file_operations_end_as_if_nothing_had_been(
    unbroken: Unbroken, tmp_path: Path
) -> None:
    draw, out = random.Random(2), tmp_path / "run"
    for _ in range(6):
        countdown = Countdown(draw.randint(20, 200), die)
        assert start(unbroken.data, out, within=watched(countdown)).wait() == -signal.SIGKILL
    assert start(unbroken.data, out).wait() == 0
    assert differences(out, unbroken.out) == []


def killed_after_saving(iteration: int) -> Callable[[], None]:
    real = Checkpoints.save

    def save(self: Checkpoints, trainer: object, position: checkpoint.Position) -> Path:
        path = real(self, trainer, position)  # type: ignore[arg-type]
        if position.iteration == iteration:
            die()
        return path

    return lambda: setattr(Checkpoints, "save", save)


def test_K08_a_run_goes_on_from_anywhere(unbroken: Unbroken, tmp_path: Path) -> None:
    """From the first iteration, the warm-up, an epoch's end, twice in one, the last but one, the last."""
    out = tmp_path / "run"
    for stop in (1, 3, 10, 12, 15, 23, 24):
        assert start(unbroken.data, out, before=killed_after_saving(stop)).wait() == -signal.SIGKILL
        assert found_in(out)[0].name == f"checkpoint-{stop:06d}.safetensors"
    assert start(unbroken.data, out).wait() == 0
    assert differences(out, unbroken.out) == []


def test_K08_a_run_without_a_checkpoint_begins_again(unbroken: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "run"
    seldom = "--checkpoint-seconds", "1000"

    def before() -> None:
        real = Log.add

        def add(self: Log, values: dict[str, object]) -> None:
            real(self, values)
            if values["iteration"] == 5:
                die()

        Log.add = add  # type: ignore[method-assign]

    assert start(unbroken.data, out, *seldom, before=before).wait() == -signal.SIGKILL
    assert not found_in(out)
    assert (out / "log.jsonl").read_text().count("\n") == 5
    assert start(unbroken.data, out).wait() == 0
    assert differences(out, unbroken.out) == []


@pytest.fixture(scope="module")
def killed(unbroken: Unbroken, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was killed after the checkpoint of iteration 13."""
    out = tmp_path_factory.mktemp("killed") / "run"
    assert start(unbroken.data, out, before=killed_after_saving(13)).wait() == -signal.SIGKILL
    return out


def _samples_from_the_start() -> None:
    real = Sampler.draws
    Sampler.draws = lambda self, iteration: real(self, iteration - 13)  # type: ignore[method-assign]


def _draws_of_another_iteration() -> None:
    real = Network.at

    def at(self: Network, *, seed: int, iteration: int, samples: object) -> None:
        real(self, seed=seed, iteration=iteration - 13, samples=samples)  # type: ignore[arg-type]

    Network.at = at  # type: ignore[method-assign]


def _without(prefix: str) -> Callable[[], None]:
    """Loads all but the tensors whose names begin so."""
    real = checkpointing.restore

    def fill(trainer: object, tensors: dict[str, object]) -> None:
        own = state_of(trainer)  # type: ignore[arg-type]
        chosen = {key: own.get(key) if key.startswith(prefix) else t for key, t in tensors.items()}
        real(trainer, {key: t for key, t in chosen.items() if t is not None})  # type: ignore[arg-type]

    return lambda: setattr(checkpointing, "restore", fill)


def _mean_of_losses_forgotten() -> None:
    real = loop.TrainingLoop.iterate

    def iterate(self: loop.TrainingLoop, iteration: int, *rest: object) -> object:
        self.state.average = None if iteration == 14 else self.state.average
        return real(self, iteration, *rest)  # type: ignore[arg-type]

    loop.TrainingLoop.iterate = iterate  # type: ignore[method-assign]


def _log_not_cut() -> None:
    Log.cut = lambda self, size: None  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "error, part",
    [
        (_samples_from_the_start, "network."),
        (_draws_of_another_iteration, "network."),
        (_without("optimizer."), "optimizer."),
        (_without("network."), "network."),
        (_without("ema."), "ema."),
        (_mean_of_losses_forgotten, "log.jsonl"),
        (_log_not_cut, "log.jsonl"),
    ],
    ids=["samples", "draws", "momentum", "weights", "average", "mean-loss", "log"],
)
def test_control_a_resumption_that_forgets_something_is_found_out(
    unbroken: Unbroken, killed: Path, tmp_path: Path, error: Callable[[], None], part: str
) -> None:
    out = tmp_path / "run"
    shutil.copytree(killed, out)
    with (out / "log.jsonl").open("a") as log:
        log.write('{"iteration": 14, "torn": tr')
    if part == "log.jsonl" and error is _log_not_cut:
        (out / "log.jsonl").write_text((out / "log.jsonl").read_text() + "ue}\n")
    assert start(unbroken.data, out, before=error).wait() == 0
    assert any(name.startswith(part) for name in differences(out, unbroken.out))


def test_a_real_command_killed_and_resumed_ends_as_if_nothing_had_been(
    unbroken: Unbroken, tmp_path: Path
) -> None:
    out, undisturbed, said = tmp_path / "run", tmp_path / "undisturbed", (tmp_path / "said").open("wb")
    data = unbroken.data
    command = [sys.executable, "train.py", "--cfg", str(data / "small.cfg"), "--data", str(data / "set.data")]
    command += ["--evaluations", "2", "--checkpoint-seconds", "0", "--recipe", "darknet"]
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

    def begin(*more: str) -> subprocess.Popen[bytes]:
        to = ["--out", str(out), *more]
        return subprocess.Popen([*command, *to], cwd=ROOT, env=alone, stdout=said, stderr=said)

    process = begin()
    while process.poll() is None and not found_in(out):
        time.sleep(0.005)
    process.kill()
    assert process.wait(timeout=60) == -signal.SIGKILL
    assert main(["train", *command[2:], "--out", str(out)]) == 2, "without --resume"
    assert begin("--resume").wait(timeout=100) == 0
    assert main(["train", *command[2:], "--out", str(undisturbed)]) == 0
    for name in ("final.weights", "detections.json"):
        assert (out / name).read_bytes() == (undisturbed / name).read_bytes()
    assert not found_in(out)
