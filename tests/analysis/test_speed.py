"""Story. Oracle: the engines themselves, and what each process was asked to do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from darknet_py import load
from darknet_py.analysis.speed.drawn_weights import write_drawn
from darknet_py.analysis.speed.engines import greatest_difference
from darknet_py.analysis.speed.race import Rounds, race
from tests.analysis.programs import Doubling, Dying, Failing, NotInstalled

CFG = """[net]
width=16
height=16
channels=3
[convolutional]
batch_normalize=1
filters=14
size=3
pad=1
stride=2
activation=leaky
[convolutional]
filters=14
activation=linear
[yolo]
mask=0,1
anchors=4,4, 8,8
num=2
classes=2
"""
ROWS = {
    "engine", "version", "ms", "ms_least", "ms_greatest", "ratio", "difference", "start_s", "first_s",
    "peak_mb",
}  # fmt: skip


@pytest.fixture
def cfg(tmp_path: Path) -> Path:
    path = tmp_path / "net.cfg"
    path.write_text(CFG)
    return path


def test_programs_take_turns_and_those_that_fail_say_why() -> None:
    images = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    starts = {"good": Doubling(), "missing": NotInstalled(), "failing": Failing(), "dying": Dying()}
    found = race(starts, images, Rounds(3, 0.01))
    np.testing.assert_array_equal(found["good"].outputs[0], 2 * images)
    assert len(found["good"].turns_s) == 3
    assert 0 < found["good"].call_s < found["good"].start_s
    assert found["good"].peak_bytes > 10e6 or not sys.platform.startswith("linux")
    assert {name: result.why for name, result in found.items()} == {
        "good": "",
        "missing": "the package is not installed\n   = pip installs it",
        "failing": "ValueError: a shape",
        "dying": "its process ended with code 7",
    }


def test_bench_times_every_engine(cfg: Path, cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darknet_py.analysis.speed.engines.ENGINES", ("auto", "onnxruntime", "torch"))
    words = ["bench", str(cfg), "--batch", "2", "--rounds", "2", "--turn", "0.01"]
    found = json.loads(cli(*words, "--json").printed())
    assert found["input"] == [2, 3, 16, 16]
    assert found["missing"] == {}
    assert {row["engine"] for row in found["engines"]} == {"onnxruntime", "torch"}
    for row in found["engines"]:
        assert row.keys() == ROWS
        assert 0 < row["ms_least"] <= row["ms"] <= row["ms_greatest"]
        assert row["difference"] < 1e-5
    assert found["engines"][0]["ratio"] == 1


def test_bench_refuses_weights_that_do_not_fit_once(cfg: Path, tmp_path: Path, cli) -> None:
    weights = tmp_path / "net.weights"
    write_drawn(load(str(cfg)).graph, weights)
    weights.write_bytes(weights.read_bytes()[:-4])
    done = cli("bench", str(cfg), "--weights", str(weights))
    assert done.code == 3
    assert done.err.count("error") == 1
    assert "ends inside layer 1" in done.err


def test_drawn_weights_are_read_and_keep_the_scale_of_maps(tmp_path: Path) -> None:
    graph, weights = load(CFG).graph, tmp_path / "drawn.weights"
    write_drawn(graph, weights)
    assert weights.stat().st_size == 20 + 4 * graph.cost.parameters
    assert 0.5 < float(load(CFG, weights).layers[0].conv.weight.detach().std()) / np.sqrt(2 / 27) < 1.5


def test_a_difference_is_a_share_of_each_maps_greatest_value() -> None:
    reference = [np.array([1.0, -4.0]), np.array([100.0])]
    assert greatest_difference([np.array([1.0, -4.4]), np.array([101.0])], reference) == pytest.approx(0.1)
    assert greatest_difference(reference, []) is None
