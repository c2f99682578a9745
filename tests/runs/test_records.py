"""Story and errors: what a folder of runs must hold; the oracle is the folder that the fixture writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from darknet_py.errors import ReportError
from darknet_py.files.json_fields import name_if_absolute
from darknet_py.report.sections.notes import notes
from darknet_py.runs.curves import Curves, read_curves, thin
from darknet_py.runs.read_comparison import read_comparison

Change = Callable[..., Path]
SPP_RESULT = "runs/yolov3-tiny-spp/seed-1/result.json"


def refusal(folder: Path) -> str:
    with pytest.raises(ReportError) as caught:
        read_comparison(folder)
    return str(caught.value).replace(str(folder), "OUT")


def test_a_folder_is_read_completely(run_folder: Path) -> None:
    comparison = read_comparison(run_folder)
    assert [variant.name for variant in comparison.variants] == [
        "yolov3-tiny",
        "yolov3-tiny-stochpool",
        "yolov3-tiny-spp",
    ]
    assert comparison.baseline.values("ap") == pytest.approx((0.40495, 0.42772), abs=1e-5)
    assert comparison.baseline.values("ap_large") == (None, None)
    assert comparison.variants[1].edits == ("11.section=stochpool",)
    assert comparison.variants[2].network.reach == (702, 702)
    assert comparison.variants[2].latency is not None
    assert comparison.variants[2].latency.median == 6.8
    assert (comparison.seeds, comparison.epochs, comparison.data.images) == ((0, 1), 40.0, 200)


def test_an_incomplete_last_line_of_a_log_is_skipped(run_folder: Path) -> None:
    curves = read_comparison(run_folder).baseline.runs[0].curves
    assert len(curves.loss) == 250
    assert len(curves.figures["ap50"]) == 10
    assert curves.figures["ap50"][-1][0] == 40.0


def test_of_an_iteration_that_was_logged_twice_the_later_line_counts(tmp_path: Path) -> None:
    lines = [
        '{"iteration": 20, "epoch": 1, "loss": 5}',
        '{"iteration": 40, "epoch": 2, "loss": 4}',
        '{"iteration": 60, "ep{"iteration": 40, "epoch": 2, "loss": 3}',
        '{"iteration": 40, "epoch": 2, "loss": 3.5}',
        '{"iteration": 60, "epoch": 3, "loss": NaN}',
        "[1, 2]",
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    assert read_curves(tmp_path / "log.jsonl", figures=["ap50"]) == Curves(
        loss=((1.0, 5.0), (2.0, 3.5)), figures={"ap50": ()}
    )


def test_thinning_averages_neighbours() -> None:
    points = tuple((float(x), 2.0 * x) for x in range(1000))
    few = thin(points, 200)
    assert len(few) == 200
    assert few[0] == (2.0, 4.0)
    assert thin((), 200) == ()


def test_an_unfinished_run_is_missing_and_the_others_count(run_folder: Path) -> None:
    (run_folder / SPP_RESULT).unlink()
    variant = read_comparison(run_folder).variants[2]
    assert variant.missing == (1,)
    assert variant.values("ap") == pytest.approx((0.55149,), abs=1e-5)


def test_a_variant_without_any_finished_run_is_left_out_and_named(run_folder: Path) -> None:
    for seed in (0, 1):
        (run_folder / f"runs/yolov3-tiny-spp/seed-{seed}/result.json").unlink()
    found = read_comparison(run_folder)
    assert [variant.name for variant in found.variants] == ["yolov3-tiny", "yolov3-tiny-stochpool"]
    assert found.absent == ("yolov3-tiny-spp",)
    assert notes(found) == ["Not finished, and left out: yolov3-tiny-spp, every seed."]


def test_without_a_finished_baseline_the_next_variant_takes_its_place(run_folder: Path) -> None:
    for seed in (0, 1):
        (run_folder / f"runs/yolov3-tiny/seed-{seed}/result.json").unlink()
    found = read_comparison(run_folder)
    assert found.baseline.name == "yolov3-tiny-stochpool"
    assert notes(found) == [
        "Not finished, and left out: yolov3-tiny, every seed.",
        "The baseline is yolov3-tiny-stochpool in the place of yolov3-tiny.",
    ]


def test_a_comparison_without_any_finished_run_is_refused(run_folder: Path) -> None:
    for result in run_folder.glob("runs/*/*/result.json"):
        result.unlink()
    assert refusal(run_folder) == (
        "OUT: error: none of its 6 runs has finished\n   = the same `compare` command resumes it"
    )


def test_runs_on_other_data_are_never_compared(run_folder: Path, change: Change) -> None:
    change(SPP_RESULT, "data", "fingerprint", to="77")
    assert re.fullmatch(
        r"OUT/runs/yolov3-tiny-spp/seed-1/result.json: error: data.fingerprint is 77, and (5e)+ in "
        r"\S*/runs/yolov3-tiny/seed-0/result.json: they cannot be compared",
        refusal(run_folder),
    )


@pytest.mark.parametrize(
    ("keys", "value", "words"),
    [
        (("format",), 2, "it has format 2, and this program reads format 1"),
        (("scores", "ap"), 1.7, "scores.ap is 1.7; it should be a score, 0..1"),
        (("scores", "ap"), float("nan"), "scores.ap is NaN; it should be a score, 0..1"),
        (("scores", "ap50"), -1, "scores.ap50 is -1; it should be a score, 0..1, or null"),
        (("scores", "ap"), "0.4", 'scores.ap is "0.4"; it should be a score'),
        (("scores", "ap"), True, "scores.ap is true; it should be a score"),
        (("scores", "per_class", "ring"), 3, "scores.per_class.ring is 3; it should be a score"),
        (("scores", "per_class"), {"disc": 0.1}, "data.classes disagree about cross, ring"),
        (("scores", "protocol", "split"), "test", "scores.protocol.split is test, and val in"),
        (("data", "classes"), ["ring", 3], 'data.classes is ["ring", 3]; it should be a list of texts'),
        (("network", "parameters"), 2.5, "network.parameters is 2.5; it should be a whole number"),
        (("network", "parameters"), 7, "the network is not that of"),
        (("network", "reach"), [3], "network.reach is [3]; it should be two whole numbers"),
        (("network", "bflops"), 10**400, "network.bflops is 1000"),
        (("training",), None, "training is null; it should be an object"),
        (("seed",), 5, "it is the result of yolov3-tiny-spp, seed 5"),
    ],
)  # fmt: skip
def test_a_damaged_result_is_refused(
    run_folder: Path, change: Change, keys: tuple[str, ...], value: object, words: str
) -> None:
    change(SPP_RESULT, *keys, to=value)
    text = refusal(run_folder)
    assert text.startswith("OUT/runs/yolov3-tiny-spp/seed-1/result.json: error: ")
    assert words in text


def test_other_classes_are_refused_even_in_another_order(run_folder: Path, change: Change) -> None:
    change(SPP_RESULT, "data", "classes", to=["ring", "disc", "square", "cross", "triangle", "star"])
    assert "data.classes is (" in refusal(run_folder)


@pytest.mark.parametrize(
    "file", ["compare.json", f"{Path(SPP_RESULT).parent}/net.cfg", "runs/yolov3-tiny/seed-0/log.jsonl"]
)
def test_a_missing_file_is_named(run_folder: Path, file: str) -> None:
    (run_folder / file).unlink()
    assert refusal(run_folder) == f"OUT/{file}: error: it cannot be read: No such file or directory"


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "\x00", "[" * 100_000, '{"a": ' * 50_000, '{"format": 1e999}']
)
def test_a_result_that_is_no_result_is_refused(run_folder: Path, text: str) -> None:
    (run_folder / SPP_RESULT).write_text(text)
    assert refusal(run_folder).startswith(f"OUT/{SPP_RESULT}: error: ")


@pytest.mark.parametrize("name", ["", ".", "..", "../out", "/etc", "a\\b", "a\0b"])
def test_a_variant_that_would_leave_the_folder_is_refused(
    run_folder: Path, change: Change, name: str
) -> None:
    change("compare.json", "variants", 1, "name", to=name)
    assert "cannot be the name of a folder" in refusal(run_folder)


def test_a_name_that_comes_twice_is_refused(run_folder: Path, change: Change) -> None:
    change("compare.json", "variants", 1, "name", to="yolov3-tiny")
    assert refusal(run_folder) == "OUT/compare.json: error: it needs variants and seeds, each named once"


def test_a_comparison_without_latency_is_read(run_folder: Path) -> None:
    (run_folder / "latency.json").unlink()
    assert read_comparison(run_folder).variants[0].latency is None


def test_absolute_paths_keep_their_last_part_only(run_folder: Path, change: Change) -> None:
    change("compare.json", "variants", 0, "cfg", to="/home/ann/cfg/mine.cfg")
    assert read_comparison(run_folder).baseline.cfg == "mine.cfg"
    assert name_if_absolute("C:\\Users\\ann\\mine.cfg") == "mine.cfg"
    assert name_if_absolute("~/mine.cfg") == "mine.cfg"


def test_reading_changes_nothing(run_folder: Path) -> None:
    before = {path: path.read_bytes() for path in run_folder.rglob("*") if path.is_file()}
    read_comparison(run_folder)
    assert before == {path: path.read_bytes() for path in run_folder.rglob("*") if path.is_file()}
    assert json.loads(before[run_folder / "compare.json"])["seeds"] == [0, 1]
