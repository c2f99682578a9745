"""Oracle: the run on the same data before its classes were put in another order. Kind: story.

The rate is so low that the weights, which are known, find the squares to the end.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from darknet_py import train
from darknet_py.errors import DataError
from darknet_py.model.api import load
from darknet_py.runs.checkpoints import found_in
from darknet_py.train import loop
from darknet_py.train.settings import Settings
from tests.command import Cli, Outcome
from tests.train.colour_squares import AP, CFG, COLOURS, coco, detector, picture, yolo

PLAIN = dict(enumerate(COLOURS, start=1))
SWAPPED = {1: "green", 2: "red", 3: "blue"}
NOTE = "classes: val lists the 3 classes in another order than train: matched by name\n"


@dataclass(frozen=True)
class Runs:
    """Trains in `root`, and reads what was written."""

    root: Path
    cli: Cli
    options: Sequence[object]

    def train(self, name: str, data: Path, *more: object, options: Sequence[object] | None = None) -> Outcome:
        words = ("--recipe", "darknet", "--evaluations", 1, "--checkpoint-seconds", 0, "--cache", "none")
        given = self.options if options is None else options
        return self.cli("train", *given, "--data", data, "--out", self.root / name, *words, *more)

    def result(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / name / "result.json").read_text())
        return found

    def names(self, name: str, file: str = "final.names") -> list[str]:
        return (self.root / name / file).read_text().split()


@pytest.fixture
def runs(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setattr("darknet_py.report.run_plot.draw_run", lambda folder: folder / "curves.png")
    (tmp_path / "first").mkdir()
    return Runs(tmp_path, cli, detector(tmp_path / "first", names=None))


def test_val_in_another_order_is_trained_and_scored_as_in_that_of_train(runs: Runs) -> None:
    quiet = runs.train("a", coco(runs.root / "plain", train=PLAIN, val=PLAIN))
    noted = runs.train("b", coco(runs.root / "swapped", train=PLAIN, val=SWAPPED))
    assert (quiet.code, noted.code) == (0, 0)
    assert "classes:" not in quiet.out
    assert NOTE in noted.out
    before, after = runs.result("a"), runs.result("b")
    assert after["scores"] == before["scores"]
    assert after["scores"]["per_class"] == pytest.approx(AP)
    assert after["training"]["best"] == before["training"]["best"]
    assert after["data"]["classes"] == runs.names("b") == runs.names("b", "net.names") == list(COLOURS)
    for file in ("best.weights", "final.weights"):
        assert (runs.root / "b" / file).read_bytes() == (runs.root / "a" / file).read_bytes()
    rows = json.loads((runs.root / "b" / "detections.json").read_text())
    sure = [row["category_id"] for row in rows if row["score"] > 0.5]
    assert (sure.count(1), sure.count(2), sure.count(3)) == (3, 1, 4)  # of green, red, blue in val's file


def test_a_class_that_val_has_alone_is_refused_before_anything_is_written(runs: Runs) -> None:
    data = coco(runs.root / "data", train={1: "red", 2: "green", 3: "cyan"}, val=PLAIN)
    done = runs.train("a", data)
    assert done.code == 3
    assert done.err == (
        "val: error: 1 of its 3 classes is not in train\n"
        "   only in train (1) | only in val (1)\n"
        "   cyan              | blue (4 boxes)\n"
        "   in both: 2 classes (`red`, `green`)\n"
        "   = both splits need the same names; `darknet-py data check` examines them\n"
    )
    assert not (runs.root / "a").exists()


def test_a_class_that_val_lacks_keeps_its_output(runs: Runs) -> None:
    done = runs.train("a", coco(runs.root / "data", train=PLAIN, val={9: "blue", 4: "green "}))
    assert "classes: val lacks 1 class (`red`) of train\n" in done.out
    scores = runs.result("a")["scores"]
    assert scores["per_class"] == {
        "red": None, "green": pytest.approx(AP["green"]), "blue": pytest.approx(1.0)
    }  # fmt: skip
    assert runs.names("a") == list(COLOURS)


def test_first_weights_with_names_in_another_order_keep_their_outputs(runs: Runs) -> None:
    (runs.root / "first" / "final.names").write_text("red\ngreen\nblue\n")
    done = runs.train("a", yolo(runs.root / "data", ("blue", "red", "green")))
    names = runs.root / "first" / "final.names"
    assert f"classes: train lists the 3 classes in another order than {names}: matched by name\n" in done.out
    assert NOTE in done.out
    assert runs.result("a")["scores"]["per_class"] == pytest.approx(AP)
    assert runs.names("a") == list(COLOURS)


def test_names_of_first_weights_can_be_given(runs: Runs) -> None:
    (runs.root / "obj.names").write_text("red\ngreen\nblue\n")
    data = yolo(runs.root / "data", ("blue", "red", "green"))
    assert runs.train("a", data, "--names", runs.root / "obj.names").code == 0
    assert runs.result("a")["scores"]["per_class"] == pytest.approx(AP)
    (runs.root / "obj.names").write_text("red\ngreen\n")
    done = runs.train("b", data, "--names", runs.root / "obj.names")
    assert "obj.names: error: has 2 names; the network has 3 classes" in done.err


def test_first_weights_with_other_names_are_refused_unless_their_heads_are_left_out(runs: Runs) -> None:
    names = runs.root / "first" / "final.names"
    names.write_text("cat\ndog\nemu\n")
    cfg = CFG.replace("[conv", "[maxpool]\nsize=1\nstride=1\n[conv")
    (runs.root / "first" / "net.cfg").write_text(cfg)
    data = yolo(runs.root / "data")
    done = runs.train("a", data)
    assert done.code == 3
    assert done.err.startswith(f"train: error: 3 of its 3 classes are not in {names}\n")
    assert done.err.endswith(
        "   no class is in both\n   = --partial 1 reads the layers before the outputs alone; "
        "--names FILE gives the classes of --weights in their order\n"
    )
    assert not (runs.root / "a").exists()
    assert runs.train("a", data, "--partial", 1).code == 0
    names.write_text("cat\ndog\n")  # of another number of classes: no head of theirs fits
    assert runs.train("b", data).code == 0


def stop_at_the_end(runs: Runs, name: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DataError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(loop, "finish_run", refuse)
        assert runs.train(name, data).code == 3
    assert found_in(runs.root / name)


def test_a_run_is_resumed_with_its_classes_in_the_order_that_it_began_with(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at_the_end(runs, "a", yolo(runs.root / "data"), monkeypatch)
    data = yolo(runs.root / "data", ("blue", "red", "green"))
    done = runs.train("a", data, "--resume")
    assert done.code == 0, done.err
    names = runs.root / "a" / "net.names"
    assert f"classes: train lists the 3 classes in another order than {names}: matched by name\n" in done.out
    assert runs.names("a") == list(COLOURS)
    assert runs.result("a")["scores"]["per_class"] == pytest.approx(AP)


def test_a_run_is_not_resumed_with_other_classes(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_at_the_end(runs, "a", yolo(runs.root / "data"), monkeypatch)
    (runs.root / "data" / "classes.txt").write_text("red\nteal\nblue\n")
    done = runs.train("a", runs.root / "data", "--resume")
    assert done.code == 3
    assert "train: error: 1 of its 3 classes is not in " in done.err
    assert "   = a run goes on with the classes that it began with; name another --out" in done.err
    assert runs.names("a", "net.names") == list(COLOURS)


def test_a_comparison_goes_on_with_its_classes_in_the_order_that_it_began_with(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("darknet_py.report.api.write_report", lambda out: out)
    monkeypatch.setattr("darknet_py.compare.experiment.measure_latencies", lambda *_, **__: None)
    monkeypatch.setattr("darknet_py.compare.experiment.draw_samples", lambda *_: None)

    def compare(data: Path, seeds: int) -> Outcome:
        cfg, weights = (runs.root / "first" / name for name in ("net.cfg", "final.weights"))
        words = ("--recipe", "darknet", "--evaluations", 1, "--seeds", seeds, "--cache", "none", "-o")
        out = runs.root / "out"
        out.mkdir(exist_ok=True)
        (out / "report.json").write_text('{"verdicts": []}')
        options = ("--weights", weights, "--data", data, "--out", out, *words, runs.root / "report.json")
        return runs.cli("compare", cfg, f"{cfg}@1.num=1", *options)

    assert compare(coco(runs.root / "data", train=PLAIN, val=SWAPPED), 1).code == 0
    done = compare(coco(runs.root / "data", train=SWAPPED, val=PLAIN), 2)
    assert done.code == 0, done.err
    assert "[2/4] net@1.num=1, seed 0: finished before" in done.err
    assert "[4/4] net@1.num=1, seed 1: trained" in done.err
    assert "classes: train lists the 3 classes in another order than " in done.err
    results = sorted((runs.root / "out").glob("runs/*/*/result.json"))
    found = [json.loads(path.read_text()) for path in results]
    assert [one["data"]["classes"] for one in found] == [list(COLOURS)] * 4
    assert [one["scores"]["per_class"] for one in found] == [pytest.approx(AP)] * 4
    assert len({one["data"]["fingerprint"] for one in found}) == 1


def test_images_of_one_class_each_are_matched_with_the_names_of_the_weights(runs: Runs) -> None:
    for split in ("train", "val"):
        for colour in COLOURS:
            (runs.root / "data" / split / f"a {colour}").mkdir(parents=True)
            squares = [(colour, x, y, True) for x in range(4) for y in range(4)]
            picture(squares).save(runs.root / "data" / split / f"a {colour}" / "1.png")
    cfg = CFG.partition("[yolo]")[0].replace("filters=8", "filters=3").replace("size=8", "size=1")
    (runs.root / "class.cfg").write_text(f"{cfg}[avgpool]\n[softmax]\n")
    from darknet_py.model.weights import save_weights

    network = load(runs.root / "class.cfg")
    with torch.no_grad():
        for parameter in network.parameters():  # the bias of each class, and its own channel
            parameter.copy_(torch.eye(3).reshape(3, 3, 1, 1) if parameter.ndim == 4 else torch.zeros(3))
    save_weights(network, runs.root / "class.weights")
    (runs.root / "class.names").write_text("A Red\na green\na blue\n")
    options = ("--cfg", runs.root / "class.cfg", "--weights", runs.root / "class.weights")
    done = runs.cli("eval", *options, "--data", runs.root / "data", "--json")
    assert json.loads(done.out)["per_class"] == {"a red": 1.0, "a green": 1.0, "a blue": 1.0}
    assert runs.train("a", runs.root / "data", options=options).code == 0
    assert (runs.root / "a" / "final.names").read_text() == "a red\na green\na blue\n"
    assert runs.result("a")["scores"]["top1"] == 1.0


def test_the_python_call_matches_classes_as_the_command_does(runs: Runs) -> None:
    data = coco(runs.root / "data", train=SWAPPED, val=PLAIN)
    (runs.root / "first" / "final.names").write_text("red\ngreen\nblue\n")
    settings = Settings(weights=runs.root / "first" / "final.weights", recipe="darknet", evaluations=1)
    result = train(runs.root / "first" / "net.cfg", str(data), runs.root / "a", settings=settings)
    assert result["scores"]["per_class"] == pytest.approx(AP)
    assert result["data"]["classes"] == list(COLOURS)
