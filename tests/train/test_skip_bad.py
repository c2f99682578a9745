"""Story: damaged images in trainings, evaluations and comparisons: refused before, left out, or met later.

Oracle of what is met later: the run of the same files that was not interrupted, and a single loader.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darknet_py.cfg.document import must_parse, read
from darknet_py.errors import DataError
from darknet_py.files.digest import sha256_of
from darknet_py.graph.compile import compile
from darknet_py.model.network import Network
from darknet_py.model.weights import save_weights
from darknet_py.train.loop import TrainingLoop
from darknet_py.train.run.unread import KEY
from tests.command import Cli
from tests.data.verify.test_run import cut, put_set

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def spoil(folder: Path, number: int, *, split: str = "train") -> Path:
    """Replace an image by a PNG whose header and end are right, and whose pixels are damaged."""
    path = folder / "images" / split / f"{number}.jpg"
    Image.fromarray(PIXELS).save(path, "PNG")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    return path


def log_lines(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("verb", ["train", "compare", "eval"])
def test_a_damaged_image_is_refused_before_anything_is_written(
    verb: str, cli: Cli, tiny_cfg: Callable[..., str], tmp_path: Path
) -> None:
    data, cfg = put_set(tmp_path / "set"), tiny_cfg()
    bad = cut(tmp_path / "set/images/val/1.jpg")
    save_weights(Network(compile(must_parse(read(cfg)))), tmp_path / "a.weights")
    words = {
        "train": ("--cfg", cfg, "--data", data, "--out", tmp_path / "run"),
        "compare": (cfg, "--data", data, "--out", tmp_path / "run"),
        "eval": ("--cfg", cfg, "--weights", tmp_path / "a.weights", "--data", data),
    }[verb]
    before = sorted(tmp_path.rglob("*"))
    found = cli(verb, *words, "--json")
    assert found.code == 3
    assert (
        f"1 of {3 if verb == 'eval' else 9} images cannot be read\n  {bad}: is a damaged image" in found.err
    )
    assert "--skip-bad 1 goes on without them" in found.err
    assert json.loads(found.out)["unreadable"][0]["image"] == str(bad)
    assert sorted(tmp_path.rglob("*")) == before
    skipped = cli(verb, *words, "--json", "--skip-bad", "40%")
    assert skipped.code == 0, skipped.err
    assert "images cannot be read, and are left out" in skipped.err
    if verb == "eval":
        assert json.loads(skipped.out)["images"] == 2
    else:
        result = next((tmp_path / "run").rglob("result.json"))
        assert json.loads(result.read_text())["data"]["skipped"] == {"train": 0, "val": 1}
    if verb == "compare":
        report = (tmp_path / "run" / "report.md").read_text()
        assert "Images of val that cannot be read, and were left out: 1." in report


def test_an_image_that_turns_out_to_be_damaged_is_replaced_counted_and_bounded(
    cli: Cli, tiny_cfg: Callable[..., str], tmp_path: Path
) -> None:
    data, bad = put_set(tmp_path / "set"), spoil(tmp_path / "set", 2)
    train = ("train", "--cfg", tiny_cfg(max_batches=6), "--data", data, "--json")
    stopped = cli(*train, "--out", tmp_path / "stopped")
    assert stopped.code == 3, "passes the look, and nothing may be skipped"
    assert "2.jpg: error: is a damaged image" in stopped.err
    assert "--skip-bad 1 goes on without it, with --resume from the last checkpoint" in stopped.err
    digests = []
    for workers in (0, 2):
        run = tmp_path / f"workers-{workers}"
        found = cli(*train, "--out", run, "--skip-bad", "1", "--workers", workers)
        assert found.code == 0, found.err
        assert json.loads(found.out)["data"]["skipped"] == {"train": 1, "val": 0}
        (line,) = (line for line in log_lines(run) if KEY in line)
        assert (line[KEY], "is a damaged image" in str(line["reason"])) == (str(bad), True)
        digests.append(sha256_of(run / "final.weights"))
    assert digests[0] == digests[1], "the same image stands in for it"
    spoil(tmp_path / "set", 4)
    found = cli(*train, "--out", tmp_path / "two", "--skip-bad", "1")
    assert found.code == 3
    assert "; it is image 2 that cannot be decoded, and 1 may be\n" in found.err
    assert "Traceback" not in found.err


def test_a_run_that_met_a_damaged_image_resumes_to_the_same_bits(
    cli: Cli, tiny_cfg: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, cfg = put_set(tmp_path / "set"), tiny_cfg(max_batches=8)
    spoil(tmp_path / "set", 2)
    words = ("train", "--cfg", cfg, "--data", data, "--skip-bad", "1", "--checkpoint-seconds", "0", "--json")
    assert cli(*words, "--out", tmp_path / "whole").code == 0
    iterate = TrainingLoop.iterate

    def failing(loop: TrainingLoop, iteration: int, *rest: object) -> object:
        if iteration == 5:
            raise DataError("the disk is gone")
        return iterate(loop, iteration, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(TrainingLoop, "iterate", failing)
    assert cli(*words, "--out", tmp_path / "run").code == 3
    monkeypatch.setattr(TrainingLoop, "iterate", iterate)
    resumed = cli(*words, "--out", tmp_path / "run", "--resume")
    assert resumed.code == 0, resumed.err
    assert json.loads(resumed.out)["data"]["skipped"] == {"train": 1, "val": 0}
    assert len([line for line in log_lines(tmp_path / "run") if KEY in line]) == 1, "logged once"
    assert sha256_of(tmp_path / "run/final.weights") == sha256_of(tmp_path / "whole/final.weights")
