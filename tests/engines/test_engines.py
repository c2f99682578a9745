"""Parity. Oracle: the Network, run by torch as it is; and the protocol of an engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import darknet_py.engines.packages as packages
from darknet_py import Detector, load
from darknet_py.cfg.diagnostics import CfgError
from darknet_py.engines.names import ENGINES
from darknet_py.engines.opening import open_engine, open_given
from darknet_py.engines.threads import usable_threads
from darknet_py.engines.torch_convolution import probed
from darknet_py.errors import UsageError, WeightsError
from darknet_py.layers.catalogue import CATALOGUE
from darknet_py.model.network import Network
from darknet_py.model.weights import save_weights
from tests.command import Cli
from tests.paths import ROOT

NAMED = [name for name in ENGINES if name != "auto"]
NET = "[net]\nwidth=24\nheight=16\nchannels=3\n"
HEAD = """[convolutional]
filters=14
activation=linear
[yolo]
mask=0,1
anchors=4,4, 8,8
num=2
classes=2
"""
BLOCK = (
    "[convolutional]\nbatch_normalize=1\nfilters={filters}\nsize=3\npad=1\n{keys}activation={activation}\n"
)


def block(activation: str, *, filters: int = 8, keys: str = "") -> str:
    return BLOCK.format(filters=filters, keys=keys, activation=activation)


GRAPHS = {
    "activations that are fused": "".join(
        map(block, ("leaky", "relu", "relu6", "swish", "hardtan", "relie"))
    ),
    "activations that are not": "".join(
        map(block, ("mish", "logistic", "normalize_channels", "stair", "elu"))
    ),
    "groups and dilation": block("leaky", filters=9, keys="groups=3\n") + block("relu", keys="dilation=2\n"),
    "depthwise and strides": block("relu") + block("relu", keys="groups=8\nstride_x=2\nstride_y=1\n"),
    "shared weights": block("leaky") + block("leaky") + block("leaky", keys="share_index=1\n"),
    "transposed": "[deconvolutional]\nfilters=6\nsize=2\nstride=2\nbatch_normalize=1\nactivation=leaky\n",
    "maps of several readers": block("leaky")
    + block("relu")
    + "[shortcut]\nfrom=-2\nactivation=leaky\n[route]\nlayers=-1,-3\n[maxpool]\nsize=2\nstride=1\n",
    "two heads of one map": block("leaky") + HEAD + "[route]\nlayers=0\n[upsample]\n",
}


def written(folder: Path, body: str) -> tuple[str, Path]:
    """A cfg and a file of weights for it, statistics of batch normalisation included."""
    cfg, weights = NET + body + HEAD, folder / "net.weights"
    torch.manual_seed(0)
    network = load(cfg)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.normal_(module.bias)
    save_weights(network, weights)
    return cfg, weights


def images(count: int = 2) -> np.ndarray:
    return np.random.default_rng(count).random((count, 3, 16, 24), np.float32)


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("body", GRAPHS.values(), ids=list(GRAPHS))
def test_every_engine_computes_what_the_network_computes(body: str, name: str, tmp_path: Path) -> None:
    if name == "openvino":
        pytest.importorskip("openvino")
    cfg, weights = written(tmp_path, body)
    network = load(cfg, weights=weights).eval()
    engine = open_given(cfg, weights, engine=name)
    assert (engine.name, engine.device, len(engine.graph)) == (name, "cpu", len(network.graph))
    for count in (2, 1, 3):  # the batch may change
        with torch.inference_mode():
            expected = [raw.numpy() for raw in network(torch.from_numpy(images(count)))]
        found = engine(images(count))
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == np.float32
            np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())


@pytest.mark.parametrize("name", NAMED)
def test_an_engine_keeps_what_it_gave_and_leaves_its_input_alone(name: str, tmp_path: Path) -> None:
    if name == "openvino":
        pytest.importorskip("openvino")
    cfg, weights = written(tmp_path, GRAPHS["maps of several readers"])
    engine, given = open_given(cfg, weights, engine=name), images()
    given.flags.writeable = False
    first = engine(given)
    kept = [raw.copy() for raw in first]
    backwards = engine(given[::-1, :, :, ::-1][::-1, :, :, ::-1].copy())
    engine(np.ones_like(given))
    for one, copied, again in zip(first, kept, backwards, strict=True):
        np.testing.assert_array_equal(one, copied)
        np.testing.assert_array_equal(one, again)
    flipped = engine(np.flip(given, axis=3))  # an array that is not contiguous
    np.testing.assert_allclose(flipped[0], engine(np.flip(given, axis=3).copy())[0])


def test_the_torch_engine_computes_the_same_without_packed_convolutions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg, weights = written(tmp_path, GRAPHS["groups and dilation"] + GRAPHS["activations that are fused"])
    packed = open_given(cfg, weights, engine="torch")(images())
    assert probed() == {"none", "leaky_relu", "relu", "hardtanh", "swish"}
    for known in (set(), {"none"}):  # of a torch without oneDNN, and of one with other names
        monkeypatch.setattr("darknet_py.engines.torch_convolution.probed", lambda known=known: known)
        plain = open_given(cfg, weights, engine="torch")(images())
        for one, other in zip(packed, plain, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())


def test_auto_takes_onnxruntime_and_says_so(tmp_path: Path) -> None:
    cfg, weights = written(tmp_path, "")
    lines: list[str] = []
    assert open_engine(load(cfg).graph, weights, report=lines.append).name == "onnxruntime"
    assert lines == ["engine: onnxruntime on cpu, the fastest on most CPUs (`darknet-py bench`)"]


def test_auto_takes_torch_without_weights() -> None:
    lines: list[str] = []
    assert open_engine(load(NET + HEAD).graph, None, report=lines.append).name == "torch"
    assert lines == ["engine: torch on cpu, which draws the weights"]


def test_auto_takes_torch_where_onnxruntime_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    cfg, weights = written(tmp_path, "")
    lines: list[str] = []
    assert open_engine(load(cfg).graph, weights, report=lines.append).name == "torch"
    assert lines == ["engine: torch on cpu, and not onnxruntime: the package onnxruntime is not installed"]


def test_auto_reports_weights_that_do_not_fit(tmp_path: Path) -> None:
    cfg, weights = written(tmp_path, "")
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(WeightsError, match="ends inside layer 0"):
        open_given(cfg, weights)


@pytest.mark.parametrize(
    "name, command", [("onnxruntime", "onnxruntime"), ("openvino", "'darknet-cfg[openvino]'")]
)
def test_a_missing_package_is_one_message_with_the_command(
    name: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    cfg, weights = written(tmp_path, "")
    with pytest.raises(UsageError) as refused:
        open_given(cfg, weights, engine=name)
    expected = f"error: the package {name} is not installed\n   = `pip install {command}` installs it"
    assert str(refused.value) == expected


def test_a_package_that_does_not_load_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ImportError("libopenvino.so: cannot open shared object file\nmore")

    monkeypatch.setattr(packages, "import_module", broken)
    with pytest.raises(UsageError, match="the package openvino is installed, and does not load: libopenvino"):
        packages.library("openvino")


@pytest.mark.parametrize(
    "words, message",
    [
        ({"engine": "onnx"}, "--engine onnx is not known"),
        (
            {"engine": "onnxruntime", "device": "cuda"},
            "the engine onnxruntime runs on the cpu, and not on cuda",
        ),
        ({"engine": "openvino", "device": "mps"}, "the engine openvino runs on the cpu, and not on mps"),
        ({"weights": None, "engine": "onnxruntime"}, "the engine onnxruntime needs a weights file"),
        ({"device": "tpu"}, "--device tpu cannot be used"),
    ],
)
def test_what_does_not_go_together_is_refused(
    words: dict[str, str | None], message: str, tmp_path: Path
) -> None:
    cfg, weights = written(tmp_path, "")
    given = {"weights": weights, **words}
    with pytest.raises(UsageError, match=message):
        open_engine(load(cfg).graph, given.pop("weights"), **given)


def test_a_network_is_run_by_torch(tmp_path: Path) -> None:
    cfg, weights = written(tmp_path, "")
    network: Network = load(cfg, weights=weights)
    assert open_given(network, None).name == "torch"
    with pytest.raises(UsageError, match="a Network is run by torch, and not by onnxruntime"):
        Detector(network, engine="onnxruntime")
    assert Detector(cfg, weights, names=("a", "b"), engine="torch").engine.name == "torch"


def test_threads_are_those_that_the_process_may_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    for words, expected in (("3", 3), ("4,2", 4)):
        monkeypatch.setenv("OMP_NUM_THREADS", words)
        assert usable_threads(quota) == expected
    for words in ("0", "many", ""):
        monkeypatch.setenv("OMP_NUM_THREADS", words)
        assert usable_threads(quota) == 8
    for text, expected in (("max 100000", 8), ("150000 100000", 2), ("100 100000", 1), ("900000 100000", 8)):
        quota.write_text(text)
        assert usable_threads(quota) == expected


def test_a_layer_without_an_onnx_form_is_refused_by_name_and_run_by_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("darknet_py.layers.onnx_form.declares_onnx", lambda cls: cls.section != "maxpool")
    cfg, weights = written(tmp_path, GRAPHS["maps of several readers"])
    lines: list[str] = []
    assert open_engine(load(cfg).graph, weights, report=lines.append).name == "torch"
    assert lines == ["engine: torch on cpu, and not onnxruntime: [maxpool] has no ONNX form"]
    with pytest.raises(CfgError, match=r"error\[no-onnx\]: \[maxpool\] has no ONNX form"):
        open_given(cfg, weights, engine="onnxruntime")


def test_a_layer_that_does_not_declare_its_floats_is_run_by_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg, weights = written(tmp_path, "")
    monkeypatch.setattr(CATALOGUE["convolutional"], "array_shapes", lambda self, *maps: iter(()))
    lines: list[str] = []
    assert open_engine(load(cfg).graph, weights, report=lines.append).name == "torch"
    assert "not onnxruntime: layer 0 [convolutional] (cfg line 5) has 56 parameters" in lines[0]


def test_a_cfg_that_no_engine_runs_is_refused_as_such() -> None:
    cfg = NET + "[crnn]\noutput=4\nhidden=4\npad=1\nsize=3\nactivation=leaky\n"
    for name in ENGINES:
        with pytest.raises(CfgError, match=r"\[crnn\] is understood, and not run here"):
            open_given(cfg, Path("absent.weights"), engine=name)


@pytest.mark.parametrize("verb", ["detect", "eval"])
def test_nothing_imports_torch_where_onnxruntime_runs(verb: str, tmp_path: Path) -> None:
    cfg, weights = written(tmp_path, block("leaky"))
    (tmp_path / "net.cfg").write_text(cfg)
    words = [verb, "--cfg", str(tmp_path / "net.cfg"), "--weights", str(weights), "--verbose"]
    if verb == "eval":
        write_coco(tmp_path / "data")
        words += ["--data", str(tmp_path / "data")]
    else:
        picture = tmp_path / "a.jpg"
        cv2.imwrite(str(picture), np.full((20, 30, 3), 90, np.uint8))
        words += [str(picture), "--out", str(tmp_path / "out")]
    heavy = "('torch', 'torchvision', 'openvino', 'matplotlib', 'pycocotools', 'onnx', 'google.protobuf')"
    code = (
        f"import sys; from darknet_py.__main__ import main; code = main({words!r})\n"
        f"print(code, [name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["0 []"], done.stdout + done.stderr
    assert "engine: onnxruntime on cpu" in done.stderr


def test_one_image_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    cfg, weights = written(tmp_path, block("leaky"))
    (tmp_path / "net.cfg").write_text(cfg)
    picture, out = str(tmp_path / "a.jpg"), str(tmp_path / "out")
    cv2.imwrite(picture, np.full((20, 30, 3), 90, np.uint8))
    words = ["detect", "--cfg", str(tmp_path / "net.cfg"), "--weights", str(weights), picture, "--out", out]
    idle = ["predict.overlap", "predict.sources.isolated", "predict.sources.decoder_process", "edit.editing"]
    idle += ["data.findings", "data.dataset", "data.class_matching", "model.weights_fit.changes", "train"]
    code = (
        f"import sys; from darknet_py.__main__ import main; code = main({words!r})\n"
        f"print(code, [name for name in {idle} if 'darknet_py.' + name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["0 []"], done.stdout + done.stderr
    assert (tmp_path / "out" / "a.jpg").is_file()


def write_coco(folder: Path) -> None:
    """Two classes, one image."""
    (folder / "annotations").mkdir(parents=True)
    (folder / "val").mkdir()
    cv2.imwrite(str(folder / "val" / "a.jpg"), np.full((20, 30, 3), 90, np.uint8))
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 2, 9, 9], "area": 81, "iscrowd": 0}
    value = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 30, "height": 20}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [box],
    }
    (folder / "annotations" / "instances_val.json").write_text(json.dumps(value))


def test_the_matcher_may_still_be_called_the_engine(tmp_path: Path, cli: Cli) -> None:
    cfg, weights = written(tmp_path, block("leaky"))
    (tmp_path / "net.cfg").write_text(cfg)
    write_coco(tmp_path / "data")
    words = [
        "eval",
        "--cfg",
        tmp_path / "net.cfg",
        "--weights",
        weights,
        "--data",
        tmp_path / "data",
        "--json",
    ]
    old = cli(*words, "--engine", "pycocotools")
    new = cli(*words, "--match-by", "pycocotools", "--engine", "torch")
    note = (
        "note: `--engine pycocotools` is now `--match-by pycocotools`; --engine names what runs the network"
    )
    assert note in old.err
    assert "note: `--engine" not in new.err
    for outcome in (old, new):
        assert json.loads(outcome.printed())["protocol"]["engine"] == "pycocotools"
    assert cli(*words, "--engine", "onnx").code == 2
