"""Golden and property. Oracle: what SARIF 2.1.0 (OASIS) requires of each object, and codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darknet_py.__main__ import main
from darknet_py.lint.registry import RULES
from tests.command import Cli
from tests.paths import ROOT

TINY = ROOT / "cfg" / "yolov3-tiny.cfg"
NET = "[net]\nwidth=64\nheight=64\nchannels=3\n"
CONV = "[convolutional]\nfilters=8\nsize=3\npad=1\nactivation=leaky\n"
SUSPICIOUS = NET + "max_epochs=3\n" + CONV + "stride = 1 0\n"  # ignored-key, joined-digits
BROKEN = NET + CONV.replace("filters", "filter").replace("leaky", "leeky") + "[maxpol]\n"
REQUIRED = {  # object: members that it must have
    "sarifLog": {"version", "runs"},
    "run": {"tool"},
    "tool": {"driver"},
    "driver": {"name"},
    "rule": {"id"},
    "result": {"message"},
    "fix": {"artifactChanges"},
    "artifactChange": {"artifactLocation", "replacements"},
    "replacement": {"deletedRegion"},
}


def must_have(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    assert REQUIRED[kind] <= set(value), kind
    return value


def results(log: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of a log, every object on the way checked."""
    assert must_have("sarifLog", log)["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = must_have("driver", must_have("tool", must_have("run", run)["tool"])["driver"])
    ids = [must_have("rule", rule)["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for result in run["results"]:
        assert ids[must_have("result", result)["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert set(result["message"]) & {"text", "id"}
        (location,) = result["locations"]
        region = location["physicalLocation"]["region"]
        assert region["startLine"] >= 1
        assert 1 <= region["startColumn"] < region["endColumn"]
        for fix in result.get("fixes", []):
            for change in must_have("fix", fix)["artifactChanges"]:
                assert all(
                    must_have("replacement", r) for r in must_have("artifactChange", change)["replacements"]
                )
    return run["results"]


@pytest.mark.parametrize("text", [SUSPICIOUS, BROKEN, NET + CONV, "", "\x1b", "[net]\n\u0663=1\n"])
def test_sarif_has_what_its_schema_requires(text: str, write_cfg: Callable[..., str], cli: Cli) -> None:
    path = write_cfg(text)
    plain = json.loads(cli("lint", path, "--format", "json")[1])
    code, out, err = cli("lint", path, "--format", "sarif")
    found = results(json.loads(out))
    assert [(r["ruleId"], r["locations"][0]["physicalLocation"]["region"]["startLine"]) for r in found] == [
        (d["code"], d["line"]) for d in plain
    ]
    assert (code, err) == (int("error" in [d["severity"] for d in plain]), "")


def test_a_fix_of_sarif_puts_the_suggestion_in_the_place_of_the_word(
    write_cfg: Callable[..., str], cli: Cli
) -> None:
    path = write_cfg(BROKEN)
    lines = BROKEN.split("\n")
    for result in results(json.loads(cli("lint", path, "--format", "sarif")[1])):
        (fix,) = result["fixes"]
        (change,) = fix["artifactChanges"]
        assert change["artifactLocation"]["uri"] == f"file://{path}"
        for replacement in change["replacements"]:
            region = replacement["deletedRegion"]
            line = lines[region["startLine"] - 1]
            lines[region["startLine"] - 1] = (
                line[: region["startColumn"] - 1]
                + replacement["insertedContent"]["text"]
                + line[region["endColumn"] - 1 :]
            )
    assert cli("lint", write_cfg("\n".join(lines)))[0] == 0


@pytest.mark.parametrize(
    ("name", "uri"), [("a b#c%.cfg", "a%20b%23c%25.cfg"), ("\u00e9.cfg", "%C3%A9.cfg"), ("a.cfg", "a.cfg")]
)
def test_a_path_is_a_uri(
    name: str, uri: str, write_cfg: Callable[..., str], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(write_cfg(BROKEN, name)).parent)
    found = results(json.loads(cli("lint", name, "--format", "sarif")[1]))
    assert {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in found} == {uri}


def test_sarif_goes_to_a_file_when_asked(write_cfg: Callable[..., str], tmp_path: Path, cli: Cli) -> None:
    code, out, _ = cli("lint", write_cfg(BROKEN), "--format", "sarif", "-o", str(tmp_path / "a.sarif"))
    assert (code, out) == (1, "")
    assert len(results(json.loads((tmp_path / "a.sarif").read_text()))) == 3


# codes


def test_warnings_are_switched_off_by_code(write_cfg: Callable[..., str], cli: Cli) -> None:
    path = write_cfg(SUSPICIOUS)
    assert cli("lint", path)[1].count("warning[") == 2
    assert cli("lint", path, "--off", "ignored-key")[1].count("warning[") == 1
    for words in (["--off", "ignored-key,joined-digits"], ["--off", "ignored-key", "--off", "joined-digits"]):
        code, out, _ = cli("lint", path, "--strict", *words)
        assert (code, out) == (0, f"{path}: no errors, no warnings\n")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("bad-filters", "bad-filters is an error; only warnings can be switched off"),
        ("jioned-digits", "did you mean `joined-digits`?"),
        ("zzz", "zzz is not the code of a warning"),
        ("", " is not the code of a warning"),
    ],
)
def test_what_is_no_code_of_a_warning_is_a_usage_error(code: str, words: str, cli: Cli) -> None:
    status, out, err = cli("lint", str(TINY), "--off", code)
    assert (status, out) == (2, "")
    assert words in err


def test_an_error_of_a_code_that_is_both_is_told_all_the_same(
    write_cfg: Callable[..., str], cli: Cli
) -> None:
    assert cli("lint", write_cfg(BROKEN), "--off", "unknown-key")[1].count("error[unknown-key]") == 1


def test_the_codes_are_listed_each_with_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["lint", "--codes"])
    out = capsys.readouterr().out
    assert caught.value.code == 0
    assert all(f"  {rule.code} " in out and rule.summary in out for rule in RULES)


def test_a_hint_is_no_error_even_when_strict(cli: Cli) -> None:
    code, out, _ = cli("lint", str(TINY), "--strict")
    assert code == 0
    assert "hint[unused-anchor]: no head uses anchor 0 (10 x 14)" in out


def test_a_rule_of_sarif_has_the_summary_and_the_explanation(write_cfg: Callable[..., str], cli: Cli) -> None:
    log = json.loads(cli("lint", write_cfg(SUSPICIOUS), "--format", "sarif")[1])
    (described, _) = log["runs"][0]["tool"]["driver"]["rules"]
    rule = next(rule for rule in RULES if rule.code == described["id"])
    assert described["shortDescription"]["text"] == rule.summary
    assert described["fullDescription"]["text"] == rule.explanation


def test_the_page_has_a_section_for_each_rule_under_its_severity() -> None:
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    for severity, title in (("error", "Errors"), ("warning", "Warnings"), ("hint", "Hints")):
        sections = re.findall(r"(?m)^### (.*)$", page.partition(f"\n## {title}\n")[2].partition("\n## ")[0])
        assert sections == sorted(rule.code for rule in RULES if rule.severity == severity)


def test_a_rule_is_one_code_and_severity_and_explains_itself() -> None:
    assert len({(rule.code, rule.severity) for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert not rule.summary.endswith(".")
        assert rule.explanation.endswith(".")
