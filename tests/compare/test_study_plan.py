"""Story and property: what --plan prints, and what is remembered of noise. Oracles: simulated studies."""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.verdicts import Setting, draw
from darknet_py.__main__ import main
from darknet_py.compare.durations import format_duration, parse_duration
from darknet_py.compare.known_noise import components_of
from darknet_py.runs.noise_file import NoiseRecord, add_noise, read_noise
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.stats import verdict
from darknet_py.stats.components import Parts
from darknet_py.stats.noise import NoiseComponents, pooled
from tests.cli.test_bad_input import CFG

DATA = "scenes:train=4,val=2,size=96"
SETTING = Setting("of the plan", training=0.5, failing=0.5, variant=0.25)
NOISE = NoiseComponents(Parts(5e-5, 5e-5, 2.5e-5), Parts(5e-5, 5e-5, 2.5e-5), df=8.0, images=300)
STUDIES = 150


@pytest.mark.parametrize("shape", [(2, 3, 300), (2, 5, 72), (3, 4, 2000)])
def test_what_a_plan_can_resolve_is_found_in_eight_of_ten_studies(shape: tuple[int, int, int]) -> None:
    effect = NOISE.visible(*shape)
    generator, found = np.random.default_rng(4), 0
    for _ in range(STUDIES):
        values, covariance = draw(SETTING, shape, generator)
        values[-1] += effect
        found += verdict(values, covariance)[-1].low > 0
    assert found / STUDIES == pytest.approx(0.8, abs=0.1)


def test_components_of_a_simulated_study_are_those_it_was_drawn_with() -> None:
    generator = np.random.default_rng(2)
    studies = []
    for _ in range(60):
        values, covariance = draw(SETTING, (3, 6, 300), generator)
        one = NoiseComponents.of(values, covariance.reshape(3, 6, 3, 6), 300)
        assert one is not None
        studies.append(one)
    found = pooled(studies)
    for parts in (found.nested, found.crossed):
        assert parts.training == pytest.approx(5e-5, rel=0.15)
        assert parts.images_of_seed == pytest.approx(5e-5, rel=0.15)
        assert parts.images_of_variant == pytest.approx(2.5e-5, rel=0.25)
    assert found.deviation == pytest.approx(0.01, rel=0.1)


def test_noise_over_images_is_scaled_to_as_many_images() -> None:
    twice = replace(NOISE, images=600)
    assert pooled([NOISE, twice]).nested.images_of_seed == pytest.approx((2.5e-5 + 5e-5) / 2)
    assert NOISE.visible(2, 3, 1200) == pytest.approx(
        NoiseComponents(Parts(5e-5, 1.25e-5, 6.25e-6), NOISE.crossed, 8, 300).visible(2, 3, 300)
    )


def record(name: str, *, score: float = 0.4) -> NoiseRecord:
    return NoiseRecord(name, "data", "recipe", {"epochs": 8.0}, "ap", 2, 5, score, NOISE)


def test_a_line_of_noise_is_appended_once_and_the_last_one_counts(tmp_path: Path) -> None:
    file = tmp_path / "noise.jsonl"
    for one in (record("a"), record("a"), record("b"), record("a", score=0.5)):
        add_noise(file, one)
    assert len(file.read_text().splitlines()) == 3
    assert read_noise(file) == ([record("b"), record("a", score=0.5)], [])


def test_damaged_lines_are_named_and_a_torn_one_does_not_swallow_the_next(tmp_path: Path) -> None:
    file = tmp_path / "noise.jsonl"
    add_noise(file, record("a"))
    line = file.read_text().strip()
    damaged = [line.replace('"df": 8.0', '"df": -1'), '["a"]', line.replace('"format": 1', '"format": 9')]
    file.write_text("\n".join([line, *damaged, line[:50]]))
    add_noise(file, record("b"))
    records, remarks = read_noise(file)
    assert [one.comparison for one in records] == ["a", "b"]
    assert [remark.split(": ")[0].rpartition(":")[2] for remark in remarks] == ["2", "3", "4", "5"]
    assert "'df' is -1" in remarks[0].replace('"', "'") or "df is -1" in remarks[0]


@pytest.mark.parametrize(
    ("text", "seconds"), [("6h", 21600), ("90m", 5400), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172800)]
)
def test_lengths_of_time_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert parse_duration(f" {text.upper()} ") == seconds
    assert format_duration(5400) == "1.5 h"


def test_a_plan_trains_nothing_and_prints_what_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.cfg").write_text(CFG)
    Path("scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    add_noise(Path("noise.jsonl"), record("of other data"))
    words = ["compare", "small.cfg", "small.cfg@0.size=1", "--seeds", "3", "--evaluations", "1"]
    words += ["--data", DATA, "--out", "out", "--plan"]
    assert main([*words, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["runs"], plan["runs_left"], plan["images"], plan["noise"]["source"]) == (6, 6, 2, "default")
    assert [one["name"] for one in plan["variants"]] == ["small", "small@0.size=1"]
    assert plan["seconds"] == pytest.approx(3 * sum(one["seconds"] for one in plan["variants"]))
    assert plan["hours"] == pytest.approx(plan["seconds"] / 3600)
    assert plan["disk_bytes"] == 3 * sum(one["size"] for one in plan["variants"]) > 0
    effects = {(one["seeds"], one["images"]): one["effect"] for one in plan["resolvable"]}
    assert effects[3, 2] == plan["visible"]
    assert effects[2, 2] > effects[3, 2] > effects[3, 20] > effects[20, 20]
    assert not Path("out").exists()
    assert not any(Path("scratch").iterdir())
    assert main([*words, "--until", "resolved", "--budget", "1h"]) == 0
    printed = capsys.readouterr().out
    assert "at most 6 runs, 6 of them to train" in printed
    assert "noise: assumed: 1 AP between trainings on 300 images" in printed


def test_a_finished_comparison_sharpens_the_next_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.cfg").write_text(CFG)
    words = ["compare", "small.cfg", "small.cfg@0.size=1", "--evaluations", "1", "--data", DATA]
    assert main([*words, "--out", "runs/a"]) == 0
    assert json.loads(Path("runs/noise.jsonl").read_bytes())["comparison"] == "a"
    capsys.readouterr()
    assert main([*words, "--out", "runs/b", "--plan", "--json"]) == 0
    noise = json.loads(capsys.readouterr().out)["noise"]
    assert (noise["source"], noise["comparisons"]) == ("earlier", ["a"])
    assert main([*words, "--epochs", "3", "--out", "runs/b", "--plan"]) == 0
    assert "earlier comparison of the same data with other recipes (a)" in capsys.readouterr().out


def test_a_pilot_gives_its_noise(run_folder: Path) -> None:
    found = components_of(read_comparison(run_folder))
    assert found is not None
    square = np.mean([np.var(row, ddof=1) for row in ((409, 432), (416, 435), (557, 569))]) / 1010**2
    assert found.images == 200
    assert found.df == 3
    assert found.nested.training + found.nested.images_of_seed >= square * (1 - 1e-9)
    assert math.isfinite(found.visible(3, 2, 200))
