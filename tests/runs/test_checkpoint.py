"""Property. Oracle: the state that was saved, and safetensors' own reader."""

from __future__ import annotations

import json
import logging
import os
import pickle
import re
import shutil
import struct
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from darknet_py.errors import CheckpointError, NotFinite
from darknet_py.files.atomic import publish_bytes
from darknet_py.losses.truths import Truths
from darknet_py.runs import checkpoint, checkpoints
from darknet_py.runs.checkpoint import Damaged
from darknet_py.runs.checkpoints import Checkpoints, found_in
from darknet_py.runs.environment import environment_of
from darknet_py.train.state import bytes_of, state_of
from tests.train.small_trainer import (
    IDENTITY,
    TRUTH,
    load_newest,
    load_trainer,
    position,
    save_trainer,
    state,
    trained,
    update,
    with_digest,
)

KINDS = {"sgd": "", "adam": "adam=1", "average": "ema_alpha=0.9\nmax_batches=4", "plain": "momentum=0"}
HERE = position()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_trainer(tmp_path / "c.safetensors", trained(0, 3), HERE)
    return tmp_path / "c.safetensors"


@pytest.mark.parametrize("net", KINDS.values(), ids=KINDS)
def test_what_is_loaded_goes_on_like_what_was_saved(net: str, tmp_path: Path) -> None:
    save_trainer(tmp_path / "c", trained(0, 3, net=net), HERE)
    whole, other = trained(0, 5, net=net), trained(9, 1, net=net)
    assert load_trainer(tmp_path / "c", other, HERE) == HERE
    assert state(other) == state(trained(0, 3, net=net))
    for iteration in (4, 5):
        update(other, iteration)
    assert state(other) == state(whole)


def test_every_state_of_the_optimiser_is_saved_by_the_name_of_its_parameter(tmp_path: Path) -> None:
    save_trainer(tmp_path / "c", trained(0, 3, net="adam=1"), HERE)
    keys = load_file(tmp_path / "c").keys()
    for name in ("exp_avg", "exp_avg_sq", "step"):
        assert f"optimizer.layers.1.conv.weight.{name}" in keys


def test_a_loaded_state_lies_in_memory_as_its_parameter_does(file: Path) -> None:
    other = trained(9, 0)
    load_trainer(file, other, HERE)
    for parameter, values in other.optimizer.state.items():
        assert values["momentum_buffer"].stride() == parameter.stride()


def test_any_reader_of_safetensors_reads_it(file: Path) -> None:
    trainer = trained(0, 3)
    found = load_file(file)
    for key, value in trainer.network.state_dict().items():
        assert torch.equal(found[f"network.{key}"], value), key
    with safe_open(file, framework="pt") as opened:
        about = json.loads(opened.metadata()["darknet-py"])
    assert about["iteration"] == 7
    assert about["fingerprint"] == HERE.fingerprint
    header = struct.unpack("<Q", file.read_bytes()[:8])[0]
    assert header % 8 == 0


def test_a_checkpoint_of_another_run_is_refused_and_says_what_differs(file: Path) -> None:
    trainer = trained(9, 0)
    before = state(trainer)
    with pytest.raises(CheckpointError, match="is of another run: seed differ"):
        load_trainer(file, trainer, position(fingerprint={"cfg": "abc", "seed": 2}))
    with pytest.raises(CheckpointError, match="is of another run: weights differ"):
        load_trainer(file, trainer, position(fingerprint={**HERE.fingerprint, "weights": "x"}))
    assert state(trainer) == before


def test_K09_another_environment_is_refused_unless_it_is_allowed(file: Path) -> None:
    trainer, there = trained(9, 0), position(environment={"torch": "3", "threads": 1})
    with pytest.raises(CheckpointError) as caught:
        load_trainer(file, trainer, there)
    assert str(caught.value) == (
        f"{file}: error: would not go on to the same bits: torch was 2 and is 3\n"
        "   = --allow-changed torch goes on all the same"
    )
    assert load_trainer(file, trainer, there, allow_changed=["torch"]).iteration == 7


