"""Story: what is needed to run a comparison again; the oracles are the folder and the command line."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from darknet_py.cli.main import parse
from darknet_py.compare.options import options_of
from darknet_py.errors import ReportError
from darknet_py.report.report import report_json, report_markdown
from darknet_py.report.section import Report
from darknet_py.report.sections.again import command, facts_table
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.train.settings import Settings

Change = Callable[..., Path]


def test_the_options_are_those_that_decide_the_training() -> None:
    settings = Settings(recipe="darknet", evaluations=4, precision="bfloat16", compiled=True, partial=15)
    settings = replace(settings, weights=Path("/home/ann/yolov3.weights"), workers=7, checkpoint_seconds=1)
    assert options_of(settings, None) == (
        *("--recipe", "darknet", "--evaluations", "4", "--precision", "bfloat16", "--compile"),
        *("--weights", "yolov3.weights", "--partial", "15"),
    )
    assert options_of(Settings(), 2.5)[:2] == ("--epochs", "2.5")


def test_the_command_names_variants_with_their_edits(run_folder: Path, change: Change) -> None:
    change("compare.json", "options", to=["--recipe", "darknet", "--epochs", "40"])
    found = command(read_comparison(run_folder))
    assert found == (
        "darknet-py compare cfg/demo/yolov3-tiny.cfg cfg/demo/yolov3-tiny.cfg@11.section=stochpool"
        " cfg/demo/yolov3-tiny-spp.cfg --data scenes --seeds 2 --recipe darknet --epochs 40 --margin 0.5"
        " --out runs/again"
    )
    args = parse(shlex.split(found)[1:])
    assert (args.seeds, args.recipe, args.epochs, args.margin) == (
        2,
        "darknet",
        40.0,
        0.5,
    )


def test_hostile_words_are_quoted(run_folder: Path, change: Change) -> None:
    change("compare.json", "options", to=["--weights", "a b; rm -rf $HOME`id`'\x1b"])
    words = shlex.split(command(read_comparison(run_folder)))
    assert words[words.index("--weights") + 1] == "a b; rm -rf $HOME`id`'\x1b"
    text = report_markdown(Report.of(read_comparison(run_folder)))
    assert "\x1b" not in text


def test_digests_and_versions_are_listed_and_differences_shown(run_folder: Path, change: Change) -> None:
    for seed in (0, 1):
        for name in ("yolov3-tiny", "yolov3-tiny-stochpool", "yolov3-tiny-spp"):
            file = f"runs/{name}/seed-{seed}/result.json"
            change(file, "fingerprint", to={"cfg": f"{len(name):x}" * 32, "weights": None, "seed": seed})
            change(file, "environment", to={"torch": f"2.{seed}", "darknet-py": "0.1.0 abc"})
    rows = dict(facts_table(read_comparison(run_folder)).rows)
    assert rows["torch"] == "2.0; 2.1"
    assert (rows["weights"], rows["darknet-py"]) == ("none", "0.1.0 abc")
    assert "seed" not in rows
    assert len(rows["cfg of yolov3-tiny-stochpool"]) == 16


def test_without_stored_options_the_report_says_so(run_folder: Path) -> None:
    found = report_json(Report.of(read_comparison(run_folder)))["again"]
    assert found["remark"].startswith("Recipe, length and weights were not stored")


@pytest.mark.parametrize("options", ["--epochs", [1], {}])
def test_damaged_options_are_refused(run_folder: Path, change: Change, options: object) -> None:
    change("compare.json", "options", to=options)
    with pytest.raises(ReportError, match="a list of texts"):
        read_comparison(run_folder)
