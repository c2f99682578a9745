"""Property. Oracle: the exit code that each stop must have, and the unbroken run's state, to the bit.

The IDs in the names are of the project's catalogue of errors: K is checkpoints, T is training.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from darknet_py.__main__ import main
from darknet_py.runs.checkpoints import Checkpoints, found_in
from darknet_py.runs.lock import NAME, is_locked
from darknet_py.tasks.detection import DetectionTask
from darknet_py.train.step import Trainer
from tests.train.file_operations import Countdown, watched
from tests.train.small_run import (
    Unbroken,
    at_iteration,
    differences,
    finished,
    in_,
    resumed,
    send,
    start,
    stopped_at,
    waiting_for_lines,
)

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])


@SIGNALS
def test_K12_a_signal_in_an_update_finishes_it_saves_and_exits_with_75(
    unbroken: Unbroken, tmp_path: Path, number: int
) -> None:
    out, seldom = tmp_path / "run", ("--checkpoint-seconds", "1000")
    process = start(unbroken.data, out, *seldom, before=in_(Trainer, "_check", send(number)))
    assert process.wait() == 75, process.said()
    assert f"{out}: stopped: after iteration 7 of 24, on request" in process.said()
    stopped_at(out, 7)
    resumed(unbroken, out)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_K12_a_signal_at_a_save_waits_for_the_next_update(
    unbroken: Unbroken, tmp_path: Path, after: bool
) -> None:
    out = tmp_path / "run"
    before = in_(Checkpoints, "save", send(signal.SIGTERM), after=after)
    assert start(unbroken.data, out, before=before).wait() == 75
    stopped_at(out, 8)
    resumed(unbroken, out)


def test_K12_a_signal_in_an_evaluation_lets_it_end(unbroken: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "run"
    before = in_(DetectionTask, "evaluate", send(signal.SIGTERM), call=1)
    assert start(unbroken.data, out, before=before).wait() == 75
    stopped_at(out, 12)
    assert '"ap"' in (out / "log.jsonl").read_text()
    resumed(unbroken, out)


def test_K12_a_signal_in_the_last_update_lets_the_run_end(unbroken: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert start(unbroken.data, out, before=at_iteration(24, send(signal.SIGTERM))).wait() == 0
    assert (out / "result.json").exists()


def test_K12_a_second_signal_ends_at_once_and_the_old_checkpoint_is_good(
    unbroken: Unbroken, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    process = start(unbroken.data, out, before=in_(Trainer, "_check", send(signal.SIGINT, signal.SIGTERM)))
    assert process.wait() == 130, process.said()
    stopped_at(out, 6)
    resumed(unbroken, out)


def test_K12_a_second_signal_within_a_save_leaves_the_old_checkpoint(
    unbroken: Unbroken, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    within = watched(Countdown(300, send(signal.SIGTERM, signal.SIGTERM)))
    assert start(unbroken.data, out, within=within).wait() == 130
    assert not list(out.glob(".*.tmp"))
    resumed(unbroken, out)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_K12_a_signal_to_the_loaders_too_still_saves(unbroken: Unbroken, tmp_path: Path, number: int) -> None:
    """As a terminal's Ctrl-C, and as batch systems stop a job."""
    out = tmp_path / "run"

    def act() -> None:
        os.killpg(os.getpid(), number)
        time.sleep(0.3)  # for the loaders to end

    process = start(unbroken.data, out, "--workers", "2", before=at_iteration(7, act))
    assert process.wait() == 75, process.said()
    stopped_at(out, 7)
    assert "Traceback" not in process.said()
    resumed(unbroken, out)


def test_K12_a_signal_while_batches_are_waited_for_saves(unbroken: Unbroken, tmp_path: Path) -> None:
    """The loaders stand still, and are ended together with the run."""
    out = tmp_path / "run"
    process = start(unbroken.data, out, "--workers", "1", before=_stands_still)
    waiting_for_lines(out, 1, process)
    time.sleep(1.0)
    os.killpg(process.number, signal.SIGTERM)
    assert process.wait() == 75, process.said()
    resumed(unbroken, out)


def _stands_still() -> None:
    from darknet_py.data.formats.darknet import image_lists

    real, seen = image_lists.read_image, []

    def slow(*args: Any) -> Any:
        seen.append(args)
        if len(seen) > 14:
            time.sleep(600)
        return real(*args)

    image_lists.read_image = slow