def test_K09_three_sums_in_an_older_order_are_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    """Before torch added the gradients of several processes, a checkpoint named nobody who did."""
    assert "gradients" not in environment_of("cpu", processes=2)
    here = environment_of("cpu", processes=3)
    older = {key: value for key, value in here.items() if key != "gradients"}
    trainer, wanted = trained(9, 0), position(environment=here)
    save_trainer(tmp_path / "c", trained(0, 1), position(environment=older))
    with pytest.raises(CheckpointError, match="gradients was None and is DistributedDataParallel"):
        load_trainer(tmp_path / "c", trainer, wanted)
    assert load_trainer(tmp_path / "c", trainer, wanted, allow_changed=["gradients"]).iteration == 7


def test_K10_another_format_is_refused_with_both_numbers(file: Path) -> None:
    written = file.read_bytes()
    newer = written.replace(rb"\"format\": 3", rb"\"format\": 4")
    assert newer != written
    file.write_bytes(with_digest(newer))
    with pytest.raises(CheckpointError, match="has format 4; this program reads 3"):
        load_trainer(file, trained(0, 0), HERE)


def test_K10_missing_and_unknown_tensors_are_refused(tmp_path: Path) -> None:
    rich, poor = trained(0, 2, net="ema_alpha=0.9"), trained(0, 2)
    for name, (saved, loading) in {"unknown": (rich, poor), "missing": (poor, rich)}.items():
        save_trainer(tmp_path / name, saved, HERE)
        before = state(loading)
        with pytest.raises(CheckpointError, match=r"does not fit the network: 9 tensors .*ema\."):
            load_trainer(tmp_path / name, loading, HERE)
        assert state(loading) == before


class Canary(NamedTuple):
    path: Path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_K11_a_pickle_is_damage_and_never_run(tmp_path: Path) -> None:
    canary = tmp_path / "sang"
    (tmp_path / "c").write_bytes(pickle.dumps(Canary(canary)))
    with pytest.raises(Damaged):
        load_trainer(tmp_path / "c", trained(0, 0), HERE)
    torch.save({"a": Canary(canary)}, tmp_path / "d")
    with pytest.raises(Damaged):
        load_trainer(tmp_path / "d", trained(0, 0), HERE)
    assert not canary.exists()


def crafted(path: Path, text: str, **tensors: torch.Tensor) -> Path:
    """A complete file by a stranger, who knows how digests are made."""
    real = checkpoint.json.dumps
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(checkpoint.json, "dumps", lambda v, **k: text if k else real(v))
        path.write_bytes(b"".join(checkpoint._file({**state_of(trained(0, 1)), **tensors}, {})))
    checkpoint.check_digest(path)
    return path


GOOD = {"format": 3, "iteration": 7, "log_bytes": 1, "seconds": 1, "average": None, "best": None} | IDENTITY


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "has format None; this program reads 3"),
        ("[" * 100_000, "has format None"),
        ("[1]", "has format None"),
        ('{"format": 3}', "has no position that makes sense (iteration, log_bytes, seconds, average, "),
        (json.dumps(GOOD | {"iteration": "7"}), "has no position that makes sense (iteration"),
        (json.dumps(GOOD | {"iteration": -1}), "has no position that makes sense"),
        (json.dumps(GOOD | {"more": 1}), "has no position that makes sense (more"),
        (json.dumps(GOOD | {"fingerprint": []}), "has no position that makes sense (fingerprint"),
    ],
)
def test_K11_a_strangers_position_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=re.escape(message)):
        load_trainer(crafted(tmp_path / "c", text), trained(0, 0), HERE)


@pytest.mark.parametrize(
    "key, value",
    [
        ("network.layers.1.conv.bias", torch.zeros(6, dtype=torch.float64)),
        ("network.layers.1.conv.bias", torch.zeros(7)),
        ("optimizer.layers.1.conv.bias.momentum_buffer", torch.zeros(1)),
        ("optimizer.layers.9.conv.bias.momentum_buffer", torch.zeros(6)),
        ("stranger", torch.zeros(())),
    ],
)
def test_K11_a_strangers_tensor_is_refused_by_name(key: str, value: torch.Tensor, tmp_path: Path) -> None:
    assert load_trainer(crafted(tmp_path / "good", json.dumps(GOOD)), trained(0, 0), HERE).iteration == 7
    message = rf"does not fit the network: 1 tensors are missing or others \({re.escape(key)}\)"
    with pytest.raises(CheckpointError, match=message):
        load_trainer(crafted(tmp_path / "c", json.dumps(GOOD), **{key: value}), trained(0, 0), HERE)


