"""Property. Oracle: the states that were saved, by iteration; what is loaded must be the newest complete one.

A save is stopped at each of its file operations: by an error, by SIGKILL, and by a loss of power that takes
what had not been synced. Files are truncated and bits flipped. Numbers of cases stand in the messages.
"""

from __future__ import annotations

import errno
import logging
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from darknet_py.errors import CheckpointError
from darknet_py.files.atomic import sweep
from darknet_py.runs import checkpoint
from darknet_py.runs.checkpoints import Checkpoints, found_in
from darknet_py.runs.log import Log
from darknet_py.train.state import state_of
from darknet_py.train.step import Trainer
from tests.train.file_operations import Countdown, watched
from tests.train.small_run import fork
from tests.train.small_trainer import load_newest, position, state, trained, update, with_digest


@pytest.fixture(scope="module")
def states() -> dict[int, Trainer]:
    return {iteration: trained(0, iteration) for iteration in (1, 2, 3)}


@pytest.fixture
def folder(tmp_path: Path, states: dict[int, Trainer]) -> Path:
    """With checkpoints 1 and 2; the save under test is of iteration 3."""
    path = tmp_path / "run"
    path.mkdir()
    for iteration in (1, 2):
        save(path, states, iteration)
    return path


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)  # one line a case
    yield
    logging.disable(logging.NOTSET)


def save(path: Path, states: dict[int, Trainer], iteration: int, *, keep: int = 1) -> None:
    """As the loop does: a line in the log, the log to the disk, the checkpoint."""
    log = Log(path / "log.jsonl")
    log.add({"iteration": iteration})
    log.sync()
    Checkpoints(path, keep=keep).save(state_of(states[iteration]), position(iteration, log_bytes=log.size()))


def loaded(path: Path, states: dict[int, Trainer], into: Trainer, *, keep: int = 1) -> int:
    """The iteration that is gone on from, 0 where there is none; asserts that it is that state to the bit."""
    size = Log(path / "log.jsonl").size()
    found = load_newest(Checkpoints(path, keep=keep), into, position(log_bytes=size))
    if found is None:
        return 0
    assert state(into) == state(states[found.iteration]), "loaded damaged"
    return found.iteration


def operations_of(folder: Path, states: dict[int, Trainer]) -> list[str]:
    countdown = Countdown(0, lambda: None)
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    with watched(countdown):
        save(copy, states, 3)
    shutil.rmtree(copy)
    return countdown.seen


def test_K03_a_save_syncs_before_it_renames_and_removes_last(
    folder: Path, states: dict[int, Trainer]
) -> None:
    seen = operations_of(folder, states)
    seen = [
        name for name, after in zip(seen, [*seen[1:], ""], strict=True) if (name, after) != ("write",) * 2
    ]
    log, checkpoint_, name, old = seen[:4], seen[4:9], seen[9:12], seen[12:]
    assert log == ["open", "write", "open", "fsync"]
    assert checkpoint_ == ["open", "write", "flush", "fsync", "replace"]
    assert name == ["open", "fsync", "close"]
    assert old == ["unlink"]


def stopped_everywhere(
    folder: Path, states: dict[int, Trainer], stop: Callable[[Path, int], object]
) -> list[int]:
    """A save stopped before each of its operations; what is loaded each time."""
    total, into, found = len(operations_of(folder, states)), trained(5, 0), []
    for at in range(1, total + 1):
        copy = folder.with_name(f"copy-{at}")
        shutil.copytree(folder, copy)
        stop(copy, at)
        found.append(loaded(copy, states, into))
        sweep(copy)
        assert not list(copy.glob(".*")), "temporary files are left"
        save(copy, states, 3)  # and the run goes on
        assert loaded(copy, states, into) == 3
        shutil.rmtree(copy)
    return found


def test_K02_killed_at_every_file_operation_of_a_save(folder: Path, states: dict[int, Trainer]) -> None:
    def kill(copy: Path, at: int) -> None:
        def action() -> None:
            with watched(Countdown(at, lambda: os.kill(os.getpid(), signal.SIGKILL))):
                save(copy, states, 3)

        assert fork(copy.with_name("process"), action).wait() == -signal.SIGKILL

    check_found(stopped_everywhere(folder, states, kill), "kills")


