"""Story: reports are made again from folders. Oracle: the report that was written first, and its figures."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import darknet_py
from darknet_py.errors import DarknetPyError
from darknet_py.report.again import read_report
from darknet_py.report.report import write_report
from darknet_py.report.sections.notes import notes
from tests.command import Cli
from tests.report.comparison_folder import NAMES, write_json

FILES = ("report.html", "report.md", "report.json")
MakeFolder = Callable[..., Path]


def edit(file: Path, *keys: str | int, to: object) -> None:
    """Change one value of a JSON file."""
    content = json.loads(file.read_text())
    part = content
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = to
    write_json(file, content)


def drop(folder: Path, variant: str) -> None:
    """Take a variant out of a comparison."""
    plan = json.loads((folder / "compare.json").read_text())
    plan["variants"] = [one for one in plan["variants"] if one["name"] != variant]
    write_json(folder / "compare.json", plan)
    shutil.rmtree(folder / "runs" / variant)


@pytest.fixture
def halves(make_folder: MakeFolder, tmp_path: Path) -> tuple[Path, Path]:
    """A comparison in two folders that share the baseline."""
    a, b = make_folder(tmp_path / "a"), make_folder(tmp_path / "b")
    drop(a, NAMES[2])
    drop(b, NAMES[1])
    return a, b


def refusal(*folders: Path, **options: Any) -> str:
    with pytest.raises(DarknetPyError) as caught:
        darknet_py.report(*folders, **options)
    return re.sub(r"\S*/(?=[ab]\b)", "", str(caught.value))


def test_a_report_made_again_has_the_same_bytes(run_folder: Path, cli: Cli) -> None:
    write_report(run_folder)
    before = {name: (run_folder / name).read_bytes() for name in FILES}
    for name in FILES:
        (run_folder / name).unlink()
    out = cli("report", run_folder, "--json").printed()
    assert {name: (run_folder / name).read_bytes() for name in FILES} == before
    assert json.loads(out) == json.loads(before["report.json"])


def test_another_baseline_and_margin_are_taken_without_a_training(run_folder: Path, tmp_path: Path) -> None:
    ours, _ = read_report(run_folder)
    found = darknet_py.report(run_folder, out=tmp_path / "new" / "one", baseline=NAMES[2], margin=0.3)
    assert [one.variant for one in found.verdicts] == list(NAMES[:2])
    assert found.verdicts[0].effect == pytest.approx(-(ours.verdicts[1].effect or 0))
    assert [one.outcome for one in (*ours.verdicts, *found.verdicts)] == ["unclear", "better", "same", "same"]
    assert (
        json.loads((tmp_path / "new" / "one" / "report.json").read_text())["verdicts"][0]["outcome"] == "same"
    )
    assert "compare with " not in refusal(run_folder, baseline="yolov3-tiny-sp")
    assert "= did you mean `yolov3-tiny-spp`?" in refusal(run_folder, baseline="yolov3-tiny-sp")
    assert refusal(run_folder, margin=5.0).startswith(
        "error: margin is 5, expected a difference of scores, 0 to 1"
    )


def test_halves_that_share_a_baseline_are_one_comparison(
    halves: tuple[Path, Path], make_folder: MakeFolder, tmp_path: Path
) -> None:
    complete, _ = read_report(make_folder(tmp_path / "complete"))
    merged = darknet_py.report(*halves, out=tmp_path / "both")
    assert merged.verdicts == complete.verdicts
    assert notes(merged.comparison) == [
        "Latencies were measured at different times; those of one folder took turns."
    ]
    assert (tmp_path / "both" / "report.html").is_file()
    assert not (halves[0] / "report.html").exists()


def test_seeds_of_one_variant_in_two_folders_are_its_runs(make_folder: MakeFolder, tmp_path: Path) -> None:
    parts = []
    for name, seed in (("a", 0), ("b", 1)):
        parts.append(make_folder(tmp_path / name))
        for run in parts[-1].glob(f"runs/*/seed-{1 - seed}"):
            shutil.rmtree(run)
        edit(parts[-1] / "compare.json", "seeds", to=[seed])
    merged, _ = read_report(*parts, out=tmp_path / "both")
    assert merged.comparison.seeds == (0, 1)
    assert merged.verdicts == read_report(make_folder(tmp_path / "complete"))[0].verdicts


def test_a_run_that_was_trained_twice_with_other_scores_is_noted(
    halves: tuple[Path, Path], tmp_path: Path
) -> None:
    edit(halves[1] / "runs/yolov3-tiny/seed-1/result.json", "scores", "ap", to=0.5)
    merged = read_report(*halves, out=tmp_path / "both")[0].comparison
    assert merged.baseline.values("ap") == pytest.approx((409 / 1010, 432 / 1010))
    assert "Seed 1 of yolov3-tiny was trained twice, with AP 42.8 and 50.0: that of a is used." in notes(
        merged
    )


def test_notes_and_runs_that_were_not_finite_are_kept(halves: tuple[Path, Path], tmp_path: Path) -> None:
    run = halves[1] / "runs" / NAMES[2] / "seed-1"
    (run / "result.json").unlink()
    write_json(run / "not-finite.json", {"message": "loss is NaN"})
    merged = read_report(*halves, out=tmp_path / "both")[0].comparison
    assert merged.variants[2].not_finite == {1: "loss is NaN"}
    assert "Not finite, and left out: yolov3-tiny-spp, seed 1: loss is NaN." in notes(merged)


def test_latencies_of_other_settings_are_left_out(halves: tuple[Path, Path], tmp_path: Path) -> None:
    edit(halves[1] / "latency.json", "threads", to=4)
    merged = read_report(*halves, out=tmp_path / "both")[0].comparison
    assert [variant.latency for variant in merged.variants] == [None] * 3
    assert notes(merged) == ["Latencies are left out: they were measured in different settings."]


@pytest.mark.parametrize(
    ("file", "keys", "value", "words"),
    [
        ("compare.json", ("epochs",), 8, "epochs is 8.0, and 40.0 there"),
        ("compare.json", ("margin",), 0.02, "margin is 0.02, and 0.005 there"),
        ("runs/*/*/result.json", ("data", "fingerprint"), "77",
         "data.fingerprint is 77, and 5e5e5e5e5e5e5e5e5e5e5e5… there"),
        ("runs/*/*/result.json", ("scores", "protocol", "split"), "test",
         "scores.protocol.split is test, and val there"),
        ("runs/*/*/result.json", ("fingerprint",), {"precision": "bfloat16", "weights": "ab"},
         "weights is ab, and None there; precision is bfloat16, and float32 there"),
    ],
)  # fmt: skip
def test_what_cannot_be_merged_is_named(
    halves: tuple[Path, Path], file: str, keys: tuple[str, ...], value: object, words: str, tmp_path: Path
) -> None:
    for run in halves[0].glob("runs/*/*/result.json"):
        edit(run, "fingerprint", to={"weights": None, "precision": "float32", "cfg": "1"})
    for path in halves[1].glob(file):
        edit(path, *keys, to=value)
    assert refusal(*halves, out=tmp_path / "both") == (
        f"b: error: cannot be merged with a: {words}\n"
        "   = runs are comparable on the same data, with the same protocol and recipe"
    )
    assert not (tmp_path / "both").exists()


def test_a_variant_with_another_cfg_is_named_with_the_line(halves: tuple[Path, Path], tmp_path: Path) -> None:
    for cfg in halves[1].glob("runs/yolov3-tiny/*/net.cfg"):
        cfg.write_text(cfg.read_text().replace("batch=16", "batch=8"))
    words = "yolov3-tiny has another net.cfg, in line 3: batch=8, and batch=16 there"
    assert words in refusal(*halves, out=tmp_path / "both")


def test_a_merged_report_needs_a_folder_of_its_own(halves: tuple[Path, Path]) -> None:
    assert refusal(*halves) == (
        "error: 2 comparisons are merged into a report of their own\n"
        "   = name a folder for the merged report: --out FOLDER"
    )
    assert refusal(*halves, out=halves[1]).startswith("b: error: is one of the comparisons that are merged")


def test_a_folder_that_is_no_comparison_is_named_for_what_it_is(run_folder: Path, cli: Cli) -> None:
    (run_folder.parent / "single").mkdir()
    shutil.copy(run_folder / "runs/yolov3-tiny/seed-0/net.cfg", run_folder.parent / "single")
    single = "is the folder of a single training, and is no comparison\n   = "
    other = "has no compare.json, and is no comparison\n   = "
    for name, words in {
        "nothing": "there is no such folder\n   = name the --out of a `compare`",
        "single": f"{single}`darknet-py runs` lists",
        "out/runs": f"{other}it is part of ",
        "out/runs/yolov3-tiny/seed-0": f"{single}it is part",
        ".": f"{other}below it are ",
    }.items():
        outcome = cli("report", run_folder.parent / name)
        assert outcome.code == 2
        assert f": error: {words}" in outcome.err


def test_a_comparison_whose_first_run_is_not_finished_says_so(run_folder: Path, cli: Cli) -> None:
    (run_folder / "compare.json").unlink()
    for result in run_folder.glob("runs/*/*/result.json"):
        result.unlink()
    outcome = cli("report", run_folder)
    words = "none of its runs has finished\n   = the same `compare` command resumes it\n"
    assert (outcome.code, outcome.err) == (3, f"{run_folder}: error: {words}")


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("compare.json", b"{", "compare.json: error: it is not JSON"),
        ("latency.json", b"[]", "latency.json: error: it should hold one JSON object"),
        ("runs/yolov3-tiny/seed-0/result.json", b"", "seed-0/result.json: error: it is not JSON"),
        ("runs/yolov3-tiny/seed-0/matches.npz", b"PK", "matches.npz: error: is no file of matches"),
    ],
)  # fmt: skip
def test_damage_is_one_message_and_nothing_is_written(
    run_folder: Path, cli: Cli, file: str, content: bytes, words: str
) -> None:
    (run_folder / file).write_bytes(content)
    outcome = cli("report", run_folder)
    assert (outcome.code, words in outcome.err, outcome.err.count("error:")) == (3, True, 1)
    assert not list(run_folder.glob("report.*"))
