"""Property. Oracle: what the same processes leave when nothing breaks them, to the bit, and what each says.

The IDs in the names are of the project's catalogue of errors: X is distributed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from darknet_py.data.loader.sampler import Sampler
from darknet_py.distributed.communicator import Communicator
from darknet_py.runs.checkpoints import found_in
from darknet_py.tasks.detection import DetectionTask
from darknet_py.train.ema import LateAverage
from darknet_py.train.run import checkpointing
from darknet_py.train.run.batches import BatchSource
from darknet_py.train.step import Trainer
from tests.distributed.rank_run import Together, gone_on, start_ranks, unbroken_in_ranks
from tests.train.file_operations import watched
from tests.train.small_run import (
    Action,
    Unbroken,
    at_iteration,
    differences,
    finished,
    in_,
    poisoned_at,
    send,
    start,
    stopped_at,
)

KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def pair(unbroken: Unbroken, tmp_path_factory: pytest.TempPathFactory) -> Unbroken:
    return unbroken_in_ranks(unbroken, tmp_path_factory.mktemp("communicator"), 2)


def broken(whole: Unbroken, out: Path, *, size: int, kills: int, draw: random.Random, workers: int) -> int:
    """Run to the end through up to so many kills, each of one process at a random time; how many hit."""
    hit = 0
    while not finished(out):
        seldom = ("--rank-timeout", "10")  # of one that waits for another, killed before they met
        together = start_ranks(whole.data, out, "--workers", str(workers), *seldom, size=size)
        if hit < kills:
            time.sleep(draw.uniform(0.02, whole.seconds))
            draw.choice(together.processes).kill()
        codes = together.wait()
        assert codes == [0] * size or KILLED in codes, together.said()
        hit += KILLED in codes
    return hit


def survive(whole: Unbroken, folder: Path, *, size: int, kills: int, workers: int) -> None:
    """Runs of one to three kills each, until there were `kills`; every one must end as the unbroken one."""
    draw, hit, runs = random.Random(workers), 0, 0
    while hit < kills:
        runs += 1
        out = folder / f"run-{runs}"
        most = min(draw.randint(1, 3), kills - hit)
        hit += broken(whole, out, size=size, kills=most, draw=draw, workers=workers)
        assert differences(out, whole.out) == [], f"run {runs} of {workers} workers, after {hit} kills"
    print(f"\n{size} processes, {workers} workers: {hit} kills, {runs} runs, {runs} identical, 0 lost")


@pytest.mark.parametrize("workers, kills", [(0, 2), (1, 1)])
def test_X01_two_processes_of_which_one_is_killed_end_as_if_nothing_had_been(
    pair: Unbroken, tmp_path: Path, workers: int, kills: int
) -> None:
    survive(pair, tmp_path, size=2, kills=kills, workers=workers)


def test_X01_three_processes_add_in_the_same_order_after_a_kill(unbroken: Unbroken, tmp_path: Path) -> None:
    """Of three the order of a sum shows in its bits, unlike of two."""
    batch = ("--set", "net.batch=6")
    whole = unbroken_in_ranks(unbroken, tmp_path, 3, *batch)
    out = tmp_path / "run"
    together = start_ranks(unbroken.data, out, *batch, size=3, on={2: at_iteration(8, send(signal.SIGKILL))})
    assert together.wait()[2] == KILLED, together.said()
    assert start_ranks(unbroken.data, out, *batch, size=3).wait() == [0, 0, 0]
    assert differences(out, whole.out) == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("size, workers, kills", [(2, 0, 50), (2, 1, 50), (3, 0, 20)])
def test_X01_many_kills(unbroken: Unbroken, tmp_path: Path, size: int, workers: int, kills: int) -> None:
    if size == 3:
        (tmp_path / "data").mkdir()
        for path in unbroken.data.iterdir():
            (tmp_path / "data" / path.name).write_bytes(path.read_bytes())
        text = (tmp_path / "data" / "small.cfg").read_text().replace("batch=4", "batch=6")
        (tmp_path / "data" / "small.cfg").write_text(text)
        unbroken = Unbroken(tmp_path / "data", unbroken.out, unbroken.seconds)
    whole = unbroken_in_ranks(unbroken, tmp_path, size)
    survive(whole, tmp_path, size=size, kills=kills, workers=workers)


def _momentum_kept_by_the_first_alone() -> None:
    """The others go on without what the checkpoint holds of the optimiser."""
    real = checkpointing.broadcast_state

    def broadcast(communicator: Communicator, *rest: Any) -> dict[str, torch.Tensor]:
        found = real(communicator, *rest)
        optimizer = () if communicator.first else [key for key in found if key.startswith("optimizer.")]
        return {key: tensor for key, tensor in found.items() if key not in optimizer}

    checkpointing.broadcast_state = broadcast
    checkpointing.check_same_state = lambda *_: None


def _statistics_of_each_alone() -> None:
    Communicator.mean = lambda self, tensors: None  # type: ignore[method-assign]
    checkpointing.check_same_state = lambda *_: None


@pytest.mark.parametrize(
    "error, part",
    [(_momentum_kept_by_the_first_alone, "network."), (_statistics_of_each_alone, "network.layers.0.norm")],
    ids=["momentum", "statistics"],
)
def test_control_processes_that_resume_with_something_else_are_found_out(
    pair: Unbroken, tmp_path: Path, error: Action, part: str
) -> None:
    out = tmp_path / "run"
    stop = at_iteration(9, send(signal.SIGTERM))
    assert start_ranks(pair.data, out, on={1: stop}).wait() == [75, 75]
    assert start_ranks(pair.data, out, on={0: error, 1: error}).wait() == [0, 0]
    assert any(name.startswith(part) for name in differences(out, pair.out))


def test_X01_the_first_process_killed_within_a_save_leaves_the_checkpoint_before(
    pair: Unbroken, tmp_path: Path
) -> None:
    out, contexts = tmp_path / "run", contextlib.ExitStack()

    def die_in_a_write(name: str, on: Any) -> None:
        if (
            name == "write"
            and on[0].name.endswith(".tmp")
            and (out / "checkpoint-000006.safetensors").exists()
        ):
            on[0].write(on[1][:20])
            on[0].flush()
            send(signal.SIGKILL)()

    def before() -> None:
        contexts.enter_context(watched(die_in_a_write))

    together = start_ranks(pair.data, out, on={0: before})
    assert together.wait() == [KILLED, 3], together.said()
    assert list(out.glob(".*.tmp")), "it was in the midst of a file"
    stopped_at(out, 6)
    assert "error: another process ended without reporting an error" in together.said()[1]
    gone_on(pair, out)


def raises(error: BaseException) -> Action:
    def act() -> None:
        raise error

    return act


def all_report_once(together: Together, text: str, *, by: int) -> None:
    """One process reports, in one message; the others end silently."""
    assert [text in said for said in together.said()] == [rank == by for rank in range(2)], together.said()
    assert len(together.errors()) == 1, together.errors()


@pytest.mark.parametrize(
    "place", [(DetectionTask, "loss"), (LateAverage, "update"), (BatchSource, "to_device")]
)
def test_X02_the_cause_is_reported_by_the_process_that_met_it(
    pair: Unbroken, tmp_path: Path, place: tuple[Any, str]
) -> None:
    out = tmp_path / "run"
    together = start_ranks(pair.data, out, on={1: in_(*place, raises(KeyError("the cause")))})
    codes = together.wait()
    assert codes[0] == 1, "which ends silently"
    all_report_once(together, "KeyError: 'the cause'", by=1)
    assert "Traceback" not in together.said()[0]


def test_X02_a_damaged_image_in_the_share_of_one_is_reported_once(pair: Unbroken, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(pair.data, data)
    for name in ("train.list", "valid.list", "set.data"):
        (data / name).write_text((data / name).read_text().replace(str(pair.data), str(data)))
    bad = data / "valid-2.png"
    bad.write_bytes(bad.read_bytes()[:200])
    together = start_ranks(data, tmp_path / "run")
    assert together.wait() in ([1, 3], [3, 1])
    assert "".join(together.said()).count("valid-2.png: ") == 1, together.said()
    assert not (tmp_path / "run").exists(), "images are read to their ends before the first iteration"


def test_X02_what_all_meet_is_reported_once(pair: Unbroken, tmp_path: Path) -> None:
    together = start_ranks(pair.data, tmp_path / "run", "--set", "net.subdivisions=4")
    assert together.wait() == [2, 1]
    all_report_once(together, "[net] batch=4 is not a multiple of 2 processes x 4 subdivisions", by=0)
    assert not (tmp_path / "run").exists()


def test_X03_a_process_that_hangs_ends_the_job(pair: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "run"
    hang = at_iteration(5, lambda: time.sleep(600))
    together = start_ranks(pair.data, out, "--rank-timeout", "5", on={1: hang})
    began = time.monotonic()
    assert together.processes[0].wait() == 3
    assert time.monotonic() - began < 30
    text = together.processes[0].said()
    assert "error: another process did not answer for 5 seconds" in text
    together.processes[1].kill()  # as torchrun does
    assert together.wait() == [3, KILLED]
    stopped_at(out, 4)


@pytest.mark.parametrize("rank, number", [(0, signal.SIGTERM), (1, signal.SIGINT)])
def test_X04_a_signal_to_one_process_stops_all_with_one_checkpoint(
    pair: Unbroken, tmp_path: Path, rank: int, number: int
) -> None:
    out, seldom = tmp_path / "run", ("--checkpoint-seconds", "1000")
    together = start_ranks(pair.data, out, *seldom, on={rank: in_(Trainer, "_check", send(number))})
    assert together.wait() == [75, 75], together.said()
    all_report_once(together, f"{out}: stopped: after iteration 7 of 24, on request", by=0)
    assert [path.name for path in found_in(out)] == ["checkpoint-000007.safetensors"]
    gone_on(pair, out)


def test_X04_processes_whose_loaders_are_ended_with_them_stop_at_one_place(
    pair: Unbroken, tmp_path: Path
) -> None:
    """As torchrun stops them: it signals the whole group of each process."""
    out = tmp_path / "run"

    def act() -> None:
        os.killpg(os.getpid(), signal.SIGTERM)
        time.sleep(0.3)  # for the loaders to end

    together = start_ranks(pair.data, out, "--workers", "1", on={1: at_iteration(5, act)})
    assert together.wait() == [75, 75], together.said()
    assert len(together.errors()) == 1, together.errors()
    gone_on(pair, out, "--workers", "1")


def test_X06_what_is_not_finite_in_one_process_stops_all_before_the_update(
    pair: Unbroken, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    together = start_ranks(pair.data, out, on={1: poisoned_at(6)})
    assert together.wait() == [4, 4], together.said()
    all_report_once(together, "; an image is not finite, with image /", by=1)
    stopped_at(out, 5)
    gone_on(pair, out)


@pytest.mark.parametrize("rank", [0, 1])
def test_X06_out_of_memory_in_one_process_stops_all(pair: Unbroken, tmp_path: Path, rank: int) -> None:
    out = tmp_path / "run"
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    together = start_ranks(pair.data, out, on={rank: in_(DetectionTask, "loss", raises(error), call=15)})
    codes = together.wait()
    assert (codes[rank], codes[1 - rank]) == (5, 1), together.said()
    all_report_once(together, "error: out of memory", by=rank)
    stopped_at(out, 7)


def test_X07_a_process_killed_while_the_first_saves_costs_nothing(pair: Unbroken, tmp_path: Path) -> None:
    """The file is complete before the first process learns that the other is gone."""
    out = tmp_path / "run"
    together = start_ranks(
        pair.data, out, on={1: in_(checkpointing, "check_same_state", send(signal.SIGKILL), after=True)}
    )
    assert together.wait() == [3, KILLED], together.said()
    stopped_at(out, 7)
    assert list(out.glob("*.lock")) == list(out.glob(".*.tmp")) == []


def test_X07_a_process_killed_after_the_last_update_leaves_a_whole_result(
    pair: Unbroken, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    last = in_(checkpointing, "check_same_state", send(signal.SIGKILL), after=True, call=25)
    together = start_ranks(pair.data, out, on={1: last})
    assert together.wait() == [3, KILLED], together.said()
    assert finished(out)
    assert differences(out, pair.out) == []


def noting_samples(folder: Path, iteration: int) -> Action:
    """What makes a run write down what each update is of, and asks it to stop at an iteration."""

    def before() -> None:
        at_iteration(iteration, send(signal.SIGTERM))()
        real = Trainer.step

        def step(self: Trainer, *args: Any, **keys: Any) -> float:
            with (folder / f"{self.communicator.size}-{self.communicator.rank}").open("a") as file:
                file.write(json.dumps([keys["iteration"], keys["samples"]]) + "\n")
            return real(self, *args, **keys)

        Trainer.step = step  # type: ignore[method-assign]

    return before


def test_X08_another_number_of_processes_is_refused_unless_it_is_allowed(
    pair: Unbroken, tmp_path: Path
) -> None:
    out, allow = tmp_path / "run", ("--allow-changed", "world-size")
    until_9, until_16, on = (noting_samples(tmp_path, iteration) for iteration in (9, 16, 0))
    assert start_ranks(pair.data, out, on={0: until_9, 1: until_9}).wait() == [75, 75]
    refused = start(pair.data, out)
    assert refused.wait() == 3
    assert "would not go on to the same bits: world-size was 2 and is 1" in refused.said()
    assert "--allow-changed world-size goes on all the same, and every iteration draws the" in refused.said()
    assert start(pair.data, out, *allow, before=until_16).wait() == 75
    assert start_ranks(pair.data, out, *allow, on={0: on, 1: on}).wait() == [0, 0]
    seen: dict[int, list[int]] = {}
    for name in ("2-0", "2-1", "1-0"):
        for line in (tmp_path / name).read_text().splitlines():
            iteration, samples = json.loads(line)
            seen.setdefault(iteration, []).extend(samples)
    assert seen == {k: [draw.index for draw in Sampler(40, 4, 0, 64, 64).draws(k)] for k in range(1, 25)}


@pytest.mark.parametrize(
    "words, text",
    [
        (("--seed", "4"), "seed differ"),
        (("--set", "net.momentum=0.8"), "cfg differ"),
        (("--seed", "4", "--precision", "bfloat16"), "precision, seed differ"),
    ],
    ids=["seed", "cfg", "two"],
)
def test_X10_processes_of_different_trainings_are_refused(
    pair: Unbroken, tmp_path: Path, words: tuple[str, ...], text: str
) -> None:
    together = start_ranks(pair.data, tmp_path / "run", words={1: words})
    assert together.wait() == [2, 2], together.said()
    all_report_once(together, f"error: processes 0 and 1 are of different trainings: {text}", by=0)
    assert not (tmp_path / "run").exists()


def test_X10_other_data_and_another_program_are_refused(pair: Unbroken, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(pair.data, data)
    lines = (data / "train.list").read_text().splitlines(keepends=True)
    (data / "train.list").write_text("".join(lines[:-1]))
    (data / "set.data").write_text((data / "set.data").read_text().replace(str(pair.data), str(data)))

    def other_program() -> None:
        checkpointing.code_digest = lambda: "of an edited file"

    words = {1: ("--data", str(data / "set.data"))}
    together = start_ranks(pair.data, tmp_path / "run", words=words, on={1: other_program})
    assert together.wait() == [2, 2], together.said()
    all_report_once(together, "are of different trainings: program, train data differ", by=0)


def test_X14_all_processes_hold_the_same_at_every_save(pair: Unbroken, tmp_path: Path) -> None:
    def before() -> None:
        real = checkpointing.check_same_state

        def check_same_state(communicator: Communicator, tensors: dict[str, torch.Tensor]) -> None:
            digest = hashlib.sha256()
            for key, tensor in sorted(tensors.items()):
                digest.update(key.encode() + tensor.numpy().tobytes())
            with (tmp_path / f"rank-{communicator.rank}").open("a") as file:
                file.write(digest.hexdigest() + "\n")
            real(communicator, tensors)

        checkpointing.check_same_state = check_same_state

    assert start_ranks(pair.data, tmp_path / "run", on={0: before, 1: before}).wait() == [0, 0]
    first, second = ((tmp_path / f"rank-{rank}").read_text() for rank in (0, 1))
    assert first == second
    assert len(set(first.split())) == 24


def test_X14_a_process_that_holds_other_bits_is_found_before_it_is_saved(
    pair: Unbroken, tmp_path: Path
) -> None:
    out = tmp_path / "run"

    def before() -> None:
        real, calls = checkpointing.check_same_state, iter(range(1, 100))

        def check_same_state(communicator: Communicator, tensors: dict[str, torch.Tensor]) -> None:
            if next(calls) == 5:
                weights = tensors["network.layers.0.conv.weight"]
                weights.view(torch.int32)[0, 0, 0, 0] ^= 1  # the last bit of one
            real(communicator, tensors)

        checkpointing.check_same_state = check_same_state

    together = start_ranks(pair.data, out, on={1: before})
    assert together.wait() == [3, 3], together.said()
    all_report_once(
        together, "error: processes 0 and 1 hold different numbers: network.layers.0.conv.weight\n", by=0
    )
    stopped_at(out, 4)
    gone_on(pair, out)
