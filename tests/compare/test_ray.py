"""Story. Runs as commands of their own, and as tasks of Ray; the oracle is the comparison in one process."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shlex
import signal
import struct
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from darknet_py.__main__ import main
from darknet_py.cli.machines import ray_runs
from darknet_py.cli.machines.commands import command_of, run_words
from darknet_py.compare import ray_tasks
from darknet_py.errors import UsageError
from darknet_py.report.unfinished import live
from tests.cli.test_bad_input import CFG
from tests.command import Cli
from tests.compare.kills import words_of
from tests.paths import ROOT
from tests.train.small_run import pictures

DATA = "scenes:train=4,val=2,size=96"
TIMES = {"seconds", "seconds_a_run", "images_a_second", "latency_ms"}  # never the same twice
LOCK = "hhqqi4x"  # struct flock of Linux on 64 bits


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("a.cfg --list-runs --out o", "a.cfg --out o"),
        ("a.cfg --list --out=o", "a.cfg --out=o"),
        ("--ray local a.cfg", "a.cfg"),
        ("--ray=local a.cfg --recipe darknet", "a.cfg --recipe darknet"),
        ("a.cfg -o f --json -of", "a.cfg"),
        ("--out o -- a.cfg --ray", "--out o -- a.cfg --ray"),
    ],
)
def test_the_command_of_a_run_has_no_option_of_the_whole(words: str, kept: str) -> None:
    assert run_words(words.split()) == kept.split()
    assert command_of(words.split(), "a/seed-0") == ["compare", "--only", "a/seed-0", *kept.split()]


def test_listed_runs_are_commands_that_a_shell_takes(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with a space, a quote and a dollar; both runs apart, then the report of both."""
    monkeypatch.chdir(tmp_path)
    name = "it's $HOME.cfg"
    Path(name).write_text(CFG)
    words = ["compare", name, "--data", DATA, "--out", "o", "--evaluations", "1"]
    listed = cli(*words, "--list-runs", "--device", "cuda:7").printed().splitlines()
    assert len(listed) == 2, "a device that this machine lacks is no matter of listing"
    lines = cli(*words, "--list-runs").printed().splitlines()
    assert not Path("o").exists()
    for line in lines:
        program, *rest = shlex.split(line)
        assert program == "darknet-py"
        assert rest[3:] == words[1:]
        assert main(rest) == 0
    facts = json.loads(cli(*words, "--list-runs", "--json").printed())
    assert [(Path(one["folder"], "result.json").is_file(), one["finished"]) for one in facts] == [
        (True, True)
    ] * 2
    assert not Path("o/report.json").exists()
    finished = {path: path.stat().st_mtime_ns for path in Path("o").rglob("result.json")}
    out = cli(*words).printed()
    assert "0 of 2 runs to train" in out
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    code, _, err = cli(*words, "--only", "its/seed-9")
    assert (code, "is no run of this comparison" in err) == (2, True)


def test_without_ray_a_message_says_how_to_get_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_tasks, "find_spec", lambda name: None)
    out = tmp_path / "o"
    assert cli("compare", "yolov3-tiny", "--data", DATA, "--out", out, "--ray", "local") == (
        2,
        "",
        "error: --ray needs the package ray, which is not installed\n"
        "   = pip install 'darknet-cfg[ray]', on all machines of the cluster\n",
    )
    assert not out.exists()


def test_the_report_is_written_between_runs_on_a_cluster(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_here(ray: None, commands: Any, *, main: Any, resources: None, ended: Any) -> None:
        for name, words in commands.items():
            ended(name, ray_tasks.TaskEnd(main(words), "", "here"))

    resources = SimpleNamespace(on=lambda ray, local: SimpleNamespace(missing=lambda ray: ""))
    monkeypatch.setattr(ray_tasks, "find_spec", lambda name: True)
    monkeypatch.setattr(ray_runs, "ray_cluster", lambda address: nullcontext())
    monkeypatch.setattr(ray_runs, "run_tasks", run_here)
    monkeypatch.setattr(ray_runs.Resources, "of", lambda device, workers: resources)
    monkeypatch.setattr(live, "LEAST", 0.0)
    monkeypatch.setattr(live, "SHARE", 1e9)
    (tmp_path / "a.cfg").write_text(CFG)
    out = tmp_path / "o"
    words = ["compare", tmp_path / "a.cfg", "--data", DATA, "--evaluations", "1", "--out", out]
    printed = cli(*words, "--ray", "local").printed()
    first, so_far, last = (printed.index(text) for text in ("[1/2]", "report so far: ", "[2/2]"))
    assert first < so_far < last
    assert json.loads((out / "report.json").read_text()).keys().isdisjoint({"unfinished"})


def test_a_certain_gpu_is_no_resource_of_a_cluster() -> None:
    with pytest.raises(UsageError, match="give --device cuda"):
        ray_tasks.Resources.of("cuda:1", workers=0)
    found = ray_tasks.Resources.of("cuda", workers=8)
    assert (found.cpus, found.gpus) == (9, 1)


@pytest.mark.soak
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (extra `ray`)")
def test_a_process_of_ray_killed_while_it_trains_changes_nothing(tmp_path: Path) -> None:
    data, out = pictures(tmp_path / "data", train=12), tmp_path / "out"
    words, said = words_of(data, out), (tmp_path / "said").open("w")
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "darknet_py", *words, "--ray", "local"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=said, stderr=said)
    killed: list[Path] = []
    while process.poll() is None and not killed:
        killed = [
            run for run in out.glob("runs/*/seed-*") if any(run.glob("checkpoint-*")) and kill_holder(run)
        ]
        time.sleep(0.01)
    assert process.wait(timeout=250) == 0, (tmp_path / "said").read_text()
    assert killed
    whole = tmp_path / "whole"
    again = [sys.executable, "-m", "darknet_py", *words_of(data, whole)]
    subprocess.run(again, cwd=ROOT, env=env, check=True, capture_output=True)
    files = sorted(path.relative_to(whole) for path in whole.glob("runs/*/seed-*/final.weights"))
    assert len(files) == 4
    assert all((out / file).read_bytes() == (whole / file).read_bytes() for file in files)
    first, second = (json.loads((one / "report.json").read_text()) for one in (out, whole))
    assert {key for key in differing(first, second) if key not in TIMES} == set()


def differing(one: Any, other: Any, key: str = "") -> set[str]:
    """The keys of all values that differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return set().union(*(differing(one.get(k), other.get(k), k) for k in one.keys() | other.keys()))
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return set().union(*(differing(a, b, key) for a, b in zip(one, other, strict=True)))
    return set() if one == other else {key}


def kill_holder(run: Path) -> bool:
    """Kill the process that has locked a run's folder, and so trains there; whether there was one."""
    try:
        with (run / ".lock").open("rb") as file:
            asked = struct.pack(LOCK, fcntl.F_RDLCK, 0, 0, 0, 0)
            kind, _, _, _, number = struct.unpack(LOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except OSError:
        return False
    if kind == fcntl.F_UNLCK or not number:
        return False
    os.kill(number, signal.SIGKILL)
    return True
