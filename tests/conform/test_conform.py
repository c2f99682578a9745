"""Property. Oracle: faults planted on purpose, at least two for every check; each must be found, and told."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from darknet_py.__main__ import main
from darknet_py.conform.registry import CHECKS, CLASS_CHECKS
from darknet_py.conform.run import CheckResult, conform
from darknet_py.layers.plugins import load_plugins
from tests.conform.faults import FAULTS, HEAD, MEAN

GOOD = HEAD + textwrap.indent(MEAN, "    ")
RAISES = {  # the others compute, and are found out by what they compute
    "a view that a map with channels last has not",
    "a branch on what the map holds",
    "numpy inside",
}
CHECK_NAMES = {*CLASS_CHECKS, "drawn", *(check.name for check in CHECKS)}


@pytest.fixture(autouse=True)
def _no_plugin_stays() -> Iterator[None]:
    yield
    load_plugins([])


def file(folder: Path, text: str) -> Path:
    path = folder / "planted.py"
    path.write_text(text)
    return path


def results(folder: Path, body: str, *only: str) -> list[CheckResult]:
    load_plugins([file(folder, HEAD + textwrap.indent(body, "    "))])
    return list(conform("planted", cases=12, only=only))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, tmp_path: Path) -> None:
    check, body = FAULTS[fault]
    (result,) = results(tmp_path, body, check)
    assert result.outcome == "FAIL"
    assert (result.expected == "no exception") == (fault in RAISES), result.found
    assert result.found


def test_every_check_has_two_planted_faults() -> None:
    assert all(count >= 2 for count in Counter(check for check, _ in FAULTS.values()).values())
    assert {check for check, _ in FAULTS.values()} == CHECK_NAMES


def test_a_pool_of_one_rule_keeps_every_promise(tmp_path: Path) -> None:
    found = results(tmp_path, MEAN)
    assert {result.check for result in found} == CHECK_NAMES
    assert {result.check for result in found if result.outcome == "skip"} == {"laws", "defined", "onnx"}
    assert not [result for result in found if result.outcome == "FAIL"]


def test_a_sum_says_that_it_is_one_and_is_spared(tmp_path: Path) -> None:
    body = "bounded = False\ndef reduce(self, cells, inside): return cells.sum(-1)"
    found = results(tmp_path, body, "constant", "between", "shift")
    assert [result.outcome for result in found] == ["skip", "skip", "ok"]
    assert found[0].found == "it says `bounded = False`"


def test_the_failing_section_is_made_small(tmp_path: Path) -> None:
    body = "scale: int = key(1, at_least=1, doc='factor')\n" + (
        "def reduce(self, cells, inside): return mean(cells, inside) * self.scale"
    )
    (result,) = results(tmp_path, body, "constant")
    assert result.case is not None
    assert (result.case.height, result.case.width) == (1, 1)
    assert [name for name, _ in result.case.keys] == ["scale"], "the one key that matters is left"


def test_a_file_that_fails_is_told_check_by_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = HEAD + "    def reduce(self, cells, inside): return cells.sum(-1)\n"
    assert main(["conform", str(file(tmp_path, text)), "--cases", "4"]) == 1
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert "ok    shape     What `shape` says is what the tensor has, in training," in said.out
    at = lines.index("FAIL  constant  A map of one value pools to that value.")
    assert lines[at + 1].startswith("      expected  0.5 from a map of 0.5")
    assert lines[at + 2].startswith("      found     values that differ by 0.5")
    assert lines[at + 3].startswith("      shown by  a map of ")
    assert lines[at + 4] == " " * 16 + "[planted]"
    assert lines[-1] == "[planted]: 18 checks, 2 failed"


def test_a_file_that_conforms_exits_0_and_says_so_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["conform", str(file(tmp_path, GOOD)), "--cases", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {result["outcome"] for result in found} == {"ok", "skip"}
    assert set(found[0]) == {"section", "check", "promise", "outcome", "expected", "found", "shown_by"}


def test_a_shipped_section_is_tried_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", "local_avgpool", "--cases", "1"]) == 0
    assert capsys.readouterr().out.endswith("[local_avgpool]: 19 checks, none failed\n")


def test_an_unknown_section_is_told_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", "maxpol"]) == 2
    assert capsys.readouterr().err == "error: [maxpol] is not known\n   = did you mean `maxpool`?\n"