@pytest.mark.parametrize("error", ["ENOSPC", "EDQUOT", "EIO", "EFBIG"])
def test_K04_an_error_at_every_file_operation_of_a_save(
    error: str, folder: Path, states: dict[int, Trainer]
) -> None:
    number = getattr(errno, error)

    def fail(copy: Path, at: int) -> None:
        def act() -> None:
            raise OSError(number, os.strerror(number))

        errors = []
        try:
            with watched(Countdown(at, act)):
                save(copy, states, 3)
        except (CheckpointError, OSError) as error:  # an OSError is the log's
            errors = [str(error)]
        assert all(os.strerror(number) in error for error in errors), errors
        assert all("MB needed, " in error for error in errors if "checkpoint-" in error), errors
        assert not list(copy.glob(".*.tmp")), "a failure leaves no temporary file"

    check_found(stopped_everywhere(folder, states, fail), error)


def check_found(found: list[int], what: str) -> None:
    """The old one up to the rename, the new one after it; never another."""
    assert len(found) >= 25, found
    assert found == sorted(found), f"{len(found)} {what}: loaded {found}"
    assert set(found) == {2, 3}, f"{len(found)} {what}: loaded {found}, {found.count(0)} lost"


def test_K04_a_file_size_limit_of_the_system_is_told(folder: Path, states: dict[int, Trainer]) -> None:
    import resource

    def action() -> int:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
        try:
            save(folder, states, 3)
        except CheckpointError as told:
            return 7 if "File too large" in str(told) else 8
        return 9

    assert fork(folder.with_name("process"), action).wait() == 7
    assert loaded(folder, states, trained(5, 0)) == 2
    assert not list(folder.glob(".*"))


class Power:
    """A disk that keeps only what was synced: of a file its bytes, of a folder its names.

    A name that was not synced may last or not: both are tried.
    """

    def __init__(self, at: int) -> None:
        self.countdown = Countdown(at, self.fail)
        self.written: dict[str, int] = {}  # bytes synced of files that were written to
        self.open: list[Any] = []
        self.renamed: list[tuple[Path, Path]] = []

    def __call__(self, name: str, on: Any) -> None:
        self.countdown(name, on)
        if name == "write":
            self.written.setdefault(on[0].name, self.size(on[0].name))
            self.open = [on[0]]
        elif name == "fsync":
            self.sync(on[0])
        elif name == "replace":
            self.renamed.append(on)
            self.written[str(on[1])] = self.written.pop(str(on[0]))

    @staticmethod
    def size(name: str) -> int:
        return os.stat(name).st_size

    def sync(self, handle: int) -> None:
        name = os.readlink(f"/proc/self/fd/{handle}")
        if os.path.isdir(name):
            self.renamed.clear()
        else:
            self.written[name] = self.size(name)

    def fail(self) -> None:
        raise KeyboardInterrupt

    def take(self, *, names_too: bool) -> None:
        """Lose what a loss of power would."""
        for name, size in self.written.items():
            if os.path.exists(name):
                os.truncate(name, min(size, self.size(name)))
        if names_too:
            for _, new in self.renamed:
                new.unlink()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="names of open files are read from /proc")
@pytest.mark.parametrize("names_too", [False, True])
def test_K03_a_loss_of_power_at_every_file_operation_of_a_save(
    names_too: bool, folder: Path, states: dict[int, Trainer]
) -> None:
    def lose(copy: Path, at: int) -> None:
        power = Power(at)
        try:
            with watched(power):
                save(copy, states, 3)
        except KeyboardInterrupt:
            power.take(names_too=names_too)

    check_found(stopped_everywhere(folder, states, lose), "losses of power")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="names of open files are read from /proc")
@pytest.mark.parametrize("synced", [True, False])
def test_control_a_save_that_does_not_sync_loses_all_to_a_loss_of_power(
    synced: bool, folder: Path, states: dict[int, Trainer]
) -> None:
    power = Power(0)
    if not synced:
        power.sync = lambda handle: None  # type: ignore[method-assign]
    with watched(power):
        save(folder, states, 3, keep=0)
    power.take(names_too=True)
    assert (loaded(folder, states, trained(5, 0)) == 3) == synced


