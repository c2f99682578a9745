"""Story. Trainings that start from the weights of another cfg; the files of the run's folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from darknet_py.graph.compile import compile
from darknet_py.model.api import load
from darknet_py.model.network import Network
from darknet_py.model.weights import save_weights
from tests.command import Cli
from tests.model.adapt.networks import filled, net

DATA = "scenes:train=4,val=2,size=96"
CONV = "convolutional filters={} size=3 stride=2 pad=1 activation=leaky"
YOLO = "yolo mask=0,1 num=2 anchors=10,14,23,27 classes={}"


def detector(classes: int, *middle: str) -> str:
    head = f"convolutional filters={2 * (5 + classes)} size=1 activation=linear", YOLO.format(classes)
    return str(net(CONV.format(4), *middle, CONV.format(6), *head, size=64)).replace(
        "channels=3", "channels=3\nbatch=2\nmax_batches=1\nlearning_rate=1e-30"
    )


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with cfgs, and weights of a.cfg, whose classes are known."""
    monkeypatch.chdir(tmp_path)
    Path("a.cfg").write_text(detector(2))
    Path("b.cfg").write_text(detector(2, "spp sizes=3,5"))
    Path("c.cfg").write_text(detector(2, "convolutional filters=4 size=1 activation=leaky"))
    save_weights(filled(compile(load("a.cfg").graph.document)), Path("a.weights"))
    Path("a.names").write_text("ring\nstar\n")
    return tmp_path


def words(verb: str, *cfgs: str) -> list[str]:
    named = ["--cfg", *cfgs] if verb == "train" else list(cfgs)
    return [verb, *named, "--data", DATA, "--out", "run", "--recipe", "darknet", "--evaluations", "1"]


def test_a_training_starts_from_what_was_carried_over(cli: Cli, start: Path) -> None:
    Path("run").mkdir()
    Path("run/adapt.json").write_text("of a run that was refused")
    found = cli(*words("train", "b.cfg"), "--weights", "a.weights", "--weights-cfg", "a.cfg")
    assert found.code == 0, found.err
    ledger = json.loads(Path("run/adapt.json").read_text())
    assert [layer["what"] for layer in ledger["layers"]] == ["copied", "grown", "grown"]
    assert ledger["layers"][2]["note"] == "2 of 8 classes by name"
    assert "floats carried over" in Path("run/adapt.txt").read_text()
    before, after = load("a.cfg", "a.weights"), load("run/net.cfg", "run/final.weights")
    weights = after.layers[2].conv.weight
    assert torch.equal(weights[:, 8:], before.layers[1].conv.weight)
    assert weights[:, :8].abs().max() < 1e-6
    classes = Path("run/net.names").read_text().split()
    old, new = (network.layers[at].conv.weight for network, at in ((before, 2), (after, 3)))
    assert torch.equal(new[[5 + classes.index("ring"), 5 + classes.index("star")]], old[[5, 6]])
    assert torch.equal(new[:5], old[:5]), "boxes and objectness"


def test_a_comparison_reports_how_much_of_each_variant_was_carried_over(cli: Cli, start: Path) -> None:
    options = ("--weights", "a.weights", "--weights-cfg", "a.cfg", "--seeds", "1")
    found = cli(*words("compare", "a.cfg", "b.cfg", "c.cfg"), *options)
    assert found.code == 0, found.err
    report = json.loads(Path("run/report.json").read_text())
    assert [one["name"] for one in report["carried"]] == ["a", "b", "c"]
    shares = [one["share"] for one in report["carried"]]
    assert shares[0] > shares[2] > shares[1]
    assert "layer 1 [convolutional]" in report["carried"][2]["why"]
    assert "| carried over |" in Path("run/report.md").read_text()
    assert "First weights" in Path("run/report.html").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--weights-cfg", "a.cfg"], "there is no --weights"),
        (["--weights", "a.weights", "--adapt", "copy"], "add --weights-cfg"),
        (["--weights", "a.weights", "--map", "1=1"], "add --weights-cfg"),
        (["--weights", "a.weights", "--weights-cfg", "a.cfg", "--partial", "1"], "give one of them"),
    ],
)
def test_options_that_need_each_other_are_checked(
    cli: Cli, start: Path, options: list[str], message: str
) -> None:
    found = cli(*words("train", "b.cfg"), *options)
    assert (found.code, message in found.err) == (2, True), found.err
    assert not Path("run").exists()


def test_a_guess_is_refused_before_any_variant_is_trained(cli: Cli, start: Path) -> None:
    same = "convolutional filters=4 size=3 pad=1 activation=leaky"
    Path("a.cfg").write_text(detector(2, same))
    Path("d.cfg").write_text(detector(2, same, same))
    save_weights(filled(compile(load("a.cfg").graph.document)), Path("a.weights"))
    options = ("--weights", "a.weights", "--weights-cfg", "a.cfg")
    found = cli(*words("compare", "a.cfg", "d.cfg"), *options)
    assert (found.code, "would be a guess" in found.err) == (2, True), found.err
    assert not Path("run").exists()
    found = cli(*words("train", "d.cfg"), *options, "--map", "1=2")
    assert found.code == 0, found.err


def test_another_cfg_of_the_weights_is_another_run(cli: Cli, start: Path) -> None:
    from dataclasses import replace

    from darknet_py.data.formats.registry import open_data
    from darknet_py.train.carrying import WeightsSource
    from darknet_py.train.settings import Settings, TrainingPlan

    data = open_data(DATA, split="train")
    graph = Network.from_cfg("b.cfg").graph
    plan = TrainingPlan(graph, data, data, start, "b", DATA, settings=Settings(weights=Path("a.weights")))
    plans = [plan] + [
        replace(plan, settings=replace(plan.settings, source=source))
        for source in (WeightsSource("a.cfg"), WeightsSource("b.cfg"), WeightsSource("a.cfg", "copy"))
    ]
    found = [plan.fingerprint() for plan in plans]
    assert all(found[i] != found[j] for i in range(4) for j in range(i))
    assert "weights cfg" not in found[0], "runs of earlier versions go on"
