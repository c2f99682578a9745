"""Story: runs outlive their folders, a line each. Oracle: the report of the folders, and sets of lines."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darknet_py.errors import ReportError
from darknet_py.report.again import read_report
from darknet_py.report.leaderboard.file import Results, append_results, collect, read_results
from darknet_py.report.leaderboard.record import ImageNoise, RunRecord, records_of
from darknet_py.report.leaderboard.standing import standings
from darknet_py.report.leaderboard.table import leaderboard, leaderboard_lines
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.stats import covariance
from darknet_py.stats.quantiles import t_quantile
from tests.command import Cli
from tests.report.comparison_folder import NAMES

MakeFolder = Callable[..., Path]
KEYS = ("outcome", "effect", "low", "high", "df", "method", "visible", "seeds")


@pytest.fixture(scope="module")
def folder(make_folder: MakeFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("results") / "out")


@pytest.fixture(scope="module")
def records(folder: Path) -> tuple[RunRecord, ...]:
    return collect(records_of(read_comparison(folder))).records


@pytest.fixture
def file(records: tuple[RunRecord, ...], tmp_path: Path) -> Path:
    assert append_results(tmp_path / "results.jsonl", records) == 6
    return tmp_path / "results.jsonl"


def ranking(results: Results, baseline: str | None = None, margin: float = 0.005) -> dict[str, Any]:
    return leaderboard(results, baseline=baseline, margin=margin, where="results.jsonl")


@pytest.mark.parametrize("kind", ["influence", "bootstrap"])
def test_verdicts_from_the_file_are_those_of_the_report(
    kind: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(covariance, "ENOUGH_IMAGES", 20 if kind == "influence" else 1000)
    file = tmp_path / "results.jsonl"
    append_results(file, collect(records_of(read_comparison(folder))).records)
    assert {json.loads(line)["noise"]["kind"] for line in file.read_text().splitlines()} == {kind}
    (group,) = ranking(collect(read_results(file)), NAMES[0])["groups"]
    report, _ = read_report(folder)
    found = {one["variant"]: one for one in group["verdicts"]}
    for one in report.verdicts:
        assert one.result
        for key in KEYS:
            expected = getattr(one.result, key)
            assert found[one.variant][key] == (
                pytest.approx(expected, rel=1e-6) if isinstance(expected, float) else expected
            )
        assert one.sentence.startswith(found[one.variant]["sentence"].partition(";")[0])
    assert [one["name"] for one in group["variants"]] == [NAMES[2], NAMES[1], NAMES[0]]
    assert group["variants"][2]["ap"]["runs"] == pytest.approx([409 / 1010, 432 / 1010])


def test_every_pair_is_judged_and_the_intervals_hold_for_all(file: Path) -> None:
    (group,) = ranking(collect(read_results(file)))["groups"]
    pairs = {(one["variant"], one["baseline"]): one for one in group["verdicts"]}
    assert list(pairs) == [(NAMES[2], NAMES[1]), (NAMES[2], NAMES[0]), (NAMES[1], NAMES[0])]
    alone = {
        one["variant"]: one for one in ranking(collect(read_results(file)), NAMES[0])["groups"][0]["verdicts"]
    }
    one, dunnett = pairs[NAMES[2], NAMES[0]], alone[NAMES[2]]
    assert (one["effect"], one["df"]) == (dunnett["effect"], dunnett["df"])
    half, df = (one["high"] - one["low"]) / 2, one["df"]
    deviation = (one["visible"] - half) / t_quantile(0.8, df)
    assert half / deviation == pytest.approx(t_quantile(1 - 0.05 / 3 / 2, df), rel=1e-6)


def test_a_merge_by_git_is_the_union_of_the_lines(records: tuple[RunRecord, ...], tmp_path: Path) -> None:
    ours, theirs, both = (tmp_path / name for name in ("ours.jsonl", "theirs.jsonl", "both.jsonl"))
    append_results(ours, records[:4])
    append_results(theirs, records[2:])
    lines = ours.read_text().splitlines() + theirs.read_text().splitlines()
    random.Random(0).shuffle(lines)
    both.write_text("\r\n".join(lines))
    merged = collect(read_results(both))
    assert [one.line() for one in merged.records] == [one.line() for one in records]
    assert merged.problems == ()
    assert append_results(both, records) == 0
    assert append_results(ours, records) == 2
    assert ours.read_text() == "".join(f"{line}\n" for line in sorted({*lines}))


def test_a_line_is_small_and_has_no_clock(file: Path, folder: Path) -> None:
    before = file.read_bytes()
    assert max(map(len, before.splitlines())) < 2200 + 200 * 6
    file.unlink()
    append_results(file, collect(records_of(read_comparison(folder))).records)
    assert file.read_bytes() == before


def test_damaged_lines_are_named_and_the_others_used(file: Path) -> None:
    lines = file.read_text().splitlines()
    lines[1] = lines[1][:300]
    lines[2] = lines[2].replace('"format": 1', '"format": 2')
    lines[3] = json.dumps(json.loads(lines[3]) | {"noise": {"kind": "influence", "values": "AAAA"}})
    lines.insert(4, "<<<<<<< HEAD")
    lines[5] = json.dumps(json.loads(lines[5]) | {"figures": {"ap": 41.0}})
    file.write_text("\n".join(["[]", *lines]))
    found = collect(read_results(file))
    assert len(found.records) == 2
    texts = [str(problem).replace(str(file), "FILE") for problem in found.problems]
    for text, words in zip(texts, (
        "FILE:1: error: should hold one JSON object",
        "FILE:3: error: is not JSON: ",
        "FILE:4: error: has format 2, and this program reads format 1",
        "FILE:5: error: 'noise' is damaged: 3 bytes are not the influence of 200 images",
        "FILE:6: error: is a conflict marker of git\n   = keep the lines of both sides and delete",
        "FILE:7: error: figures.ap is 41.0; it should be a score, 0..1",
    ), strict=True):  # fmt: skip
        assert text.startswith(words)
    with pytest.raises(ReportError, match=r"results.jsonl:6: error: is a conflict marker"):
        append_results(file, found.records)


def test_runs_that_contradict_each_other_are_named_and_not_used(file: Path) -> None:
    lines = file.read_text().splitlines()
    other = json.loads(lines[0]) | {"matches": "0" * 64}
    other["figures"]["ap"] = 0.5
    file.write_text("\n".join([*lines, json.dumps(other)]) + "\n")
    found = collect(read_results(file))
    assert len(found.records) == 5
    assert [str(one).replace(str(file), "FILE") for one in found.problems] == [
        "FILE:7: error: is the same run as FILE:1 (yolov3-tiny, seed 0) with AP 50.00 and 40.50: "
        "neither is used\n   = delete one of the lines"
    ]
    (group,) = standings(found.records)
    assert {one.name: sorted(one.runs) for one in group.variants}[NAMES[0]] == [1]


def test_runs_of_other_conditions_are_groups_of_their_own(file: Path) -> None:
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        if line["name"] == NAMES[2]:
            line["conditions"]["epochs"] = 8.0
    file.write_text("\n".join(map(json.dumps, lines)))
    results = collect(read_results(file))
    assert [len(one.variants) for one in standings(results.records)] == [2, 1]
    text = leaderboard_lines(results, baseline=None, margin=0.005, where=file)
    assert [line for line in text if "images" in line and "against" not in line] == [
        "scenes, 200 images, epochs 40.0", "scenes, 200 images, epochs 8.0",
    ]  # fmt: skip


def test_a_pair_without_a_common_seed_has_no_verdict(records: tuple[RunRecord, ...]) -> None:
    some = [one for one in records if (one.name, one.seed) not in {(NAMES[0], 1), (NAMES[1], 0)}]
    (group,) = standings(some)
    sentences = {(one.variant, one.baseline): one.sentence for one in group.pairs(0.005)}
    assert sentences[NAMES[1], NAMES[0]] == "no verdict: they have no seed in common"
    assert "(one seed each, 200 images)" in sentences[NAMES[2], NAMES[0]]


def test_two_cfgs_of_one_name_are_two_variants(records: tuple[RunRecord, ...]) -> None:
    (group,) = standings(replace(one, name="net") for one in records)
    assert sorted(one.name for one in group.variants) == sorted({f"net [{one.cfg[:8]}]" for one in records})
    (group,) = standings(replace(one, cfg="0", name="net", like="ab" * 8 * one.seed) for one in records[:2])
    assert sorted(one.name for one in group.variants) == ["net [like abababab]", "net [like none]"]


def test_runs_that_have_learned_nothing_have_no_verdict(records: tuple[RunRecord, ...]) -> None:
    nothing = [
        replace(one, figures=dict.fromkeys(one.figures, 0.0), noise=ImageNoise("influence", np.zeros(200)))
        for one in records
    ]
    (group,) = standings(nothing)
    assert {one.sentence for one in group.pairs(0.005)} == {
        "no verdict: neither has learned: the score of every run is 0"
    }


@pytest.mark.parametrize(("kind", "count"), [("influence", 11), ("mean", 11), ("bootstrap", 1000)])
def test_noise_is_read_as_it_was_written(kind: str, count: int) -> None:
    values = np.random.default_rng(0).normal(size=count).astype(np.float32)
    values = (values > 0).astype(np.float32) if kind == "mean" else values
    noise = ImageNoise(kind, values)
    assert ImageNoise.decoded(kind, noise.encoded(), 11).values.tolist() == values.tolist()
    with pytest.raises(ValueError, match="bytes are not the"):
        ImageNoise.decoded(kind, noise.encoded()[:-8] or "AAAA", 11)


def test_the_verb_ranks_files_and_folders(folder: Path, tmp_path: Path, cli: Cli) -> None:
    file = tmp_path / "results.jsonl"
    out = cli("report", folder, "--out", tmp_path / "o", "--append", file).printed()
    assert f"{file}: 6 of 6 runs added" in out
    for line in out.splitlines()[1:3]:
        assert line in cli("report", file, "--baseline", NAMES[0]).printed().replace(
            f" against {NAMES[0]}", ""
        )
    assert cli("report", file, folder).printed() == cli("report", file).printed()
    group = json.loads(cli("report", file, "--json", "--margin", "30").printed())["groups"][0]
    assert [one["outcome"] for one in group["verdicts"]] == ["same"] * 3
    assert not any(math.isnan(one["df"]) for one in group["verdicts"])


@pytest.mark.parametrize(
    ("content", "options", "code", "words"),
    [
        ("", (), 3, "results.jsonl: error: is empty\n   = `darknet-py report FOLDER --append FILE` adds"),
        ("{}\n", (), 3, "error: has no run that can be used\nFILE:1: warning: format is missing"),
        (None, (), 3, "FILE: error: it cannot be read: No such file"),
        (None, ("--append", "x.jsonl"), 2, "error: --out and --append are for the report of folders"),
    ],
)  # fmt: skip
def test_a_file_without_runs_is_one_message(
    tmp_path: Path, cli: Cli, content: str | None, options: tuple[str, ...], code: int, words: str
) -> None:
    file = tmp_path / "results.jsonl"
    if content is not None:
        file.write_text(content)
    outcome = cli("report", file, *options)
    assert outcome.code == code
    assert words in outcome.err.replace(str(file), "FILE") + outcome.err


def test_an_unknown_baseline_is_answered_with_the_nearest(file: Path, cli: Cli) -> None:
    outcome = cli("report", file, "--baseline", "yolov3-tiny-spq")
    assert (outcome.code, outcome.err.endswith("= did you mean `yolov3-tiny-spp`?\n")) == (2, True)
