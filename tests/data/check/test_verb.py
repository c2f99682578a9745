"""Story. What `data check` prints, exits with and gives as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from darknet_py.__main__ import main
from darknet_py.data.rules.registry import RULES
from tests.data.check.damaged import coco, darknet, put
from tests.paths import ROOT

DOCUMENT = ROOT / "docs" / "rules.md"


def damaged(root: Path) -> str:
    spec = darknet(root)
    put(root / "train" / "a.txt", "0 .5 .5 .1 .1\n1 .5 .5\n1 .5\n0 .5 .5 0 .1\n1 .2 .2 .1 .1\n")
    return str(spec)


def test_a_clean_data_set_exits_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", str(coco(tmp_path))]) == 0
    said = capsys.readouterr()
    assert said.out == f"{tmp_path}: 4 images, 6 boxes: no damage found\n"
    assert said.err == ""


def test_damages_are_lines_and_then_a_line_for_each_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = damaged(tmp_path)
    assert main(["data", "check", spec]) == 1
    labels = f"{tmp_path}/train/a.txt"
    assert capsys.readouterr().out.splitlines() == [
        f"{labels}:2:1: error[label-columns]: has 3 columns, not the 5 of `class x y width height`",
        f"{labels}:3:1: error[label-columns]: has 2 columns, not the 5 of `class x y width height`",
        f"{labels}:4:9: warning[box-without-size]: is 0 wide and 0.1 high",
        f"{spec}: 4 images, 8 boxes: 3 damages of 2 kinds",
        "      2  error    label-columns          a label has not five columns",
        "      1  warning  box-without-size       a box has a side of zero; it is left out",
    ]


def test_a_limit_shows_so_many_of_each_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", damaged(tmp_path), "--limit", "1"]) == 1
    said = capsys.readouterr().out
    assert said.count("error[label-columns]") == 1
    assert "      2  error    label-columns          a label has not five columns (1 shown)" in said


def test_warnings_alone_exit_with_0_unless_strict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = str(darknet(tmp_path))
    put(tmp_path / "train" / "a.txt", "0 .5 .5 0 .1\n0 .5 .5 .1 .1\n")
    assert main(["data", "check", spec]) == 0
    assert main(["data", "check", spec, "--strict"]) == 1
    assert "warning[box-without-size]" in capsys.readouterr().out


def test_json_has_every_damage_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = damaged(tmp_path)
    assert main(["data", "check", spec, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["data"], found["images"], found["boxes"]) == (spec, 4, 8)
    assert found["kinds"] == {"label-columns": 2, "box-without-size": 1}
    assert found["findings"][0] == {
        "file": f"{tmp_path}/train/a.txt",
        "line": 2,
        "column": 1,
        "severity": "error",
        "code": "label-columns",
        "message": "has 3 columns, not the 5 of `class x y width height`",
    }
    out = tmp_path / "out.json"
    assert main(["data", "check", spec, "-o", str(out)]) == 1
    assert json.loads(out.read_bytes()) == found


def test_what_is_no_data_set_exits_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", str(tmp_path / "nowhere")]) == 3
    assert main(["data", "check", "scenes"]) == 2
    assert capsys.readouterr().err.count("error:") == 2


def test_a_check_writes_nothing(tmp_path: Path) -> None:
    spec = damaged(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    main(["data", "check", spec])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_the_document_lists_every_kind() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [code for code in RULES if f"| `{code}` |" not in text] == []