@pytest.mark.parametrize("writer", ["published", "plain"])
def test_control_a_plain_write_over_the_only_checkpoint_loses_it(
    writer: str, folder: Path, states: dict[int, Trainer]
) -> None:
    """The same kills, at every operation of a save over checkpoint 2 itself, one file and no older one."""
    for path in found_in(folder)[1:]:
        path.unlink()
    contents = found_in(folder)[0].read_bytes()

    def write(path: Path) -> None:
        if writer == "published":
            save(path, states, 2, keep=0)
            return
        with found_in(path)[0].open("wb") as file:
            for at in range(0, len(contents), 100):  # a checkpoint is written by the tensor
                file.write(contents[at : at + 100])

    countdown = Countdown(0, lambda: None)
    with watched(countdown):
        write(folder)
    lost = 0
    for at in range(1, len(countdown.seen) + 1):
        copy = folder.with_name(f"copy-{at}")
        shutil.copytree(folder, copy)

        def action(copy: Path = copy, at: int = at) -> None:
            with watched(Countdown(at, lambda: os.kill(os.getpid(), signal.SIGKILL))):
                write(copy)

        assert fork(copy.with_name("process"), action).wait() == -signal.SIGKILL
        try:
            assert loaded(copy, states, trained(5, 0)) == 2
        except CheckpointError:
            lost += 1
    assert (lost >= 10) if writer == "plain" else (lost == 0), f"{lost} of {len(countdown.seen)} lost"


def test_K05_every_truncation_is_passed_over(folder: Path, states: dict[int, Trainer]) -> None:
    newest, into = found_in(folder)[0], trained(5, 0)
    whole = newest.read_bytes()
    found = []
    for length in range(len(whole) - 1, -1, -1):
        os.truncate(newest, length)
        found.append(loaded(folder, states, into))
    assert found.count(1) == len(whole) > 2000, f"{len(found)} truncations, {found.count(2)} loaded damaged"
    newest.write_bytes(whole + b"\0")
    assert loaded(folder, states, into) == 1
    newest.write_bytes(whole)
    assert loaded(folder, states, into) == 2


def test_K05_a_flipped_bit_of_any_byte_is_passed_over(folder: Path, states: dict[int, Trainer]) -> None:
    newest, into, draw = found_in(folder)[0], trained(5, 0), random.Random(1)
    whole = newest.read_bytes()
    found = []
    with newest.open("r+b", buffering=0) as file:
        for place in range(len(whole)):
            bit = 1 << draw.randrange(8)
            os.pwrite(file.fileno(), bytes([whole[place] ^ bit]), place)
            found.append(loaded(folder, states, into))
            os.pwrite(file.fileno(), whole[place : place + 1], place)
    assert found.count(1) == len(whole) > 2000, f"{len(found)} flips, {found.count(2)} loaded damaged"
    assert loaded(folder, states, into) == 2


def test_control_flips_are_loaded_where_the_digest_fits_them(
    folder: Path, states: dict[int, Trainer]
) -> None:
    newest = found_in(folder)[0]
    contents = bytearray(newest.read_bytes())
    contents[-checkpoint.DIGEST_BYTES - 9] ^= 1
    newest.write_bytes(with_digest(contents))
    with pytest.raises(AssertionError, match="loaded damaged"):
        loaded(folder, states, trained(5, 0))


def test_K07_killed_at_every_removal_the_newest_and_as_many_as_asked_for_stay(
    folder: Path, states: dict[int, Trainer]
) -> None:
    """Four are there and one is to stay beside the newest."""
    for iteration in (1, 2, 3):
        save(folder, states, iteration, keep=9)
    for removals in (1, 2):
        copy = folder.with_name(f"copy-{removals}")
        shutil.copytree(folder, copy)
        left = [removals]

        def before(name: str, on: Any, left: list[int] = left) -> None:
            left[0] -= name == "unlink"
            if left[0] == 0:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt), watched(before):
            save(copy, states, 3, keep=0)
        assert len(found_in(copy)) == 4 - removals
        assert loaded(copy, states, trained(5, 0)) == 3


def test_a_trainer_that_was_loaded_goes_on(folder: Path, states: dict[int, Trainer]) -> None:
    into = trained(5, 0)
    assert loaded(folder, states, into) == 2
    update(into, 3)
    assert state(into) == state(states[3])
