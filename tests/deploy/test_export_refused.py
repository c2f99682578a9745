"""Example. What cannot be exported, or be detected with, is one message; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from darknet_py.deploy import onnx_form
from darknet_py.layers.plugins import load_plugins
from tests.command import Cli
from tests.deploy.test_export import CONV, LAST, NET, POOLED, YOLO, saved
from tests.export.test_onnx_refused import HEAD

ADAPTIVE = NET + CONV.format(4, 4) + "[local_avgpool]\nadaptive=3\n" + LAST.format(16) + YOLO


@pytest.fixture(autouse=True)
def _without_plugins() -> Iterator[None]:
    yield
    load_plugins([])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    saved(POOLED, tmp_path)
    return tmp_path


WRONG = {
    "an ending of nothing": (["-o", "a.tflite"], 2, "its ending is not that of an exported file"),
    "an ending of another format": (["-o", "a.onnx", "--to", "torch"], 2, "its ending is that of onnx"),
    "a folder that is not there": (["-o", "no/a.onnx"], 2, "there is no such folder to write to"),
    "a file that is read": (["-o", "net.cfg"], 2, "is a file that is read"),
    "NMS in a program": (["-o", "a.pt2", "--with-nms"], 2, "--with-nms is of onnx, and torch is asked for"),
    "a threshold without NMS": (["-o", "a.onnx", "--nms", "0.5"], 2, "--nms is of files made --with-nms"),
    "a threshold of 2": (["-o", "a.onnx", "--with-nms", "--nms", "2"], 2, "nms is 2.0, and must lie in 0..1"),
    "images that are not there": (["-o", "a.onnx", "--images", "no.jpg"], 3, "no.jpg: error: no such file"),
    "a dynamic program": (["-o", "a.pt2", "--dynamic"], 2, "a program of torch.export has the cfg's size"),
    "sections of ours": (["-o", "a.cfg"], 3, "error[not-in-darknet]: Darknet has no [stochpool]"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_exported_is_one_message(
    case: str, folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, code, text = WRONG[case]
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    done = cli("export", "net.cfg", "--weights", "net.weights", *words)
    assert done.code == code
    assert text in done.err
    assert "Traceback" not in done.err
    assert sorted(folder.iterdir()) == before


def test_every_layer_that_darknet_lacks_is_named_at_its_line(folder: Path, cli: Cli) -> None:
    done = cli("export", folder / "net.cfg", "--weights", folder / "net.weights", "-o", folder / "a.cfg")
    assert [line.partition("net.cfg")[2] for line in done.err.splitlines() if "error[" in line] == [
        ":12:1: error[not-in-darknet]: Darknet has no [stochpool]",
        ":15:1: error[not-in-darknet]: Darknet has no [medianpool]",
    ]


def test_a_size_that_a_layer_fixes_is_told_and_refused_when_it_must_be_free(tmp_path: Path, cli: Cli) -> None:
    cfg, weights = saved(ADAPTIVE, tmp_path)
    words = ("export", cfg, "--weights", weights, "-o", tmp_path / "a.onnx")
    refused = cli(*words, "--dynamic")
    reason = "layer_1: an adaptive pool of 3 x 3 divides the map"
    assert (refused.code, f"the size of the input cannot be free: {reason}" in refused.err) == (2, True)
    assert f"note: the input has the cfg's size: {reason}" in cli(*words).printed()


def test_a_kind_of_nms_that_onnx_lacks_is_told(tmp_path: Path, cli: Cli) -> None:
    cfg, weights = saved(NET + CONV.format(4, 8) + LAST.format(16) + YOLO + "nms_kind=greedynms\n", tmp_path)
    done = cli("export", cfg, "--weights", weights, "-o", tmp_path / "a.onnx", "--with-nms")
    assert "note: the cfg has nms_kind=greedynms" in done.printed()


def test_a_plug_in_without_onnx_is_named_and_goes_to_torch_export(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "mine.py").write_text(HEAD)
    load_plugins([tmp_path / "mine.py"])
    cfg, weights = saved(NET + "[planted]\nsize=2\n" + LAST.format(16) + YOLO, tmp_path)
    plug_in = ("--plugin", tmp_path / "mine.py")
    done = cli("export", cfg, "--weights", weights, "-o", tmp_path / "a.onnx", *plug_in)
    assert done.code == 3
    assert "net.cfg:5:1: error[no-onnx]: [planted] has no ONNX form" in done.err
    assert (
        "Planted does not declare `onnx`; declare it as docs/write-a-pool.md shows, or export to" in done.err
    )
    assert not (tmp_path / "a.onnx").exists()


def test_more_weights_than_a_file_holds_are_refused(
    folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_form, "LARGEST", 1000)
    done = cli("export", folder / "net.cfg", "--weights", folder / "net.weights", "-o", folder / "a.onnx")
    assert (done.code, "an ONNX file holds 2 GB" in done.err) == (2, True)


def changed(path: Path, **entries: str) -> Path:
    """A copy of a file with other metadata; an empty value removes an entry."""
    model = onnx.load(path)
    kept = {entry.key: entry.value for entry in model.metadata_props} | entries
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {key: value for key, value in kept.items() if value})
    onnx.save(model, path.with_name("changed.onnx"))
    return path.with_name("changed.onnx")


def test_files_that_are_not_of_export_are_one_message(folder: Path, cli: Cli) -> None:
    cfg, weights, good = folder / "net.cfg", folder / "net.weights", folder / "good.onnx"
    cli("export", cfg, "--weights", weights, "-o", good).printed()
    (folder / "broken.onnx").write_bytes(good.read_bytes()[:5000])
    (folder / "text.onnx").write_text("hello")

    def message(*words: object) -> tuple[int, str]:
        done = cli("detect", *words, folder / "no.jpg")
        assert "Traceback" not in done.err
        return done.code, done.err

    cases = {
        "does not say what network it is": ("--model", changed(good, darknet_py="")),
        "is no ONNX file that onnxruntime can run": ("--model", folder / "broken.onnx"),
        "is no ONNX file": ("--model", folder / "text.onnx"),
        "cannot be read: No such file": ("--model", folder / "none.onnx"),
    }
    for text, words in cases.items():
        assert message(*words)[0] == 3
        assert text in message(*words)[1]
    for entry, text in {"cfg": "SHA-256", "names": "class names"}.items():
        code, err = message("--model", changed(good, **{entry: "[1]"}))
        assert (code, text in err) == (3, True)
    code, err = message("--model", changed(good, names='["a"]'))
    assert (code, "has 1 names in its metadata for 3 classes" in err) == (3, True)
    code, err = message("--model", good, "--cfg", cfg)
    assert (code, "--model is a complete network, and --cfg is given as well" in err) == (2, True)
    code, err = message("--model", good, "--engine", "torch")
    assert (code, "is run by onnxruntime on the cpu" in err) == (2, True)
    code, err = message("--cfg", cfg)
    assert (code, "the following arguments are required: --weights" in err) == (2, True)
