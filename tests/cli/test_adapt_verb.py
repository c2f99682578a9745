"""Story. Oracle: what a person types and reads; files before and after, and the network's own figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from darknet_py.graph.compile import compile
from darknet_py.model.api import load
from darknet_py.model.weights import save_weights
from tests.command import Cli
from tests.model.adapt.networks import filled, net

CONV = "convolutional filters={} size=3 pad=1 activation=leaky"
BASE = (CONV.format(4), CONV.format(6), "convolutional filters=16 size=1 activation=linear")
YOLO = "yolo mask=0,1 num=2 anchors=10,14,23,27 classes={}"


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """A folder with a.cfg and a.weights, a detector of three classes."""
    document = net(*BASE, YOLO.format(3))
    (tmp_path / "a.cfg").write_text(str(document))
    save_weights(filled(compile(document)), tmp_path / "a.weights", seen=640)
    return tmp_path


def test_the_ledger_is_printed_and_the_weights_are_written(cli: Cli, start: Path) -> None:
    a, b, weights, new = (start / name for name in ("a.cfg", "b.cfg", "a.weights", "b.weights"))
    cli("edit", a, "--insert-after", "0", "spp sizes=3,5", "-o", b)
    found = cli("adapt", weights, "--from", a, "--to", b, "-o", new)
    assert found.printed().splitlines()[1:] == [
        "preserving: the outputs are the same; measured difference 0 of the greatest value",
        "    A ->  B   layer           what            floats    carried       zero        cut",
        "    1 ->   2   convolutional   grown              654        222        432          0",
        "2 layers copied as they are, 224 floats",
        "446 of 878 floats carried over (50.80 %)",
    ]
    image = torch.rand(1, 3, 16, 16)
    before, after = load(a, weights)(image), load(b, new)(image)
    assert torch.allclose(before[0], after[0], atol=1e-6)
    assert new.read_bytes()[12:20] == weights.read_bytes()[12:20], "the number of images seen"


def test_json_has_every_layer_and_every_tensor(cli: Cli, start: Path) -> None:
    a, weights = start / "a.cfg", start / "a.weights"
    found = json.loads(cli("adapt", weights, "--from", a, "--to", f"{a}@0.filters=5", "--json").printed())
    assert found["preserving"] is True
    assert found["difference"] == 0
    assert found["reasons"] == []
    keys = ("to", "from", "what", "floats", "carried", "zero", "cut")
    assert [[layer[key] for key in keys] for layer in found["layers"]] == [
        [0, 0, "grown", 140, 112, 0, 0],
        [1, 1, "grown", 276, 222, 54, 0],
        [2, 2, "copied", 112, 112, 0, 0],
    ]
    tensors = {tensor["name"]: tensor for tensor in found["layers"][0]["tensors"]}
    weights_of = tensors["weights"]
    assert (weights_of["what"], weights_of["floats"], weights_of["carried"]) == ("grown", 135, 108)
    assert (weights_of["zero"], weights_of["initialised"], weights_of["cut"]) == (0, 27, 0)
    assert not list(start.glob("b.*")), "without -o nothing is written"


def test_classes_are_matched_by_the_names_next_to_the_files(cli: Cli, start: Path) -> None:
    a, b, weights = start / "a.cfg", start / "b.cfg", start / "a.weights"
    b.write_text(str(net(*BASE[:2], "convolutional filters=14 size=1 activation=linear", YOLO.format(2))))
    command = ("adapt", weights, "--from", a, "--to", b)
    assert "classes start anew" in cli(*command).printed()
    (start / "a.names").write_text("cat\ndog\ncow\n")
    (start / "b.names").write_text("Cow\nbird\n")
    assert "1 of 2 classes by name" in cli(*command).printed()
    names = start / "c.names"
    names.write_text("dog\ncat\n")
    assert "2 of 2 classes by name" in cli(*command, "--to-names", names).printed()
    assert "has 2 names; the network has 3 classes" in cli(*command, "--from-names", names).err


def test_a_guess_is_refused_and_map_decides(cli: Cli, start: Path) -> None:
    a, b, weights, new = (start / name for name in ("a.cfg", "b.cfg", "a.weights", "b.weights"))
    twice = net(CONV.format(4), CONV.format(4), BASE[2])
    a.write_text(str(twice))
    save_weights(filled(compile(twice)), weights)
    cli("edit", a, "--insert-after", "1", CONV.format(4), "-o", b)
    command = ("adapt", weights, "--from", a, "--to", b, "-o", new)
    refused = cli(*command)
    assert refused.code == 2
    assert "--map 1=1 or --map 1=2 decides" in refused.err
    assert not new.exists()
    assert cli(*command, "--map", "1=2").code == 0
    assert new.exists()


def test_files_that_cannot_be_read_or_written_have_one_message(cli: Cli, start: Path) -> None:
    a, weights = start / "a.cfg", start / "a.weights"
    before = weights.read_bytes()
    cases = {
        "is the file that is read": (2, ("-o", weights)),
        "there is no such folder to write to": (2, ("-o", start / "none" / "b.weights")),
        "A has no layer '99'": (2, ("--map", "99=1")),
        "invalid choice": (2, ("--adapt", "half")),
    }
    for message, (code, options) in cases.items():
        found = cli("adapt", weights, "--from", a, "--to", a, *options)
        assert (found.code, message in found.err) == (code, True), found.err
    weights.write_bytes(before[:-4])
    found = cli("adapt", weights, "--from", a, "--to", a, "-o", start / "b.weights")
    assert found.code == 3
    assert "ends inside layer 2" in found.err
    assert not (start / "b.weights").exists()
