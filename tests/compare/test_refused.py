"""Story. A comparison that is refused leaves its folder as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import darknet_py.compare
from darknet_py.__main__ import main
from darknet_py.train.settings import Settings
from tests.cli.test_bad_input import CFG

DATA = "scenes:train=4,val=2,size=96"
BEFORE = {"compare.json": '{"of": "before"}', "report.html": "of before"}
OTHER = json.dumps({"fingerprint": {"cfg": "another"}})
CASES = {  # more words; files in the folder; exit code, the message
    "data that are not there": (["--data", "nowhere"], {}, 3, "is not a data set"),
    "weights that are not there": (["--weights", "none.weights"], {}, 3, "none.weights: error: no such file"),
    "weights of another network": (["--weights", "other.weights"], {}, 3, "other.weights: error:"),
    "--partial alone": (["--partial", "1"], {}, 2, "there is no --weights"),
    "a device that is not there": (["--device", "tpu"], {}, 2, "--device tpu cannot be used"),
    "a single training's folder": ([], {"net.cfg": CFG}, 2, "is the folder of a single training"),
    "the first run is another's": ([], {"runs/small/seed-0/result.json": OTHER}, 3, "of another run"),
    "the last run is another's": ([], {"runs/small/seed-1/result.json": OTHER}, 3, "of another run"),
    "a result that is none": ([], {"runs/small/seed-1/result.json": "{"}, 3, "it is not JSON"),
}


@pytest.mark.parametrize("existing", [False, True], ids=["no folder", "a folder"])
@pytest.mark.parametrize("case", CASES)
def test_a_refused_comparison_leaves_its_folder_untouched(
    case: str,
    existing: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words, files, code, message = CASES[case]
    monkeypatch.chdir(tmp_path)
    Path("small.cfg").write_text(CFG)
    Path("other.weights").write_bytes(bytes(1000))
    for name, text in (files | (BEFORE if existing else {})).items():
        Path("out", name).parent.mkdir(parents=True, exist_ok=True)
        Path("out", name).write_text(text)
    before = contents(tmp_path)
    assert main(["compare", "small.cfg", "--data", DATA, "--out", "out", *words]) == code
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("error:") == 1
    assert contents(tmp_path) == before


def test_compare_json_is_of_the_comparison_once_a_run_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.cfg").write_text(CFG)
    words = ["compare", "small.cfg", "--data", DATA, "--out", "out", "--evaluations", "1", "--seeds"]
    assert main([*words, "1"]) == 0
    assert json.loads(Path("out/compare.json").read_text())["seeds"] == [0]
    assert main([*words, "2"]) == 0, "what is finished is taken, and the rest is trained"
    facts = json.loads(Path("out/compare.json").read_text())
    assert (facts["seeds"], facts["data"]) == ([0, 1], DATA)
    assert json.loads(Path("out/report.json").read_text())["seeds"] == [0, 1]
    before = contents(tmp_path)
    for name in ("report.html", "report.md", "report.json"):
        Path("out", name).unlink()
    comparison = darknet_py.compare(["small.cfg"], DATA, "out", seeds=2, settings=Settings(evaluations=1))
    assert contents(tmp_path) == before, "nothing is trained, and the report is written again"
    assert comparison.seeds == (0, 1)
    assert [run.seed for run in comparison.baseline.runs] == [0, 1]


def contents(at: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in at.rglob("*")}
