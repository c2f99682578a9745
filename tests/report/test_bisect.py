"""Story: which of several edits made a difference. Oracle: scores with a planted effect of each edit."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Collection, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from darknet_py.errors import UsageError
from darknet_py.report.bisect import Bisection
from darknet_py.report.edit_steps import bisection
from darknet_py.report.leaderboard.record import ImageNoise, RunRecord
from darknet_py.report.leaderboard.standing import standings
from tests.command import Cli
from tests.report.comparison_folder import CFG, NAMES

Change = Callable[..., Path]
EDITS = ("3.size=5", "7.size=5", "9.stride=1")
ORIGIN, IMAGES, SEEDS = "cfg/net.cfg", 300, 3


def run_of(edits: Collection[str], score: float, seed: int) -> RunRecord:
    """A run with this score, to which every image contributes about the same."""
    named = tuple(edit for edit in EDITS if edit in edits)
    name = f"net@{','.join(named)}" if named else "net"
    draw = np.random.default_rng(len(name) + 97 * seed)
    shared = np.random.default_rng(5).normal(0, 1e-3, IMAGES) / IMAGES
    noise = ImageNoise("influence", (shared + draw.normal(0, 1e-4, IMAGES) / IMAGES).astype(np.float32))
    conditions = {"task": "detection", "images": IMAGES, "epochs": 8.0, "partial": 15, "precision": "float32"}
    figures = {"ap": score + 0.001 * (seed - 1), **dict.fromkeys(("ap50", "ap75"), 0.5)}
    figures |= dict.fromkeys(("ap_small", "ap_medium", "ap_large"))
    return RunRecord(
        name, seed, name, "", ORIGIN, named, "scenes", conditions, f"{name}{seed}", figures, 1, 1.0, noise
    )


def runs(
    effects: Sequence[float], *, reinforced: float = 0.0, without: Collection[str] = ()
) -> list[RunRecord]:
    """Runs of every set of edits that a bisection needs, and of no other."""
    chosen = [(), *((edit,) for edit in EDITS), *combinations(EDITS, 2), EDITS]
    found = []
    for edits in chosen:
        score = 0.4 + sum(effect for edit, effect in zip(EDITS, effects, strict=True) if edit in edits)
        score += reinforced * (EDITS[0] in edits and EDITS[1] in edits)
        if ",".join(edits) not in without:
            found += [run_of(edits, score + 0.0002 * len(edits), seed) for seed in range(SEEDS)]
    return found


def bisected(records: Sequence[RunRecord], **options: str) -> Bisection:
    name = f"net@{','.join(EDITS)}"
    settings = {"baseline": options.get("baseline"), "texts": {}, "margin": 0.005, "folder": None}
    return bisection(standings(records), name, **settings)


def test_the_edit_with_the_effect_is_found() -> None:
    found = bisected(runs((0.0, 0.05, 0.0)))
    assert found.base.name == "net"
    assert (found.missing, found.command) == ((), "")
    assert [step.edit for step in found.steps] == list(EDITS)
    outcomes = [
        (step.alone and step.alone.result and step.alone.result.outcome,
         step.on_top and step.on_top.result and step.on_top.result.outcome)
        for step in found.steps
    ]  # fmt: skip
    assert outcomes == [("same", "same"), ("better", "better"), ("same", "same")]
    assert found.answer() == "7.size=5 makes it better; of 3.size=5, 9.stride=1 nothing is shown"
    assert found.interaction
    assert found.interaction.effect == pytest.approx(0, abs=1e-9)


def test_edits_that_work_together_alone_are_named_and_their_interaction() -> None:
    found = bisected(runs((0.0, 0.0, 0.0), reinforced=0.08))
    assert found.answer() == "3.size=5 and 7.size=5 make it better; of 9.stride=1 nothing is shown"
    assert found.interaction
    assert found.interaction.effect == pytest.approx(0.08)
    text = "\n".join(found.lines())
    words = "together, against the sum of each alone: more than the sum, so edits interact: +8.0 AP, 95 % "
    assert words in text


def test_edits_against_each_other_leave_nothing_to_explain() -> None:
    found = bisected(runs((0.03, -0.03, 0.0)))
    assert found.answer().startswith("there is no difference to explain: the same for practical purposes")
    assert [step.alone and step.alone.result and step.alone.result.outcome for step in found.steps] == [
        "better", "worse", "same",
    ]  # fmt: skip


def test_what_is_missing_becomes_a_command() -> None:
    missing = (EDITS[1], ",".join(EDITS[:2]))
    found = bisected(runs((0.0, 0.05, 0.0), without=missing))
    assert found.missing == tuple(f"{ORIGIN}@{edits}" for edits in missing)
    assert found.answer() == "not known yet: 2 variants with some of its edits would have to be trained"
    assert shlex.split(found.command) == [
        "darknet-py", "compare", ORIGIN, *found.missing, "--data", "scenes", "--seeds", "3", "--epochs", "8",
        "--partial", "15", "--out", "runs/bisect",
    ]  # fmt: skip
    assert found.lines()[3] == "  7.size=5 alone: not trained"
    assert found.interaction is None
    value = found.to_json()
    assert (value["edits"][1]["alone"], value["interaction"], value["command"]) == (None, None, found.command)
    assert value["verdict"]["outcome"] == "better"


def test_the_intervals_hold_for_all_comparisons_at_once() -> None:
    criterion = bisected(runs((0.0, 0.05, 0.0))).criterion
    assert criterion.confidence == pytest.approx(1 - 0.05 / 7)
    assert criterion.comparisons == 1


def test_one_edit_needs_no_bisection() -> None:
    with pytest.raises(UsageError, match=r"differs from net@3.size=5,7.size=5 in `9.stride=1` alone"):
        bisected(runs((0.0, 0.0, 0.0)), baseline="net@3.size=5,7.size=5")


def test_without_a_baseline_and_without_folders_that_is_said() -> None:
    rest = [one for one in runs((0.0, 0.0, 0.0)) if one.edits == EDITS]
    with pytest.raises(UsageError, match=r"no run of cfg/net.cfg with fewer edits than net@"):
        bisected(rest)


def test_the_verb_names_what_to_train_in_the_same_folder(run_folder: Path, change: Change, cli: Cli) -> None:
    change("compare.json", "variants", 2, "cfg", to="cfg/demo/yolov3-tiny.cfg")
    change("compare.json", "variants", 2, "edits", to=["11.section=stochpool", "12.size=5"])
    out = cli("report", run_folder, "--bisect", NAMES[2]).printed().splitlines()
    assert out[0].startswith(f"{NAMES[2]} against {NAMES[1]}: ") is False
    assert out[1].startswith("  11.section=stochpool alone: ")
    assert "not trained" not in out[1]
    assert out[3] == "  12.size=5 alone: not trained"
    base, there = "cfg/demo/yolov3-tiny.cfg", "@11.section=stochpool,12.size=5"
    command = f"darknet-py compare {base} {base}{there} {base}@11.section=stochpool {base}@12.size=5"
    assert f"  {command} --data scenes --seeds 2 --epochs 40 --out {run_folder}" in out


def test_two_cfgs_are_divided_by_their_structure(run_folder: Path, cli: Cli) -> None:
    text = CFG.format(pool="maxpool")
    for seed in (0, 1):
        home = run_folder / "runs" / NAMES[2] / f"seed-{seed}" / "net.cfg"
        home.write_text(text.replace("filters=16", "filters=24").replace("size=2", "size=3"))
    value = json.loads(cli("report", run_folder, "--bisect", NAMES[2], "--json").printed())
    assert [one["edit"] for one in value["edits"]] == ["0.filters=24", "1.size=3"]
    assert value["missing"] == [f"cfg/demo/yolov3-tiny.cfg@{edit}" for edit in ("0.filters=24", "1.size=3")]


def test_an_added_layer_cannot_be_divided(run_folder: Path, cli: Cli) -> None:
    outcome = cli("report", run_folder, "--bisect", NAMES[2])
    assert outcome.code == 2
    assert outcome.err.startswith(f"error: {NAMES[2]} cannot be divided into edits of keys: layer ")
    outcome = cli("report", run_folder, "--bisect", "yolov3-tinny")
    assert outcome.err == "error: no variant is called yolov3-tinny\n   = did you mean `yolov3-tiny`?\n"
