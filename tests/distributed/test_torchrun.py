"""Story. Oracle: the same command, undisturbed. torchrun starts two processes each time: as a command
where it is killed, else its launcher in a forked process.

The IDs in the names are of the project's catalogue of errors: X is distributed.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from darknet_py.runs.checkpoints import found_in
from tests.distributed.rank_run import begin, children_of, fork_torchrun, torchrun, workers_of
from tests.train.small_run import Process, Unbroken

LINUX = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are read from /proc")
pytestmark = LINUX
LONG = 120.0  # seconds, on a machine with much else to do


def ended(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(timeout=LONG)
    finally:
        process.kill()


def gone(numbers: list[int]) -> None:
    """No process outlives its torchrun."""
    began = time.monotonic()
    while any(_lives(number) for number in numbers):
        assert time.monotonic() - began < 30
        time.sleep(0.05)


def _lives(number: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return False


def left_by(out: Path) -> list[Any]:
    """What a finished run leaves, without the times it took."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("images_per_second", None)
    names = ("final.weights", "detections.json", "matches.npz", "net.cfg")
    return [lines, *((out / name).read_bytes() for name in names)]


def saved(out: Path, job: Process | subprocess.Popen[bytes]) -> None:
    """Wait for the first checkpoints."""
    while not (out / "checkpoint-000003.safetensors").exists():
        assert job.running() if isinstance(job, Process) else job.poll() is None
        time.sleep(0.002)


@pytest.fixture(scope="module")
def data(unbroken: Unbroken) -> Path:
    return unbroken.data


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, next to which another of the same kind goes on."""
    folder = tmp_path_factory.mktemp("torchrun")
    outs = [folder / name for name in ("whole", "other")]
    jobs = [fork_torchrun(torchrun(data, out), folder / f"{out.name}.job") for out in outs]
    assert [job.wait(LONG) for job in jobs] == [0, 0], jobs[0].said()
    return outs[0]


def test_X11_two_jobs_at_once_do_not_meet(whole: Path) -> None:
    assert left_by(whole) == left_by(whole.parent / "other")
    said = (whole.parent / "whole.job" / "said").read_text()
    assert said.count("final.weights") == said.count("learning_rate 0.01 -> 0.001") == 1, "one process speaks"
    assert json.loads((whole / "result.json").read_text())["training"]["processes"] == 2


def test_X11_a_port_that_is_taken_is_reported(data: Path, tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        options = ("--master-addr", "127.0.0.1", "--master-port", str(server.getsockname()[1]))
        job = fork_torchrun(torchrun(data, tmp_path / "run", options=options), tmp_path / "job")
        assert job.wait(LONG) != 0
    assert "EADDRINUSE" in job.said()
    assert not (tmp_path / "run").exists()


def test_X04_a_signal_to_torchrun_leaves_one_checkpoint_and_no_orphan(
    data: Path, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    job = fork_torchrun(torchrun(data, out, "--workers", "1"), tmp_path / "stopped")
    saved(out, job)
    workers = children_of(job.number)
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGTERM)  # as batch systems, which signal all at once
    job.kill(signal.SIGTERM)
    assert job.wait(LONG, end_all=False) != 0
    gone(workers)
    text = job.said()
    assert text.count("stopped: after iteration ") == 1, text
    assert not (out / "result.json").exists()
    stopped = int(text.split("stopped: after iteration ")[1].split()[0])
    assert found_in(out)[0].name == f"checkpoint-{stopped:06d}.safetensors"
    job = fork_torchrun(torchrun(data, out, "--workers", "1", "--resume"), tmp_path / "job")
    assert job.wait(LONG) == 0, job.said()
    assert left_by(out) == left_by(whole)


def test_X09_a_job_that_is_restarted_goes_on_from_the_newest_checkpoint(
    data: Path, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    job = fork_torchrun(
        torchrun(data, out, options=("--standalone", "--max-restarts", "1")), tmp_path / "job"
    )
    saved(out, job)
    first, _ = children_of(job.number)
    os.kill(first, signal.SIGKILL)
    assert job.wait(LONG) == 0, job.said()
    assert left_by(out) == left_by(whole), "with every line of the log once"


def test_X01_processes_whose_torchrun_is_killed_save_and_end(data: Path, whole: Path, tmp_path: Path) -> None:
    out, said = tmp_path / "run", tmp_path / "said"
    job = begin(torchrun(data, out), said)
    saved(out, job)
    workers = workers_of(job.pid)
    job.kill()
    assert ended(job) == -signal.SIGKILL
    gone(list(workers.values()))
    assert "stopped: after iteration " in said.read_text()
    assert not (out / "result.json").exists()