@pytest.mark.parametrize("part", ["weights", "momentum", "average"])
def test_T02_a_state_that_is_not_finite_is_never_published(part: str, tmp_path: Path) -> None:
    trainer, out = trained(0, 3, net="ema_alpha=0.9\nmax_batches=4"), Checkpoints(tmp_path)
    first = out.save(state_of(trainer), position(3))
    weights = next(trainer.network.parameters())
    assert trainer.ema is not None
    poisoned = {
        "weights": weights,
        "momentum": trainer.optimizer.state[weights]["momentum_buffer"],
        "average": next(trainer.ema.parameters()),
    }
    with torch.no_grad():
        poisoned[part][0, 1, 2, 2] = torch.nan
    with pytest.raises(
        NotFinite, match=r"layers\.0\.conv\.weight.* is not finite; no checkpoint was written"
    ):
        out.save(state_of(trainer), position(4))
    assert found_in(tmp_path) == [first]


def test_reading_a_damaged_file_takes_no_more_memory_than_a_megabyte(tmp_path: Path) -> None:
    import tracemalloc

    with (tmp_path / "c").open("wb") as file:
        file.truncate(200_000_000)  # of zeros: a header of no bytes, then more than any header may be
    tracemalloc.start()
    with pytest.raises(Damaged):
        load_trainer(tmp_path / "c", trained(0, 0), HERE)
    assert tracemalloc.get_traced_memory()[1] < 3 * checkpoint.CHUNK
    tracemalloc.stop()


def folder_of(path: Path, *iterations: int, keep: int = 1) -> Checkpoints:
    out = Checkpoints(path, keep=keep)
    for iteration in iterations:
        out.save(state_of(trained(0, 1)), position(iteration))
    return out


def numbers(path: Path) -> list[int]:
    return [checkpoints._number(p) for p in found_in(path)]


@pytest.mark.parametrize("keep, left", [(0, [40]), (1, [40, 30]), (2, [40, 30, 20]), (9, [40, 30, 20, 10])])
def test_as_many_older_ones_are_kept_as_was_asked_for(keep: int, left: list[int], tmp_path: Path) -> None:
    folder_of(tmp_path, 10, 20, 30, 40, keep=keep)
    assert numbers(tmp_path) == left


def test_the_newest_is_the_one_of_the_highest_number_however_many_digits_it_has(tmp_path: Path) -> None:
    folder_of(tmp_path, 999_999, 1_000_000)
    found = load_newest(Checkpoints(tmp_path), trained(1, 0), HERE)
    assert found is not None
    assert found.iteration == 1_000_000


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def test_K05_a_damaged_newest_is_named_passed_over_and_removed_at_the_next_save(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder_of(tmp_path, 10, 20)
    damage(found_in(tmp_path)[0])
    out, trainer = Checkpoints(tmp_path), trained(1, 0)
    found = load_newest(out, trainer, HERE)
    assert found is not None
    assert found.iteration == 10
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING] == [
        f"{tmp_path}/checkpoint-000020.safetensors: warning: is damaged: its digest does not fit its "
        "contents; going on from checkpoint-000010.safetensors"
    ]
    out.save(state_of(trainer), position(25))
    assert numbers(tmp_path) == [25, 10]


@pytest.mark.parametrize("content", [b"", bytes(5000), b"x" * 31], ids=["empty", "zeros", "short"])
def test_K05_an_empty_a_zeroed_and_a_short_file_are_damaged(content: bytes, tmp_path: Path) -> None:
    folder_of(tmp_path, 10, 20)
    found_in(tmp_path)[0].write_bytes(content)
    found = load_newest(Checkpoints(tmp_path), trained(1, 0), HERE)
    assert found is not None
    assert found.iteration == 10


def test_where_all_are_damaged_nothing_begins_again_by_itself(tmp_path: Path) -> None:
    folder_of(tmp_path, 10, 20)
    for path in found_in(tmp_path):
        damage(path)
    with pytest.raises(CheckpointError) as caught:
        load_newest(Checkpoints(tmp_path), trained(1, 0), HERE)
    assert str(caught.value) == (
        f"{tmp_path}/checkpoint-000020.safetensors: error: is damaged: its digest does not fit its contents\n"
        "   = 2 found, none complete; without them the run starts again"
    )