def test_K13_a_run_that_is_paused_goes_on(unbroken: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(unbroken.data, out, "--workers", "1")
    waiting_for_lines(out, 5, process)
    os.killpg(process.number, signal.SIGSTOP)
    time.sleep(2)  # longer than loaders are waited for at a time
    os.killpg(process.number, signal.SIGCONT)
    assert process.wait() == 0, process.said()
    assert differences(out, unbroken.out) == []


def test_T10_a_run_under_nohup_outlives_the_terminal(unbroken: Unbroken, tmp_path: Path) -> None:
    def before() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        at_iteration(7, send(signal.SIGHUP))()

    out = tmp_path / "run"
    assert start(unbroken.data, out, before=before).wait() == 0
    assert differences(out, unbroken.out) == []


def test_T10_a_terminal_that_nobody_reads_ends_no_run(unbroken: Unbroken, tmp_path: Path) -> None:
    def before() -> None:
        reader, writer = os.pipe()
        os.close(reader)
        for stream in (1, 2):
            os.dup2(writer, stream)

    out = tmp_path / "run"
    start(unbroken.data, out, before=before).wait()
    assert finished(out)
    assert differences(out, unbroken.out) == []


def test_T10_a_clock_that_jumps_changes_nothing(unbroken: Unbroken, tmp_path: Path) -> None:
    def before() -> None:
        jumps = iter(range(10**9, 0, -(10**5)))
        time.time = lambda: float(next(jumps))

    out = tmp_path / "run"
    assert start(unbroken.data, out, before=before).wait() == 0
    assert differences(out, unbroken.out) == []


def test_T09_a_torn_line_is_cut_off(unbroken: Unbroken, tmp_path: Path) -> None:
    def before() -> None:
        seen: list[str] = []

        def tear(name: str, on: Any) -> None:
            if name == "write" and on[0].name.endswith("log.jsonl"):
                seen.append(name)
                if len(seen) == 9:
                    on[0].write(on[1][:20])
                    on[0].flush()
                    os.kill(os.getpid(), signal.SIGKILL)

        contexts.enter_context(watched(tear))

    out, contexts = tmp_path / "run", contextlib.ExitStack()
    assert start(unbroken.data, out, before=before).wait() == -signal.SIGKILL
    assert not (out / "log.jsonl").read_bytes().endswith(b"\n")
    resumed(unbroken, out)


def test_T11_a_second_process_is_refused_and_the_first_goes_on(unbroken: Unbroken, tmp_path: Path) -> None:
    out, go = tmp_path / "run", tmp_path / "go"

    def until_told() -> None:
        while not go.exists():
            time.sleep(0.01)

    first = start(unbroken.data, out, before=at_iteration(7, until_told))
    waiting_for_lines(out, 2, first)
    second = start(unbroken.data, out)
    assert second.wait() == 2
    assert f"{out}: error: another process is training in this folder" in second.said()
    assert is_locked(out)
    go.touch()
    assert first.wait() == 0, first.said()
    assert differences(out, unbroken.out) == []
    assert not (out / NAME).exists()


def test_T11_the_lock_of_a_dead_process_stops_nobody(unbroken: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(unbroken.data, out, "--workers", "2", before=at_iteration(7, send(signal.SIGKILL)))
    assert process.wait(end_all=False) == -signal.SIGKILL  # its loaders still live
    assert (out / NAME).exists()
    assert not is_locked(out)
    resumed(unbroken, out)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.number, signal.SIGKILL)


def test_T12_a_folder_that_cannot_be_written_is_told_before_training(
    unbroken: Unbroken, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    words = ["--cfg", str(unbroken.data / "small.cfg"), "--data", str(unbroken.data / "set.data")]
    assert main(["train", *words, "--out", str(tmp_path / "file" / "run")]) == 3
    assert f"{tmp_path}/file/run: error: Not a directory" in capsys.readouterr().err

    def full(name: str, on: Any) -> None:
        if name == "write":
            raise OSError(28, "No space left on device")

    out = tmp_path / "run"
    process = start(unbroken.data, out, within=watched(full))
    assert process.wait() == 3
    assert f"{out}/net.cfg: error: No space left on device" in process.said()
    assert "it/s" not in process.said()


def test_T12_a_folder_that_vanishes_is_told_without_a_traceback(unbroken: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(unbroken.data, out, before=at_iteration(7, lambda: out.rename(tmp_path / "moved")))
    assert process.wait() == 3
    assert f"{out}/log.jsonl: error: No such file or directory" in process.said()
    assert "Traceback" not in process.said()
    resumed(unbroken, tmp_path / "moved")


@pytest.mark.parametrize(
    "more, text",
    [
        (["--seed", "4"], "is of another run: seed differ"),
        (["--precision", "bfloat16"], "is of another run: precision differ"),
        (["--set", "net.momentum=0.8"], "is of another run: cfg differ"),
        (["--set", "net.batch=2", "--seed", "1"], "is of another run: cfg, seed differ"),
    ],
    ids=["seed", "precision", "cfg", "two"],
)
def test_K09_another_run_is_refused_by_what_differs(
    unbroken: Unbroken, tmp_path: Path, more: list[str], text: str
) -> None:
    out = tmp_path / "run"
    shutil.copytree(unbroken.out, out)
    (out / "result.json").unlink()
    process = start(unbroken.data, out, *more)
    assert process.wait() == 3
    assert text in process.said()


def test_K09_other_data_is_refused(unbroken: Unbroken, tmp_path: Path) -> None:
    out, data = tmp_path / "run", tmp_path / "data"
    shutil.copytree(unbroken.out, out)
    (out / "result.json").unlink()
    shutil.copytree(unbroken.data, data)
    (data / "train.list").write_text("".join((data / "train.list").read_text().splitlines(True)[:-1]))
    (data / "set.data").write_text((data / "set.data").read_text().replace(str(unbroken.data), str(data)))
    process = start(data, out)
    assert process.wait() == 3
    assert "is of another run: train data differ" in process.said()


def test_K09_other_threads_are_refused_unless_it_is_allowed(unbroken: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert start(unbroken.data, out, before=at_iteration(9, send(signal.SIGTERM))).wait() == 75

    def two() -> None:
        torch.set_num_threads(2)

    process = start(unbroken.data, out, before=two)
    assert process.wait() == 3
    assert "would not go on to the same bits: threads was 1 and is 2" in process.said()
    assert "--allow-changed threads goes on all the same" in process.said()
    process = start(unbroken.data, out, "--allow-changed", "threads", before=two)
    assert process.wait() == 0, process.said()


def test_K06_a_dead_writers_temporary_file_is_removed(unbroken: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "run"
    within = watched(Countdown(300, send(signal.SIGKILL)))
    assert start(unbroken.data, out, within=within).wait() == -signal.SIGKILL
    assert list(out.glob(".*.tmp"))
    (out / "mine.tmp").write_text("stays")
    resumed(unbroken, out)
    assert [path.name for path in out.glob("*.tmp")] == ["mine.tmp"]


def test_K05_a_run_whose_newest_checkpoint_is_damaged_goes_on_from_the_one_before(
    unbroken: Unbroken, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert start(unbroken.data, out, before=at_iteration(9, send(signal.SIGTERM))).wait() == 75
    newest = found_in(out)[0]
    newest.write_bytes(newest.read_bytes()[:-1])
    process = start(unbroken.data, out)
    assert process.wait() == 0
    assert (
        "is damaged: its digest does not fit its contents; going on from checkpoint-000008" in process.said()
    )
    assert differences(out, unbroken.out) == []


def test_K04_a_full_disk_stops_the_run_and_says_what_is_needed(unbroken: Unbroken, tmp_path: Path) -> None:
    def full(name: str, on: Any) -> None:
        if name == "write" and on[0].name.endswith(".tmp") and finds(9):
            raise OSError(28, "No space left on device")

    def finds(iteration: int) -> bool:
        return (out / f"checkpoint-{iteration:06d}.safetensors").exists()

    out = tmp_path / "run"
    process = start(unbroken.data, out, within=watched(full))
    assert process.wait() == 3
    assert (
        "checkpoint-000010.safetensors: error: cannot be written: No space left on device (" in process.said()
    )
    assert "MB needed, " in process.said()
    assert not list(out.glob(".*.tmp"))
    resumed(unbroken, out)


def test_K04_a_run_that_keeps_trying_goes_on_to_the_next_checkpoint(
    unbroken: Unbroken, tmp_path: Path
) -> None:
    def full(name: str, on: Any) -> None:
        if name == "write" and on[0].name.endswith(".tmp") and ninth.exists() and not told:
            told.append(on[0])
            raise OSError(28, "No space left on device")

    out, told = tmp_path / "run", []  # type: ignore[var-annotated]
    ninth = out / "checkpoint-000009.safetensors"
    process = start(unbroken.data, out, "--keep-trying", within=watched(full))
    assert process.wait() == 0, process.said()
    assert "error: cannot be written: No space left on device (" in process.said()
    assert "training goes on" in process.said()
    assert differences(out, unbroken.out) == []


def test_a_run_begun_by_an_earlier_version_is_told(unbroken: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "checkpoint.safetensors").write_bytes(b"x")
    process = start(unbroken.data, out)
    assert process.wait() == 3
    assert "checkpoint.safetensors: error: is of an earlier version of this program" in process.said()


def test_a_run_keeps_as_many_older_checkpoints_as_was_asked_for(unbroken: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(unbroken.data, out, "--keep", "3", before=at_iteration(9, send(signal.SIGTERM)))
    assert process.wait() == 75
    assert [path.name[11:17] for path in found_in(out)] == ["000009", "000008", "000007", "000006"]
