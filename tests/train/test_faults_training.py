"""Property. Oracle: the exit code and the message that each error must have, and the unbroken run's state.

The IDs in the names are of the project's catalogue of errors: T is training.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from darknet_py.data.formats.darknet.image_lists import DarknetLists
from darknet_py.data.formats.registry import open_data
from darknet_py.data.images import read as images
from darknet_py.data.loader.collate import Batch
from darknet_py.errors import DataError, NotFinite
from darknet_py.losses.truths import Truths
from darknet_py.runs.checkpoints import found_in
from darknet_py.tasks.detection import DetectionTask
from darknet_py.tasks.selection import task_of
from darknet_py.train.run import worker_errors as loading
from darknet_py.train.run.batches import DeviceBatch
from darknet_py.train.run.diagnose_nonfinite import diagnose_nonfinite
from darknet_py.train.run.stop_signals import StopSignals
from darknet_py.train.settings import source_of
from darknet_py.train.step import Trainer
from tests.train.small_run import (
    Action,
    Unbroken,
    at_iteration,
    differences,
    in_,
    pictures,
    poisoned_at,
    resumed,
    start,
)
from tests.train.small_trainer import TRUTH, state, trained

NAMES = ["a.png", "b.png", "c.png", "d.png"]
IMAGES = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def told(trainer: Trainer, images: torch.Tensor = IMAGES, truth: np.ndarray = TRUTH) -> str:
    """The message of a step that fails in its third image, with a proof that it changed nothing."""
    before, truths = state(trainer), Truths.of([TRUTH, TRUTH, truth, TRUTH])
    with pytest.raises(NotFinite) as caught:
        trainer.step(images, truths, rate=0.1, iteration=5, samples=range(4))
    batch = DeviceBatch(images, truths, tuple(range(4)))
    error, _ = diagnose_nonfinite(caught.value, trainer, batch, NAMES, 5)
    after = state(trainer)
    assert {k for k in before if before[k] != after[k]} <= {k for k in before if "num_batches" in k}
    assert all(parameter.grad is None for parameter in trainer.network.parameters())
    return error.message


STOPPED = "training stopped before the update"


def test_T01_an_image_that_is_not_finite_is_named_with_its_minibatch() -> None:
    bad = IMAGES.clone()
    bad[2, 0, 3, 3] = torch.nan
    message = f"the loss is not finite; {STOPPED}; an image is not finite, with images c.png, d.png"
    assert told(trained(0, 2, net="batch=4\nsubdivisions=2"), bad) == message
    assert told(trained(0, 2, net="batch=4\nsubdivisions=4"), bad).endswith("with image c.png")


def test_T01_the_first_layer_whose_map_is_not_finite_is_named() -> None:
    trainer = trained(0, 2)
    with torch.no_grad():
        trainer.network.layers[1].conv.bias[3] = torch.inf
    message = f"the loss is not finite; {STOPPED}; the map of layer 1 [convolutional] (cfg line 13) is not "
    assert told(trainer).startswith(message)


def test_T01_the_head_is_named_where_the_loss_itself_is_not_finite() -> None:
    truth = np.array([[0.5, 0.5, np.nan, 0.5, 0]])
    message = (
        f"the loss is not finite; {STOPPED}; the loss of layer 2 [yolo] (cfg line 16) is not finite, "
        "with images a.png, b.png, c.png, d.png"
    )
    assert told(trained(0, 2), truth=truth) == message


def test_T01_the_layer_nearest_to_the_loss_is_named_where_a_gradient_is_not_finite() -> None:
    trainer = trained(0, 2)
    trainer.network.layers[0].conv.weight.register_hook(lambda gradient: gradient * torch.inf)
    message = "; a gradient of layer 0 [convolutional] (cfg line 6) is not finite, with images a.png, "
    assert message in told(trainer)


def test_T01_a_run_that_diverges_stops_with_its_checkpoint_and_names_images(
    unbroken: Unbroken, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    process = start(unbroken.data, out, before=poisoned_at(6))
    assert process.wait() == 4
    text = next(line for line in process.said().splitlines() if line.startswith("error: "))
    assert text.startswith(f"error: the loss is not finite; {STOPPED}; an image is not finite, with images ")
    assert text.count("train-") == 2, "the second minibatch has two images"
    assert found_in(out)[0].name == "checkpoint-000005.safetensors"
    resumed(unbroken, out)


def test_T04_out_of_memory_is_told_and_the_checkpoint_stays_good(unbroken: Unbroken, tmp_path: Path) -> None:
    def act() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    out = tmp_path / "run"
    process = start(unbroken.data, out, before=in_(Trainer, "step", act, call=9))
    assert process.wait() == 5
    said = " ".join(process.said().split())
    assert "error: out of memory, with 2 images of " in said
    told = re.search(
        r" at once \(batch=4, subdivisions=2\); (\d+\.\d) GiB at most until now = more sub", said
    )
    assert told, said
    assert 0 < float(told[1]) < 20
    assert found_in(out)[0].name == "checkpoint-000008.safetensors"
    resumed(unbroken, out)


@pytest.mark.parametrize("count", [0, 1, 10_000])
def test_T05_no_boxes_and_very_many_leave_the_loss_finite(count: int) -> None:
    draw = np.random.default_rng(0)
    rows = np.concatenate([draw.uniform(0.05, 0.95, (count, 4)), np.zeros((count, 1))], axis=1)
    trainer = trained(0, 1)
    loss = trainer.step(IMAGES, Truths.of([rows] * 4), rate=0.001, iteration=2).loss
    assert np.isfinite(loss)
    assert all(torch.isfinite(parameter).all() for parameter in trainer.network.parameters())


def test_T06_a_class_that_no_head_has_never_reaches_the_loss(tmp_path: Path, unbroken: Unbroken) -> None:
    data = pictures(tmp_path / "data", train=3)
    (data / "train-1.txt").write_text("2 0.5 0.5 0.2 0.2\n")
    with pytest.raises(DataError, match=r"train-1\.txt"):
        DarknetLists(data / "set.data", split="train")
    (data / "names").write_text("red\ngreen\nblue\n")
    (data / "set.data").write_text((data / "set.data").read_text().replace("classes = 2", "classes = 3"))
    three = open_data(str(data / "set.data"), split="train")
    with pytest.raises(DataError, match="the data set has 3 classes, and layer 2 of the network 1"):
        DetectionTask(trained(0, 0).network.graph).check_data(three)


def digests(source: Iterator[Batch]) -> list[str]:
    found = []
    for batch in source:
        digest = hashlib.sha256(repr((batch.images.shape, batch.samples)).encode())
        for array in (batch.images.numpy(), *batch.rows):
            digest.update(np.ascontiguousarray(array).tobytes())
        found.append(digest.hexdigest())
    return found


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more loaders than cores, on purpose
def test_T07_samples_are_the_same_for_any_number_of_workers_and_from_any_iteration(
    unbroken: Unbroken, tmp_path: Path
) -> None:
    task = task_of(unbroken.plan(tmp_path).graph)
    whole = digests(source_of(unbroken.plan(tmp_path), task))
    assert len(set(whole)) == 24
    for workers in (1, 2, 4):
        assert digests(source_of(unbroken.plan(tmp_path, workers=workers), task)) == whole
    for first in (2, 11, 24):
        plan = unbroken.plan(tmp_path, workers=first % 2)
        assert digests(source_of(plan, task, first=first)) == whole[first - 1 :]


def loaders() -> list[int]:
    """Processes that this one has started."""
    task = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return [int(number) for number in task.read_text().split()]


LINUX = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are read from /proc")


@LINUX
def test_T08_a_loader_that_is_killed_is_told_and_leaves_no_orphan(unbroken: Unbroken, tmp_path: Path) -> None:
    def act() -> None:
        (tmp_path / "loaders").write_text(" ".join(map(str, loaders())))
        os.kill(loaders()[0], signal.SIGKILL)

    out = tmp_path / "run"
    process = start(unbroken.data, out, "--workers", "2", before=at_iteration(2, act))
    began = time.monotonic()
    assert process.wait(end_all=False) == 3, process.said()
    assert "error: DataLoader worker (pid" in process.said()
    assert "Traceback" not in process.said()
    assert "--resume goes on" in process.said()
    for number in (tmp_path / "loaders").read_text().split():
        while Path(f"/proc/{number}").exists() and " Z " not in Path(f"/proc/{number}/stat").read_text():
            assert time.monotonic() - began < 60
            time.sleep(0.1)
    resumed(unbroken, out)


def test_T08_what_a_loader_raises_is_told_as_it_is_told_without_loaders(
    unbroken: Unbroken, tmp_path: Path
) -> None:
    data = pictures(tmp_path / "data", train=12)
    (data / "train-7.png").write_bytes((data / "train-7.png").read_bytes()[:200])
    texts = []
    for workers in ("0", "2"):
        process = start(data, tmp_path / f"run-{workers}", "--workers", workers)
        assert process.wait() == 3, process.said()
        said = process.said()
        texts.append(said[said.index(str(data / "train-7.png")) :])
        assert "Traceback" not in said
    assert texts[0] == texts[1]


def test_T08_loaders_that_stand_still_are_told(unbroken: Unbroken, tmp_path: Path) -> None:
    def before() -> None:
        loading.PATIENCE, loading.STALLED = 2, 1
        real = images.read_image

        def slow(path: Path, *rest: object) -> np.ndarray:
            if path.name == "train-7.png":
                time.sleep(600)
            return real(path, *rest)

        from darknet_py.data.formats.darknet import image_lists
        from darknet_py.data.loader import collate

        collate.STALLED = 1
        image_lists.read_image = slow

    out = tmp_path / "run"
    process = start(unbroken.data, out, "--workers", "1", before=before)
    assert process.wait() == 3, process.said()
    assert (
        f"error: no image came for 2 seconds; {unbroken.data}/train-7.png was being read\n" in process.said()
    )
    resumed(unbroken, out)


def dying_of(name: str) -> Action:
    """Loaders that a picture kills, as it would by an error of its decoder."""

    def before() -> None:
        real = images.read_image

        def read(path: Path, *rest: object) -> np.ndarray:
            if path.name == name:
                signal.signal(signal.SIGSEGV, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGSEGV)
            return real(path, *rest)

        from darknet_py.data.formats.darknet import image_lists

        image_lists.read_image = read

    return before


@pytest.mark.parametrize("workers", ["1", "2"])
def test_D16_a_loader_that_a_picture_kills_is_told_with_the_picture(
    workers: str, unbroken: Unbroken, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    process = start(unbroken.data, out, "--workers", workers, before=dying_of("train-7.png"))
    assert process.wait() == 3, process.said()
    (told,) = [line for line in process.said().splitlines() if "error: " in line]
    assert told.endswith(f"; {unbroken.data}/train-7.png was being read")
    assert "DataLoader worker (pid" in told
    resumed(unbroken, out)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_D21_a_picture_that_vanishes_during_a_training_is_told_and_the_run_goes_on(
    workers: str, unbroken: Unbroken, tmp_path: Path
) -> None:
    data, out = pictures(tmp_path / "data"), tmp_path / "run"
    kept = (data / "train-7.png").read_bytes()
    gone = at_iteration(3, (data / "train-7.png").unlink)
    process = start(data, out, "--workers", workers, "--cache", "none", before=gone)
    assert process.wait() == 3, process.said()
    assert f"{data / 'train-7.png'}: error: " in process.said()
    assert "Traceback" not in process.said()
    assert found_in(out)
    (data / "train-7.png").write_bytes(kept)
    process = start(data, out, "--workers", workers, "--cache", "none")
    assert process.wait() == 0, process.said()
    assert differences(out, unbroken.out) == []


def test_D21_a_picture_that_was_changed_is_told_on_resuming(unbroken: Unbroken, tmp_path: Path) -> None:
    data, out = pictures(tmp_path / "data"), tmp_path / "run"
    assert start(data, out, before=at_iteration(9, lambda: os.kill(os.getpid(), 9))).wait() == -9
    Image.new("RGB", (70, 48)).save(data / "train-7.png")
    process = start(data, out)
    assert process.wait() == 3
    assert "is of another run: train data differ" in process.said()


def test_T08_a_pause_is_not_a_loader_that_stands_still() -> None:
    """Each batch comes late a few times, as after the whole program was stopped and went on."""

    class Late:
        def __init__(self) -> None:
            self.calls = 0

        def __iter__(self) -> Late:
            return self

        def __next__(self) -> int:
            self.calls += 1
            if self.calls > 60:
                raise StopIteration
            if self.calls % loading.PATIENCE:
                raise RuntimeError("DataLoader timed out after 5 seconds")
            return self.calls

    assert list(loading.batches_of_workers(Late(), StopSignals())) == [12, 24, 36, 48, 60]  # type: ignore[arg-type, comparison-overlap]
