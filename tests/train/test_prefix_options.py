"""Story. `train --train-from` as it is typed. Oracle: a run that was never stopped, and the messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.model.weights import save_weights
from darknet_py.train import loop
from tests.command import Cli
from tests.model.adapt.networks import filled
from tests.train.small_run import CFG, pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures, and the small run's network with weights."""
    found = pictures(tmp_path_factory.mktemp("prefix") / "data", train=12)
    save_weights(filled(compile(parse(CFG))), found / "small.weights")
    return found


def words(folder: Path, *more: str) -> list[str]:
    given = ["--cfg", f"{folder}/small.cfg", "--data", f"{folder}/set.data", "--out", "run"]
    return ["train", *given, "--recipe", "darknet", "--evaluations", "1", *more]


REFUSED = {
    "no such layer": (["--train-from", "6"], "--train-from 6 is no layer to begin with\n", "layers 1 to 5"),
    "layer 0": (["--train-from", "0"], "--train-from 0 freezes no layer", "leave it out"),
    "only a head": (["--train-from", "5"], "--train-from 5 leaves no weights to train", "earlier layer"),
    "auto": (["--train-from", "auto"], "is the first layer in which variants", "name a layer"),
    "--compile": (
        ["--train-from", "3", "--compile"], "--compile compiles complete networks", "leave --compile out",
    ),
    "a word": (["--train-from", "spp"], "'spp' is not the number of a layer", ""),
    "random numbers": (
        ["--train-from", "4", "--partial", "3"], "freeze random numbers: --partial 3 reads no weights of",
        "give --partial 4 or more",
    ),
    "--versions alone": (["--versions", "2"], "--versions is for --train-from N", ""),
    "--keep-maps alone": (["--keep-maps", "0"], "--keep-maps is for --train-from N", ""),
    "a size": (["--train-from", "3", "--keep-maps", "2 pounds"], "'2 pounds' is not a size", ""),
    "a folder of nothing": (
        ["--train-from", "3", "--keep-maps", "0", "--maps-dir", "m"], "--keep-maps 0 keeps none", ""
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_nonsense_is_refused_with_what_to_do(
    case: str, cli: Cli, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    more, message, hint = REFUSED[case]
    found = cli(*words(folder, "--weights", f"{folder}/small.weights", *more))
    assert found.code == 2
    assert message.strip() in found.err
    assert hint in found.err
    assert "Traceback" not in found.err
    assert not Path("run").exists()


def test_without_weights_there_is_nothing_to_freeze(
    cli: Cli, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = cli(*words(folder, "--train-from", "3"))
    assert found.code == 2
    assert "and there is no --weights" in found.err
    assert not Path("run").exists()


def test_a_stopped_run_resumes_to_the_bit_with_and_without_some_of_its_maps(
    cli: Cli, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["--weights", f"{folder}/small.weights", "--train-from", "3", "--versions", "2"]
    assert cli(*words(folder, *options)).code == 0
    whole = Path("run/final.weights").read_bytes()
    update = loop.TrainingLoop.iterate

    def stop(self: loop.TrainingLoop, iteration: int, *rest: object) -> object:
        flags = update(self, iteration, *rest)
        flags.stop = flags.stop or iteration == 13
        return flags

    options += ["--maps-dir", "maps"]
    Path("run").rename("whole")
    with monkeypatch.context() as patch:
        patch.setattr(loop.TrainingLoop, "iterate", stop)
        assert cli(*words(folder, *options)).code == 75
    kept = sorted(path for path in Path("maps").glob("*/*"))
    for number, path in enumerate(kept):  # some are lost, and some are damaged
        if number % 3 == 0:
            path.unlink()
        if number % 3 == 1:
            path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert cli(*words(folder, *options, "--resume")).code == 0
    assert Path("run/final.weights").read_bytes() == whole
    assert len(list(Path("maps").glob("*/*"))) == 2 * 12 + 3
