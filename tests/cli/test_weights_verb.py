"""Story. Oracle: files written here whose arrays are known; the published yolov3-tiny.weights."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from darknet_py.__main__ import main
from darknet_py.lint.api import compile as must_compile
from darknet_py.model.network import Network
from darknet_py.model.weights import file_layout
from darknet_py.model.weights_file import parts_of
from darknet_py.model.weights_fit.candidates import declared_parts
from darknet_py.model.weights_fit.parts import total
from tests.model.test_weights_fit import TINY, graph_of, needs_tiny, text, values_of, write
from tests.paths import ROOT, SHARED


def found(*arguments: object, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["weights", *map(str, arguments), "--json"]) == 0
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    return value


@pytest.fixture
def cfg(tmp_path: Path) -> Path:
    path = tmp_path / "cfgs" / "a.cfg"
    path.parent.mkdir()
    path.write_text(text("yolo"))
    return path


def test_15_each_array_is_summarised(cfg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = values_of(graph_of(text("yolo")), 0)
    values[30] = np.nan
    value = found(write(tmp_path / "w", values), "--cfg", cfg, capsys=capsys)
    assert (value["version"], value["seen"], value["header"]) == ("0.2.5", 64, 20)
    assert (value["floats"], value["expected"], value["left_over"]) == (len(values), len(values), 0)
    assert value["fits"] is False
    assert value["suggestions"] == ["1 NaN or infinite numbers, the first in the scales of layer 0"]
    biases, scales, _, _, weights, *_ = value["layers"]
    assert (biases["array"], biases["shape"], biases["offset"]) == ("biases", [24], 20)
    assert biases["mean"] == pytest.approx(values[:24].mean(), rel=1e-5)
    assert biases["greatest"] == pytest.approx(np.abs(values[:24]).max())
    assert (scales["nan"], weights["shape"], weights["offset"]) == (1, [24, 3, 3, 3], 20 + 4 * 96)
    assert weights["deviation"] == pytest.approx(values[96:744].std(), rel=1e-5)


def test_15_W10_a_count_of_images_that_cannot_be_is_noted(
    cfg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "w", values_of(graph_of(text("yolo")), 0))
    assert found(path, "--cfg", cfg, capsys=capsys)["notes"] == []
    path.write_bytes(path.read_bytes()[:12] + struct.pack("<q", -1) + path.read_bytes()[20:])
    value = found(path, "--cfg", cfg, capsys=capsys)
    assert (value["seen"], value["fits"]) == (2**64 - 1, True)
    assert value["notes"] == [
        "its count of images seen is not plausible: damaged, or written as a negative number"
    ]


def test_15_without_a_cfg_those_that_fit_are_listed(
    cfg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shipped").mkdir()
    monkeypatch.setattr("darknet_py.cfg.shipped.folder", lambda: tmp_path / "shipped")
    (cfg.parent / "b.cfg").write_text(text("yolo", classes=3))
    (cfg.parent / "broken.cfg").write_text("[net\n")
    values = values_of(graph_of(text("yolo")), 0)
    value = found(write(tmp_path / "w", values), "--among", cfg.parent, capsys=capsys)
    assert value["cfgs"] == [{"cfg": str(cfg), "layers": 9, "of": 9}]
    value = found(write(tmp_path / "w", values[:7784]), "--among", cfg.parent, capsys=capsys)
    assert [one["layers"] for one in value["cfgs"]] == [2, 2], "both begin with these layers"
    assert value["published"] is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>", "it looks like a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "it looks like a Git LFS pointer"),
        (b"PK\3\4" + bytes(99), "it looks like a zip archive"),
        (b"\0\0", "has 2 bytes; the header"),
    ],
)
def test_15_what_is_no_weights_file_is_named(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w").write_bytes(content)
    assert main(["weights", str(tmp_path / "w")]) == 3
    assert words in capsys.readouterr().err


def test_15_damage_is_explained(cfg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, values = tmp_path / "w", values_of(graph_of(text("yolo")), 0)
    old = struct.pack("<iiiI", 0, 2, 0, 7)
    cases = {
        "a header of 16 bytes": old + values.tobytes(),
        "in float16": old + bytes(4) + values.astype("<f2").tobytes(),
        "it is cut off": old + bytes(4) + values[:20000].tobytes(),
        "it fits the cfg with classes=1; the layers before layer 3 are the same: --partial 3": old
        + bytes(4)
        + values_of(graph_of(text("yolo", classes=1)), 0).tobytes(),
    }
    for words, content in cases.items():
        path.write_bytes(content)
        value = found(path, "--cfg", cfg, capsys=capsys)
        assert words in "; ".join(value["suggestions"])
        assert value["fits"] is False
    assert main(["weights", str(path), "--cfg", str(cfg)]) == 0
    printed = capsys.readouterr().out
    assert f"does not fit {cfg}: " in printed
    assert "note: it fits the cfg with classes=1" in printed
    assert "not in the file" in printed


@needs_tiny
def test_15_the_published_file_is_known_and_its_mask_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    value = found(TINY, "--cfg", "yolov3-tiny", capsys=capsys)
    assert (value["fits"], value["published"], value["notes"]) == (True, "yolov3-tiny", [])
    zoo = SHARED / "zoo" / "alexeyab--yolov3-tiny.cfg"
    if zoo.exists():
        (note,) = found(TINY, "--cfg", zoo, capsys=capsys)["notes"]
        assert note == "layer 23 has mask=0,1,2; yolov3-tiny.weights were trained with mask=1,2,3 there"
    spp = found(TINY, "--cfg", ROOT / "cfg" / "pools" / "yolov3-tiny-spp.cfg", capsys=capsys)
    assert spp["suggestions"][0].endswith("the layers before layer 15 fit by their values: --partial 15")


def test_15_a_half_finished_download_is_the_beginning_of_its_cfg(
    cfg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shipped").mkdir()
    monkeypatch.setattr("darknet_py.cfg.shipped.folder", lambda: tmp_path / "shipped")
    published = cfg.rename(cfg.with_name("yolov3-tiny.cfg"))
    values = values_of(graph_of(text("yolo")), 0)
    path = write(tmp_path / "w", values)
    whole = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(20 * 4096)
    value = found(path, "--among", cfg.parent, capsys=capsys)
    place = {"cfg": str(published), "layers": 3, "of": 9, "missing": whole - 20 * 4096}
    assert (value["cfgs"], value["beginning_of"]) == ([], [place])
    assert value["notes"] == [
        "yolov3-tiny.weights as published has 35,434,956 bytes: if this is a part of it, "
        "`darknet-py data fetch yolov3-tiny` gets all of it"
    ]
    assert main(["weights", str(path), "--among", str(cfg.parent)]) == 0
    printed = capsys.readouterr().out
    assert f"is the beginning of {published}: ends in layer 3, {place['missing']:,} bytes too few" in printed
    assert "fits none" not in printed
    value = found(path, "--cfg", published, capsys=capsys)
    assert "if it was downloaded, that was not finished: get it again" in value["suggestions"][1]


def test_15_space_reserved_for_a_download_is_noticed(
    cfg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = values_of(graph_of(text("yolo")), 0)
    values[-1500:] = 0
    path = write(tmp_path / "w", values)
    begin = 20 + 4 * (len(values) - 1500)
    value = found(path, "--cfg", cfg, capsys=capsys)
    assert value["fits"] is True
    assert value["suggestions"][0].startswith(f"all is zero from byte {begin:,} on, 6,000 bytes: a download")
    values[-1] = 1
    assert found(write(path, values), "--cfg", cfg, capsys=capsys)["suggestions"] == []


def test_15_cfgs_are_tried_by_their_declarations_without_torch() -> None:
    words = "import sys; from darknet_py.__main__ import main; code = main(sys.argv[1:]); "
    words += "print('torch' in sys.modules, file=sys.stderr); sys.exit(code)"
    weights = SHARED / "weights" / "yolo-fastest-1.1.weights"
    if not weights.exists():
        pytest.skip("no ../shared/weights")
    command = [sys.executable, "-c", words, "weights", str(weights), "--among", str(weights.parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "False\n"
    assert f"fits {weights.with_suffix('.cfg')}\n" in done.stdout


def test_15_declared_arrays_are_those_of_the_network() -> None:
    for path in (*(ROOT / "cfg").glob("*.cfg"), *sorted((ROOT / "cfg" / "pools").glob("*.cfg"))[::9]):
        graph = must_compile(path)
        with torch.device("meta"):
            layout = [array.spec for array in file_layout(Network(graph))]
        expected = [part for part in parts_of(layout) if graph[part.layer].layer.section == "convolutional"]
        declared = declared_parts(graph)
        assert [p for p in declared if graph[p.layer].layer.section == "convolutional"] == expected, path
        assert total(declared) == total(parts_of(layout)), path
