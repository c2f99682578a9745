"""Story: comparisons that grow in stages, with drawn scores in the place of trainings.

Oracle: the same comparison without an interruption, and the scores that were drawn.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from darknet_py.__main__ import main
from darknet_py.compare.experiment import Experiment
from darknet_py.compare.growth import grow
from darknet_py.errors import ReportError, UsageError
from darknet_py.report.report import write_report
from darknet_py.runs.folders import ComparisonFolder, RunFolder
from darknet_py.runs.merging import merge
from darknet_py.runs.plan_file import ComparisonPlan, PlannedVariant, Until, check_until, write_plan
from darknet_py.runs.read_comparison import read_comparison, with_baseline
from tests.cli.test_bad_input import CFG
from tests.report.comparison_folder import cfg_text, log_text, matches_of, result, wobble, write_json

NAMES = ("yolov3-tiny", "alike", "narrow")
MEANS = (450, 452, 300)  # AP x 1010
SECONDS = 100.0


@dataclass(frozen=True)
class Named:
    name: str


@dataclass(frozen=True)
class Planned:
    out: Path


@dataclass(frozen=True)
class Drawn:
    """An experiment whose trainings are drawn; it is killed before it finishes more than `left` runs."""

    out: Path
    until: Until
    seeds: int = 2
    leaving: dict[str, int] = field(default_factory=dict)
    trained: list[str] = field(default_factory=list)
    left: int = 1000

    variants = tuple(map(Named, NAMES))

    @property
    def plans(self) -> list[Any]:
        wanted = [(n, s) for s in range(self.seeds) for n in NAMES if s < self.leaving.get(n, self.seeds)]
        return [Planned(ComparisonFolder(self.out).run(*one).path) for one in wanted]

    def run(self, *, print_line: Any, progress: Any) -> None:
        entries = tuple(PlannedVariant(name, f"{name}.cfg", ()) for name in NAMES)
        write_plan(
            self.out / "compare.json",
            ComparisonPlan("scenes", 40, tuple(range(self.seeds)), entries, until=self.until),
        )
        for run in (RunFolder(plan.out) for plan in self.plans):
            row, seed = NAMES.index(run.path.parent.name), int(run.path.name.removeprefix("seed-"))
            if run.finished:
                print_line(f"{run.path}: finished before")
                continue
            if len(self.trained) == self.left:
                raise KeyboardInterrupt
            self.trained.append(str(run.path))
            points = MEANS[row] + round(9 * wobble(row, seed))
            record = result(0, 0, name=NAMES[row], classes=("disc",))
            record["scores"]["ap"], record["seed"] = points / 1010, seed
            record["training"]["seconds"] = SECONDS
            write_json(run.result, record)
            matches_of(points, seed=seed).save(run.matches)
            run.cfg.write_text(cfg_text(0))
            run.log.write_text(log_text(0, seed, 0.5))


def grow_to_report(drawn: Drawn) -> tuple[dict[str, Any], list[str]]:
    drawn.out.mkdir(exist_ok=True)
    write_json(drawn.out / "latency.json", {"variants": {}})
    lines: list[str] = []
    grow(cast("Experiment", drawn), print_line=lines.append, progress=cast("Any", None))
    write_report(drawn.out)
    return json.loads((drawn.out / "report.json").read_text()), lines


def test_a_worse_variant_leaves_and_is_judged_with_the_seeds_of_its_look(tmp_path: Path) -> None:
    report, lines = grow_to_report(Drawn(tmp_path / "out", Until(most=8)))
    stages, (alike, narrow) = report["stages"], report["verdicts"]
    assert (narrow["outcome"], narrow["effect"]) == ("worse", pytest.approx(-150 / 1010, abs=0.02))
    assert stages["variants"]["narrow"]["reason"] == "resolved"
    assert stages["variants"]["narrow"]["seeds"] == narrow["seeds"] < alike["seeds"]
    looks = {one["seeds"]: one["level"] for one in stages["looks"]}
    assert 1 - narrow["confidence"] == pytest.approx(looks[narrow["seeds"]])
    assert stages["looked"] == list(looks).index(alike["seeds"]) + 1
    assert stages["stopped"]
    assert lines[-1] == stages["sentence"]
    assert lines[-1].startswith("stopped: resolved: ")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Stages" in page
    assert lines[-1][1:] in page
    assert "Not finished" not in page, "no run is missing: the variant has left"
    assert "have ended" not in page
    assert "unfinished" not in report


@pytest.mark.parametrize("runs", [5, 7])
def test_a_comparison_that_was_killed_goes_on_to_the_same_report(tmp_path: Path, runs: int) -> None:
    whole = Drawn(tmp_path / "whole", Until(most=8))
    grow_to_report(whole)
    killed = Drawn(tmp_path / "killed", Until(most=8), left=runs)
    with pytest.raises(KeyboardInterrupt):
        grow_to_report(killed)
    assert len(killed.trained) == runs
    resumed = Drawn(killed.out, Until(most=8))
    grow_to_report(resumed)
    again = [Path(path).relative_to(killed.out) for path in killed.trained + resumed.trained]
    assert again == [Path(path).relative_to(whole.out) for path in whole.trained], "none is trained twice"
    for name in ("compare.json", "report.json", "report.md", "report.html"):
        assert (killed.out / name).read_bytes() == (whole.out / name).read_bytes()


def test_a_report_between_two_looks_names_what_is_to_come(tmp_path: Path) -> None:
    killed = Drawn(tmp_path / "out", Until(most=8), left=4)
    with pytest.raises(KeyboardInterrupt):
        grow_to_report(killed)
    for name in NAMES[1:]:
        run = ComparisonFolder(killed.out).run(name, 0)
        assert run.finished
    write_report(killed.out)
    report = json.loads((killed.out / "report.json").read_text())
    assert not report["stages"]["stopped"]
    assert report["stages"]["looked"] == 0
    assert report["unfinished"] == {
        "ended": 4,
        "planned": 6,
        "left": {"alike": 1, "narrow": 1},
        "seconds_left": 200.0,
    }
    assert [one["outcome"] for one in report["verdicts"]] == ["unclear", "unclear"]
    assert "no look at it yet" in report["verdicts"][0]["sentence"]


def test_a_comparison_that_grew_keeps_its_baseline_and_is_not_merged(tmp_path: Path) -> None:
    grow_to_report(Drawn(tmp_path / "out", Until(most=2)))
    comparison = read_comparison(tmp_path / "out")
    assert with_baseline(comparison, NAMES[0], where="out") == comparison
    with pytest.raises(UsageError, match="keeps its baseline"):
        with_baseline(comparison, NAMES[1], where="out")
    with pytest.raises(ReportError, match="b: error: a comparison that grew in stages is not merged"):
        merge({Path("a"): replace(comparison, until=None), Path("b"): comparison})


@pytest.mark.parametrize(("seeds", "trained"), [(1.5, 1), (3.5, 3)])
def test_a_budget_is_kept(tmp_path: Path, seeds: float, trained: int) -> None:
    budget = seeds * len(NAMES) * SECONDS
    drawn = Drawn(tmp_path / "out", Until(most=50, budget=budget))
    report, lines = grow_to_report(drawn)
    assert report["stages"]["spent_seconds"] == len(drawn.trained) * SECONDS <= budget
    assert len(drawn.trained) >= trained * (len(NAMES) - 1)
    if trained == 1:
        assert lines[-1].startswith("stopped by the budget of 7.5 min: 5.0 min are spent, and 2 seeds of")
    else:
        assert report["stages"]["looks"][-1]["seeds"] == trained, "the last look is within the budget"


@pytest.mark.parametrize(
    ("planned", "asked", "message"),
    [
        (None, Until(8), "has a comparison of fixed size"),
        (Until(8), None, "was planned with --until resolved"),
        (Until(8), Until(9), "was planned with --seeds 8 and a budget of none"),
        (Until(8, 60.0), Until(8), "was planned with --seeds 8 and a budget of 60 s"),
    ],
)
def test_another_rule_than_the_planned_one_is_refused(
    tmp_path: Path, planned: Until | None, asked: Until | None, message: str
) -> None:
    file = tmp_path / "compare.json"
    check_until(file, asked)
    plan = ComparisonPlan("scenes", 1, (0,), (PlannedVariant("a", "a.cfg", ()),), until=planned)
    write_plan(file, plan)
    check_until(file, planned)
    with pytest.raises(UsageError, match=message):
        check_until(file, asked)


@pytest.mark.parametrize("text", ["6", "6x", "0h", "-1h", "30m1h", "1h1h", "nanh", "9999d", "h", "٣h"])
def test_a_budget_that_is_no_time_gets_one_message(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", "a.cfg", "b.cfg", "--data", "scenes", "--out", "o", "--until", "resolved"]
    with pytest.raises(SystemExit) as stopped:
        main([*words, f"--budget={text}"])
    assert stopped.value.code == 2
    printed = capsys.readouterr().err
    assert printed.count("error:") == 1
    assert f"argument --budget: '{text}' is no" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--budget", "6h"], "add --until resolved"),
        (["--pilot", "runs/a"], "add --plan"),
        (["--until", "resolved"], "there is no other"),
        (["small.cfg@0.filters=18", "--until", "resolved", "--seeds", "1"], "--seeds is less"),
        (["small.cfg@0.filters=18", "--until", "resolved", "--list-runs"], "--list-runs does not"),
        (["--plan", "--ray", "local"], "give one of them"),
    ],
)
def test_options_that_need_or_exclude_each_other_are_named(
    words: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.cfg").write_text(CFG)
    data = ["--data", "scenes:train=4,val=2,size=96", "--out", "o"]
    monkeypatch.setattr("darknet_py.compare.ray_tasks.require_ray", lambda: None)
    assert main(["compare", "small.cfg", *words, *data]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("error:") == 1
    assert not Path("o").exists()
