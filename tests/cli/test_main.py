"""Story. Oracle: the list of verbs; what each imports and which options it has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from darknet_py.cli.main import VERBS
from darknet_py.data.formats.registry import DATA_HELP
from tests.command import Cli
from tests.paths import ROOT

WITHOUT_JSON = {"lsp"}
SUBVERBS = ("check", "anchors", "convert", "fetch")


def test_help_lists_every_verb_in_a_line(cli: Cli) -> None:
    code, out, err = cli("--help")
    assert (code, err) == (0, "")
    words = " ".join(out.split())
    assert all(f"{verb} {summary}" in words for verb, summary in VERBS.items())
    assert cli("--version").out.startswith("darknet-py ")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("lnt", "did you mean `lint`?"),
        ("poolview", "did you mean `pool-view`?"),
        ("xyz", "verbs are lint, show,"),
    ],
)
def test_what_is_no_verb_is_refused_with_a_suggestion(word: str, hint: str, cli: Cli) -> None:
    code, out, err = cli(word, "yolov3-tiny")
    assert (code, out) == (2, "")
    assert f"{word!r} is not a verb; {hint}" in err


def commands() -> list[tuple[str, ...]]:
    verbs = [(verb,) for verb in VERBS if verb != "data"]
    return verbs + [("data", subverb) for subverb in SUBVERBS]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_verb_takes_json_and_a_file_for_it(command: tuple[str, ...], cli: Cli) -> None:
    code, out, _ = cli(*command, "--help")
    assert code == 0
    if command[0] not in WITHOUT_JSON:
        assert "--json" in out
        assert "-o NEW" in out if command[0] in ("adapt", "edit") else "-o FILE" in out


@pytest.mark.parametrize(
    "command", [("train",), ("compare",), ("eval",), ("data", "check"), ("data", "anchors")]
)
def test_every_form_of_data_is_in_the_help(command: tuple[str, ...], cli: Cli) -> None:
    assert "".join(DATA_HELP.split()) in "".join(cli(*command, "--help").out.split())


@pytest.mark.parametrize("verb", ["train", "compare", "detect", "eval", "data", "reach", "conform"])
def test_help_needs_neither_torch_nor_numpy(verb: str) -> None:
    code = (
        "import sys, contextlib; from darknet_py.__main__ import main\n"
        f"with contextlib.suppress(SystemExit): main([{verb!r}, '--help'])\n"
        "sys.exit(str({'torch', 'numpy', 'cv2'} & set(sys.modules) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_a_verb_imports_no_other_verb() -> None:
    code = (
        "import sys; from darknet_py.__main__ import main; main(['lint', 'yolov3-tiny']);"
        "print(*sorted(name for name in sys.modules if name.startswith('darknet_py.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.removeprefix("darknet_py.cli.") for name in done.stdout.split("\n")[-2].split()}
    assert loaded == {"lint", "main", "options", "terminal"}


def test_json_of_lint_is_that_of_its_format(cli: Cli) -> None:
    assert cli("lint", "yolov3-tiny", "--json") == cli("lint", "yolov3-tiny", "--format", "json")


def test_edit_prints_the_difference_as_json_where_the_cfg_is_a_file(cli: Cli, tmp_path: Path) -> None:
    new = tmp_path / "new.cfg"
    code, out, err = cli("edit", "yolov3-tiny", "--replace", "11=stochpool", "--json", "-o", new)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [pair["b"]["section"] for pair in found["layers"] if pair["kind"] == "replaced"] == ["stochpool"]
    assert found == json.loads(cli("diff", "yolov3-tiny", new, "--json").out) | {
        "a": found["a"],
        "b": found["b"],
    }
    assert cli("edit", "yolov3-tiny", "--delete", "11", "--json").code == 2


def test_train_prints_its_result_as_json_and_nothing_else(
    cli: Cli, tiny_cfg: Callable[..., str], tmp_path: Path
) -> None:
    words = ["--cfg", tiny_cfg(classes=8), "--data", "scenes:train=4,val=2,size=96", "--evaluations", 1]
    code, out, err = cli("train", *words, "--out", tmp_path / "a", "--json")
    assert code == 0
    assert json.loads(out) == json.loads((tmp_path / "a" / "result.json").read_text())
    assert "cfg: " in err, "what is changed in the cfg is a note"
    code, out, _ = cli("train", *words, "--out", tmp_path / "b", "-o", tmp_path / "b.json")
    assert (code, out) == (0, "")
    assert json.loads((tmp_path / "b.json").read_text())["task"] == "detection"
    code, out, _ = cli("train", *words, "--out", tmp_path / "c", "--show-batches", 1, "--json")
    assert [one["path"] for one in json.loads(out)] == [str(tmp_path / "c" / "batch-1.jpg")]


def test_compare_prints_its_report_as_json(cli: Cli, tiny_cfg: Callable[..., str], tmp_path: Path) -> None:
    words = ["--data", "scenes:train=4,val=2,size=96", "--evaluations", 1, "--seeds", 1, "--epochs", 1]
    path = tiny_cfg(classes=8)
    code, out, _ = cli("compare", path, f"{path}@0.size=1", *words, "--out", tmp_path / "out", "--json")
    assert code == 0
    assert json.loads(out) == json.loads((tmp_path / "out" / "report.json").read_text())
    assert [len(one["missed"]["cost"]) for one in json.loads(out)["errors"].values()] == [1, 1]
    (verdict,) = json.loads(out)["verdicts"]
    assert verdict["seeds"] == 1

    for file in (tmp_path / "out").glob("runs/*/seed-0/matches.npz"):
        file.unlink()  # as in folders of earlier versions
    words += ["--margin", 100, "--out", tmp_path / "out"]
    code, out, _ = cli("compare", path, f"{path}@0.size=1", *words)
    (verdict,) = json.loads((tmp_path / "out" / "report.json").read_text())["verdicts"]
    assert verdict["outcome"] == "unclear", "the margin holds every score: that is no sameness"
    assert f"tiny@0.size=1: {verdict['sentence']}" in out


@pytest.mark.parametrize("text", ["-1", "nan", "101", "much"])
def test_a_margin_that_is_no_number_of_points_is_refused(text: str, cli: Cli) -> None:
    code, out, err = cli("compare", "yolov3-tiny", "--data", "scenes", "--out", "out", f"--margin={text}")
    assert (code, out) == (2, "")
    assert f"{text!r} is not a number of points, 0 to 100" in err
