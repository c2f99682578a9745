"""Story: verdicts of folders that lack something; the oracles are the folder's own figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darknet_py.errors import DataError, ReportError
from darknet_py.report.judgement import judge
from darknet_py.report.section import Report
from darknet_py.report.sections.summary import summarize
from darknet_py.report.sections.verdicts import verdict_json
from darknet_py.report.verdict_sentence import describe_verdict
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.scoring.coco_figures import coco_arrays
from darknet_py.scoring.matches import load_matches
from darknet_py.stats import verdict
from darknet_py.stats.covariance import covariance_of_matches, deciding_images
from tests.report.comparison_folder import POINTS, matches_of

Change = Callable[..., Path]
MATCHES = "runs/yolov3-tiny-spp/seed-1/matches.npz"


def verdicts_of(folder: Path) -> list[dict[str, Any]]:
    return [verdict_json(one) for one in judge(read_comparison(folder)).verdicts]


def test_verdicts_follow_from_the_values_and_the_matches(run_folder: Path) -> None:
    runs = [matches_of(points, seed=seed) for row in POINTS for seed, points in enumerate(row)]
    noise = covariance_of_matches(runs)
    expected = verdict(noise.values.reshape(3, 2), noise.covariance)
    found = verdicts_of(run_folder)
    for one, other in zip(found, expected, strict=True):
        for key in ("effect", "low", "high", "df", "visible"):
            assert one[key] == pytest.approx(getattr(other, key), rel=1e-9), key


def test_the_margin_of_the_comparison_decides_what_is_the_same(run_folder: Path, change: Change) -> None:
    assert verdicts_of(run_folder)[0]["outcome"] == "unclear"
    change("compare.json", "margin", to=0.1)
    first, second = verdicts_of(run_folder)
    assert (first["outcome"], second["outcome"]) == ("same", "better")
    assert first["sentence"].endswith("; the interval lies within 10 AP")
    summary = summarize(Report.of(read_comparison(run_folder)))
    assert (
        "yolov3-tiny-stochpool and yolov3-tiny are the same for practical purposes: within 10 AP." in summary
    )


def test_without_matches_there_is_no_verdict_and_the_reason_is_printed(run_folder: Path) -> None:
    (run_folder / MATCHES).unlink()
    first, second = verdicts_of(run_folder)
    reason = "no verdict: seed 1 of yolov3-tiny-spp has no matches.npz; the same `compare` command writes it"
    assert first["sentence"] == second["sentence"] == reason
    assert (first["outcome"], first["differs"], first["low"], first["df"]) == ("unclear", False, None, None)
    assert second["effect"] == pytest.approx((557 + 569 - 409 - 432) / 2020)
    summary = summarize(Report.of(read_comparison(run_folder)))
    assert summary.startswith(f"N{reason[1:]}. yolov3-tiny and 2 variants of it were trained")


def test_without_truth_there_is_no_verdict(run_folder: Path, change: Change) -> None:
    change("runs/yolov3-tiny/seed-0/result.json", "scores", "ap", to=None)
    (reason,) = {one["sentence"] for one in verdicts_of(run_folder)}
    assert reason == "no verdict: there is no ground truth to measure AP with"


def test_without_a_seed_that_all_have_finished_there_is_no_verdict(run_folder: Path) -> None:
    (run_folder / "runs/yolov3-tiny/seed-0/result.json").unlink()
    (run_folder / "runs/yolov3-tiny-spp/seed-1/result.json").unlink()
    (reason,) = {one["sentence"] for one in verdicts_of(run_folder)}
    assert reason == "no verdict: there is no seed that every variant has finished"


def test_one_seed_is_judged_by_the_images_alone(run_folder: Path, change: Change) -> None:
    change("compare.json", "seeds", to=[1])
    first, second = verdicts_of(run_folder)
    assert (second["outcome"], second["seeds"], second["df"]) == ("better", 1, 199)
    assert second["sentence"].endswith("; seeds were not looked at: another training may differ by more")
    assert "(one seed each, 200 images)" in first["sentence"]


def test_matches_of_other_scores_are_refused(run_folder: Path) -> None:
    matches_of(500, seed=1).save(run_folder / MATCHES)
    with pytest.raises(ReportError, match=r"gives AP 0.495050, and result.json has 0.56336"):
        judge(read_comparison(run_folder))


def test_damaged_matches_are_refused(run_folder: Path) -> None:
    (run_folder / MATCHES).write_bytes(b"PK no")
    with pytest.raises(DataError, match="is no file of matches, or is damaged"):
        judge(read_comparison(run_folder))


def test_classes_with_few_images_are_a_note(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darknet_py.stats.covariance.FEW_IMAGES", 1000)
    (note,) = judge(read_comparison(run_folder)).notes
    assert note.startswith("Noise of the images: 1 of 1 classes have fewer than 1000 images:")


def test_deciding_images_are_those_that_differ_most() -> None:
    moved = np.array([0.02, -0.01, 0.05, 0.0, 0.04])
    assert deciding_images(moved, 0.1) == (2,)
    assert deciding_images(moved, 0.16) == (2, 4)
    assert deciding_images(-moved, -0.16) == (2, 4)
    assert deciding_images(moved, 1.0) == ()  # no few images carry it


def test_an_unclear_verdict_names_what_would_tell() -> None:
    values = [[0.40, 0.42, 0.41], [0.41, 0.44, 0.42]]
    (few_seeds,) = verdict(values, np.zeros((6, 6)))
    text = describe_verdict(few_seeds, word="AP", images=300, margin=0.005)
    assert text == (
        "cannot tell: +1.3 AP, 95 % interval \N{MINUS SIGN}1.6 to +4.3 (3 seeds each, 300 images); "
        "this study sees differences of 3.9 AP and more; 17 seeds each would see 1.3 AP"
    )
    images = np.kron(np.eye(2), np.full((3, 3), 4e-4))
    (few_images,) = verdict(values, images)
    text = describe_verdict(few_images, word="AP", images=300, margin=0.005)
    assert text.endswith("; 1.3 AP needs some 20,000 images, and more seeds")


def test_a_bound_near_zero_is_printed_with_the_digits_that_show_its_side() -> None:
    (one,) = verdict([[0.4], [0.42]], [[1.04e-4, 0], [0, 0]])
    assert one.outcome == "better"
    text = describe_verdict(one, word="AP", images=50, margin=0.005)
    assert text.startswith("better: +2.000 AP, 95 % interval +0.001 to +3.999 (one seed each, 50 images)")


def test_the_matches_of_the_folder_have_the_ap_of_its_results(run_folder: Path) -> None:
    found = coco_arrays(load_matches(run_folder / MATCHES)).figures()["ap"]
    assert found == pytest.approx(569 / 1010, abs=1e-12)


def fill(folder: Path, points: int, *names: str) -> None:
    """Give all runs, or those of some variants, the same matches and their AP."""
    for run in (folder / "runs").glob("*/seed-*"):
        if not names or run.parent.name in names:
            matches = matches_of(points or 409, seed=0)
            (matches if points else replace(matches, hits=0 * matches.hits)).save(run / "matches.npz")
            value = json.loads((run / "result.json").read_text())
            value["scores"]["ap"] = points / 1010
            (run / "result.json").write_text(json.dumps(value))


def test_networks_that_have_not_learned_are_not_the_same(run_folder: Path) -> None:
    fill(run_folder, 0)
    judgement = judge(read_comparison(run_folder))
    reason = "no verdict: neither has learned: the score of every run is 0"
    for one in map(verdict_json, judgement.verdicts):
        assert (one["outcome"], one["sentence"], one["effect"]) == ("unclear", reason, 0)
        assert (one["low"], one["high"], one["visible"]) == (None, None, None)
    assert (
        "yolov3-tiny has AP 0 in every run: it has not learned, and says nothing of its cfg."
        in judgement.notes
    )
    summary = summarize(Report.of(read_comparison(run_folder)))
    assert "the same" not in summary
    assert f"N{reason[1:]}." in summary


def test_seeds_that_change_nothing_are_mentioned(run_folder: Path) -> None:
    fill(run_folder, 409)
    first, _ = verdicts_of(run_folder)
    assert first["outcome"] == "unclear"
    reason = "scores do not vary between images and seeds: nothing is known of their noise"
    assert first["sentence"] == f"no verdict: {reason}"


def test_a_variant_that_has_not_learned_is_a_note(run_folder: Path) -> None:
    fill(run_folder, 0, "yolov3-tiny-stochpool")
    judgement = judge(read_comparison(run_folder))
    assert [one.outcome for one in judgement.verdicts] == ["worse", "better"]
    assert [note.split(" has")[0] for note in judgement.notes[:1]] == ["yolov3-tiny-stochpool"]


def test_one_image_says_nothing_about_others(run_folder: Path) -> None:
    for path in (run_folder / "runs").glob("*/seed-*/result.json"):
        value = json.loads(path.read_text())
        value["scores"]["images"] = value["data"]["images"] = 1
        path.write_text(json.dumps(value))
    (reason,) = {one["sentence"] for one in verdicts_of(run_folder)}
    assert reason == "no verdict: one image says nothing about other images"
