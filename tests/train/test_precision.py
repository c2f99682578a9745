"""Property. Oracle: the same updates in float32; that nothing moves where a gradient overflows.

The IDs in the names are of the project's catalogue of errors: T is training.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.errors import NotFinite
from darknet_py.graph.compile import compile
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.runs.checkpoints import found_in
from darknet_py.train.precision import MAX_OVERFLOWS
from darknet_py.train.step import Trainer
from tests.train.small_run import Unbroken, at_iteration, differences, send, start
from tests.train.small_trainer import CFG, load_trainer, position, save_trainer, state, update

UNCOUNTED = ("num_batches_tracked", "scaling.")


def half(updates: int = 0, *, precision: str = "float16") -> Trainer:
    network = Network(compile(parse(CFG.format(net="batch=2"))))
    initialise(network, seed=0)
    trainer = Trainer(network, precision=precision)
    scaled(trainer, 2.0**8)  # that none of these gradients overflows, as some do with torch's first scale
    for iteration in range(1, updates + 1):
        update(trainer, iteration)
    return trainer


def scaled(trainer: Trainer, scale: float) -> None:
    scaler = trainer.scaler.scaler
    scaler.load_state_dict({**scaler.state_dict(), "scale": scale})


def overflowing(trainer: Trainer) -> None:
    """A scale that no gradient of float16 can bear."""
    scaled(trainer, 2.0**60)


def moved(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {k for k in before if before[k] != after[k] and not any(word in k for word in UNCOUNTED)}


def test_weights_are_float32s_within_float16s_precision() -> None:
    begin, exact, found = half(0), half(10, precision="float32"), half(10)
    triples = [t.network.parameters() for t in (begin, exact, found)]
    for first, wanted, got in zip(*triples, strict=True):
        assert got.dtype == torch.float32
        assert (wanted - first).abs().max() > 1e-4, "something was learnt"
        assert torch.allclose(got - first, wanted - first, rtol=0.02, atol=2e-4)
    assert found.scaler.skipped == 0


def test_small_gradients_are_lost_without_a_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what float16 cannot hold becomes zero, unless it is scaled."""
    tiny = torch.tensor([1e-9])
    assert tiny.half() == 0
    assert half().scaler.scale(tiny).half() > 0


def test_T03_an_overflow_is_left_out_counted_and_halves_the_scale() -> None:
    trainer = half(2)
    scaled(trainer, 2.0**30)
    before = state(trainer)
    update(trainer, 3)
    assert moved(before, state(trainer)) == set()
    assert (trainer.scaler.skipped, trainer.scaler.scaler.get_scale()) == (1, 2.0**29)
    for iteration in range(4, 24):
        update(trainer, iteration)
        if not trainer.scaler.in_a_row:
            break
    assert moved(before, state(trainer)), "small enough in the end"
    assert trainer.scaler.skipped > 1


def test_T03_too_many_in_a_row_end_the_training() -> None:
    trainer = half(2)
    before = state(trainer)
    for iteration in range(3, 3 + MAX_OVERFLOWS):
        overflowing(trainer)
        update(trainer, iteration)
    overflowing(trainer)
    with pytest.raises(
        NotFinite, match=rf"overflowed float16 in {MAX_OVERFLOWS + 1} updates, one after the other"
    ):
        update(trainer, 3 + MAX_OVERFLOWS)
    assert moved(before, state(trainer)) == set()


def test_T03_scale_and_counts_are_part_of_a_checkpoint(tmp_path: Path) -> None:
    trainer, other = half(2), half(1)
    overflowing(trainer)
    update(trainer, 3)
    save_trainer(tmp_path / "a.safetensors", trainer, position(3))
    load_trainer(tmp_path / "a.safetensors", other, position(3))
    assert state(trainer) == state(other)
    assert other.scaler.skipped == other.scaler.in_a_row == 1
    for one in (trainer, other):
        update(one, 4)
    assert state(trainer) == state(other)


def test_T03_a_run_in_float16_killed_and_resumed_ends_as_the_unbroken_one(
    unbroken: Unbroken, tmp_path: Path
) -> None:
    words = ("--precision", "float16")
    whole, out = tmp_path / "whole", tmp_path / "run"
    process = start(unbroken.data, whole, *words)
    assert process.wait() == 0, process.said()
    assert start(unbroken.data, out, *words, before=at_iteration(9, send(signal.SIGKILL))).wait() == -9
    assert found_in(out)[0].name == "checkpoint-000008.safetensors"
    assert start(unbroken.data, out, *words).wait() == 0
    assert differences(out, whole) == []
    assert "scaling.scale" in str(differences(whole, unbroken.out)), "and is none in float32"