def test_one_that_counts_on_lines_the_log_has_lost_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = Checkpoints(tmp_path)
    out.save(state_of(trained(0, 1)), position(10, log_bytes=100))
    out.save(state_of(trained(0, 1)), position(20, log_bytes=200))
    found = load_newest(Checkpoints(tmp_path), trained(1, 0), position(log_bytes=150))
    assert found is not None
    assert found.iteration == 10
    assert "counts on lines that the log has lost" in caplog.text


def test_one_of_an_earlier_version_is_told(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="is of an earlier version of this program") as caught:
        load_newest(Checkpoints(tmp_path), trained(1, 0), HERE)
    assert "delete it to start again" in str(caught.value)


def test_K06_strangers_in_the_folder_are_let_be_and_links_are_no_checkpoints(tmp_path: Path) -> None:
    folder_of(tmp_path, 10, 20, 30)
    (tmp_path / "notes.tmp").write_text("mine")
    (tmp_path / "checkpoint-000099.safetensors.bak").write_text("mine")
    (tmp_path / "checkpoint-000098.safetensors").mkdir()
    (tmp_path / "checkpoint-000097.safetensors").symlink_to(found_in(tmp_path)[0])
    os.mkfifo(tmp_path / "checkpoint-000096.safetensors")
    found = load_newest(Checkpoints(tmp_path), trained(1, 0), HERE)
    assert found is not None
    assert found.iteration == 30
    folder_of(tmp_path, 40)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "checkpoint-000030.safetensors",
        "checkpoint-000040.safetensors",
        "checkpoint-000096.safetensors",
        "checkpoint-000097.safetensors",
        "checkpoint-000098.safetensors",
        "checkpoint-000099.safetensors.bak",
        "notes.tmp",
    ]


def test_K07_a_checkpoint_that_cannot_be_removed_is_told_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder_of(tmp_path, 10, 20)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(OSError(1, "Not permitted")))
    folder_of(tmp_path, 30)
    assert numbers(tmp_path) == [30, 20, 10]
    assert "checkpoint-000010.safetensors: warning: cannot be removed: Not permitted" in caplog.text


def test_K15_a_disk_without_room_is_told_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    out, trainer = Checkpoints(tmp_path, keep=1), trained(0, 1)
    out.warn_of_space(bytes_of(trainer))
    assert not caplog.records
    monkeypatch.setattr(checkpoints.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    out.warn_of_space(bytes_of(trainer))
    assert f"{tmp_path}: warning: checkpoints will need some 0.0 MB, and 0.0 MB are free" in caplog.text


@pytest.mark.parametrize("net", KINDS.values(), ids=KINDS)
def test_K15_the_size_foretold_is_nearly_the_size(net: str, tmp_path: Path) -> None:
    out = Checkpoints(tmp_path)
    path = out.save(state_of(trained(0, 4, net=net)), HERE)
    header = struct.unpack("<Q", path.read_bytes()[:8])[0]
    found, told = path.stat().st_size - header, bytes_of(trained(0, 0, net=net))
    assert told <= found + 4 * 154  # a run without momentum is foretold too much: the parameters once more
    assert found - told < 300  # running statistics


def test_publishing_over_a_checkpoint_leaves_no_other_file(tmp_path: Path) -> None:
    folder_of(tmp_path, 10)
    folder_of(tmp_path, 10)
    publish_bytes(tmp_path / "net.cfg", b"[net]\n")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-000010.safetensors", "net.cfg"]


def test_statistics_settle_within_twenty_iterations() -> None:
    trainer = trained(0, 0)
    images = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    for iteration in range(1, 21):
        trainer.step(images, Truths.of([TRUTH] * 8), rate=0.0, iteration=iteration)
    block = trainer.network.layers[0]
    with torch.no_grad():
        map_ = block.conv(images)
    assert torch.allclose(block.norm.running_mean, map_.mean(dim=(0, 2, 3)), rtol=1e-4, atol=1e-6)
    assert torch.allclose(block.norm.running_var, map_.var(dim=(0, 2, 3)), rtol=1e-4)
