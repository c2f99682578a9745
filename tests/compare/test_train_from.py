"""Story. Comparisons of the layers behind a shared prefix. Oracles: `train` alone; the structural diff."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from darknet_py.cfg.document import parse
from darknet_py.compare.common_prefix import first_difference
from darknet_py.edit.variant import compile_variant
from darknet_py.graph.compile import compile
from darknet_py.model.weights import save_weights
from tests.command import Cli
from tests.model.adapt.networks import filled

CONV = "[convolutional]\nbatch_normalize=1\nfilters={}\nsize=3\nstride={}\npad=1\nactivation=leaky\n"
CFG = (
    "[net]\nwidth=64\nheight=64\nchannels=3\nbatch=2\nmax_batches=3\nlearning_rate=0.001\n"
    + CONV.format(4, 4)
    + "[maxpool]\nsize=2\nstride=2\n"
    + CONV.format(6, 2)
    + "[maxpool]\nsize=3\nstride=1\n"
    + "[convolutional]\nfilters=26\nsize=1\nactivation=linear\n"
    + "[yolo]\nmask=0,1\nanchors=10,14, 23,27\nclasses=8\nnum=2\n"
)
DATA = "scenes:train=4,val=2,size=96"
POOLS = "net.cfg", "net.cfg@3.size=5", "net.cfg@3.section=avgpool,3.size=3,3.stride=1"


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a cfg and its weights."""
    monkeypatch.chdir(tmp_path)
    Path("net.cfg").write_text(CFG)
    save_weights(filled(compile(parse(CFG))), Path("net.weights"))
    return tmp_path


def words(*cfgs: str) -> list[str]:
    options = ["--data", DATA, "--out", "out", "--recipe", "darknet", "--evaluations", "1", "--seeds", "1"]
    return ["compare", *cfgs, "--weights", "net.weights", *options]


def test_variants_are_trained_from_the_first_layer_that_differs(cli: Cli, start: Path) -> None:
    found = cli(*words("net.cfg", "net.cfg@3.size=5"), "--train-from", "auto", "--versions", "2")
    assert found.code == 0, found.err
    assert "layers 0 to 2 are frozen with the weights of net.weights" in found.out
    assert "given this backbone: only layer 3 and those behind it were trained" in found.out
    plan = json.loads(Path("out/compare.json").read_text())
    assert plan["options"][-4:] == ["--train-from", "3", "--versions", "2"]
    report = json.loads(Path("out/report.json").read_text())
    weights = report["fingerprints"][0]["fingerprint"]["weights"]
    assert report["train_from"] == {"layer": 3, "versions": 2, "weights": weights}
    sentence = f"sha256 {weights[:12]}, the same for all variants. So this is about the variants given this"
    assert sentence in report["summary"]
    assert "given this backbone" in Path("out/report.md").read_text()
    assert "given this backbone" in Path("out/report.html").read_text()
    alone = ["train", "--cfg", "net.cfg@3.size=5", "--weights", "net.weights", "--data", DATA]
    alone += ["--out", "alone", "--recipe", "darknet", "--evaluations", "1"]
    assert cli(*alone, "--train-from", "3", "--versions", "2", "--keep-maps", "0").code == 0
    run = Path("out/runs/net@3.size=5/seed-0")
    assert Path("alone/final.weights").read_bytes() == (run / "final.weights").read_bytes()
    other = cli(*words("net.cfg", "net.cfg@3.size=5"))
    assert other.code == 3, "a folder of frozen layers is no folder of networks that are trained completely"


def test_a_plan_counts_the_maps_once(cli: Cli, start: Path) -> None:
    found = cli(*words("net.cfg", "net.cfg@3.size=5"), "--train-from", "auto", "--plan", "--json")
    assert found.code == 0, found.err
    plan = json.loads(found.out)
    assert plan["runs"] == 2
    assert all(one["iteration"] >= 0 and one["rest"] > 0 for one in plan["variants"])
    assert not Path("out").exists()


REFUSED = {
    "too far": (
        ["net.cfg", "net.cfg@1.size=3"], "2",
        "net@1.size=3 differs from net in layer 1 already, so the layers before layer 2 are not shared",
        "give --train-from 1, or auto",
    ),
    "nothing shared": (
        ["net.cfg", "net.cfg@0.filters=8"], "auto", "net@0.filters=8 differs from net from layer 0 on",
        "leave it out",
    ),
    "another size": (
        ["net.cfg", "net.cfg@net.width=96"], "auto", "net@net.width=96 differs from net from layer 0 on",
        "leave it out",
    ),
    "no difference": (
        ["net.cfg", "net.cfg@net.learning_rate=0.01"], "auto", "the variants differ in no layer",
        "--train-from N",
    ),
    "one variant": (["net.cfg"], "auto", "there is one variant alone", "--train-from N"),
    "out of range": (["net.cfg"], "7", "--train-from 7 is no layer to begin with", "layers 1 to 5"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_layers_that_are_not_shared_are_refused(case: str, cli: Cli, start: Path) -> None:
    cfgs, layer, message, hint = REFUSED[case]
    found = cli(*words(*cfgs), "--train-from", layer)
    assert found.code == 2
    assert message in found.err
    assert hint in found.err
    assert not Path("out").exists()


PAIRS = {
    ("net.cfg", "net.cfg"): None,
    ("net.cfg", "net.cfg@3.size=5"): 3,
    ("net.cfg", "net.cfg@net.learning_rate=0.5"): None,
    ("net.cfg", "net.cfg@net.height=96"): 0,
    ("net.cfg", "net.cfg@3.size=5,1.size=3"): 1,
    ("net.cfg", "longer.cfg"): 2,
    ("longer.cfg", "net.cfg"): 2,
}


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_the_first_difference_is_that_of_diff(pair: tuple[str, str], start: Path) -> None:
    part = CONV.format(6, 2)
    Path("longer.cfg").write_text(CFG.replace(part, CONV.format(4, 1).replace("leaky", "mish") + part))
    assert first_difference(*map(compile_variant, pair)) == PAIRS[pair]


def test_a_prefix_whose_weights_the_file_lacks_is_refused(cli: Cli, start: Path) -> None:
    Path("more.cfg").write_text(CFG.replace("filters=4", "filters=5"))
    more = ["--weights-cfg", "net.cfg", "--train-from"]
    found = cli(*words("more.cfg", "more.cfg@3.size=5"), *more, "auto")
    assert found.code == 2
    assert "would freeze new weights: layer 0 [convolutional] (cfg line 9) has some" in found.err
    assert "leave --train-from out" in found.err
    Path("more.cfg").write_text(CFG.replace("filters=6", "filters=7"))
    found = cli(*words("more.cfg", "more.cfg@3.size=5"), *more, "auto")
    assert "give --train-from 2 or less" in found.err
    assert cli(*words("more.cfg", "more.cfg@3.size=5"), *more, "2").code == 0
