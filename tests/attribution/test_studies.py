"""Oracles: counted cells; rank correlations by hand; Darknet's own cfgs. The scripts of docs/kernel-19.md."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import reliance
from bench.kernel19 import COMPARISONS, KERNELS, POOLS, shares
from bench.kernel19_tables import tables
from darknet_py.edit.variant import compile_variant
from darknet_py.layers.catalogue import CATALOGUE
from darknet_py.stats.noise import DEFAULT_NOISE
from tests.paths import ROOT, SHARED

XL = SHARED / "weights" / "yolo-fastest-1.1-xl.cfg"


def test_shares_are_those_of_cells_counted_one_by_one() -> None:
    found = {(one["input"], one["size"]): one for one in shares()}
    assert sorted({side for side, _ in found}) == list(range(320, 609, 32))
    for (side, size), one in found.items():
        cells = side // 32
        at = np.arange(cells)
        sees = np.abs(at[:, None] - at) <= size // 2
        whole = (sees[:, None, :, None] & sees[None, :, None, :]).reshape(cells, cells, -1).mean(axis=-1)
        assert one["map"] == cells
        assert one["middle"] == pytest.approx(whole[cells // 2, cells // 2])
        assert one["mean"] == pytest.approx(whole.mean())
        assert one["all"] == pytest.approx((whole == 1).mean())
    assert found[416, 19]["all"] == pytest.approx(0.29, abs=0.005)
    assert found[608, 19]["mean"] == pytest.approx(0.56, abs=0.005)


def test_the_kernels_are_those_of_the_table() -> None:
    if not XL.is_file():
        pytest.skip(f"no {XL}")
    own = compile_variant(str(XL))
    for label, edit in KERNELS.items():
        graph = compile_variant(f"{XL}@{edit},net.width=608,net.height=608")
        sizes = [] if label == "none" else [int(one) for one in label.split(", ")]
        assert graph[114].shape.channels == 96 * (len(sizes) + 1), label
        assert graph[114].shape.width == 19
        if sizes:
            assert list(graph[109].layer.sizes) == sizes  # type: ignore[attr-defined]
        assert [node.layer for node in graph[115:]] == [node.layer for node in own[115:]]


def test_the_pools_differ_in_layer_11_alone() -> None:
    graphs = {label: compile_variant(f"yolov3-tiny@{edit}") for label, edit in POOLS.items()}
    sections = {label: graph[11].layer.section for label, graph in graphs.items()}
    assert sections == {
        "max": "maxpool",
        "stochastic": "stochpool",
        "median": "medianpool",
        "mixed": "mixpool",
    }
    assert all(section in CATALOGUE for section in sections.values())
    for graph in graphs.values():
        assert graph[11].shape == graphs["max"][11].shape
        others = [node.layer for node in graph if node.index != 11]
        assert others == [node.layer for node in graphs["max"] if node.index != 11]
    assert {one.data for one in COMPARISONS} == {"coco-mini", "bccd"}


def _effect(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": value + 0.02}


def _facts() -> dict[str, Any]:
    kinds = ("reliance", "muted", "muted_alone", "shapley")
    branch = {"size": 9, "outside": {"all": 0.661}, **{kind: _effect(0.003) for kind in kinds}}
    edit: dict[str, Any] = {"edit": "113.size=19", "gained": _effect(-0.001), "gained_alone": _effect(0.0)}
    edit["by_size"] = {"small": _effect(0.01), "medium": None, "large": None}
    noise = {"nested": vars(DEFAULT_NOISE.nested), "crossed": vars(DEFAULT_NOISE.crossed), "images": 300}
    verdict = {"outcome": "unclear", "effect": 0.004, "low": -0.01, "high": 0.018, "visible": 0.02}
    runs = {"mean": 0.2, "half_range": 0.01, "runs": [0.19, 0.21]}
    compared = {
        "images": 128,
        "ap": {"5, 9, 13": runs, "5, 9, 19": {**runs, "mean": 0.204}},
        "verdicts": [{"variant": "5, 9, 19", **verdict}],
        "plan": {"noise": noise},
    }
    sides = {
        f"{name}-{side}": value
        for side in ("320", "608")
        for name, value in (
            ("branches", {"sites": [{"ap": 0.231, "branches": [branch]}]}),
            ("edits", {"edits": [edit]}),
        )
    }
    return {"shares": shares(), "kernels-coco-mini": compared, **sides}


def test_the_tables_have_the_figures_with_their_intervals() -> None:
    text = tables(_facts())
    for row in (
        "| 608 | 19 x 19 | 47 % | 32 % | 0 % | 100 % | 56 % | 0 % |",
        "| 320 x 320, AP 23.10 | reliance | muted | muted, norms kept | Shapley | maximum outside |",
        "| 19 x 19 | −0.10 (−1.10 .. +1.90) | +0.00 (−1.00 .. +2.00) | +1.00 (+0.00 .. +3.00) | - | - |",
        "| 5, 9, 13 | 20.00 ± 1.00 |  |  |  |",
        "| 5, 9, 19 | 20.40 ± 1.00 | +0.40 (−1.00 .. +1.80) | unclear | 2.00 |",
        "| seeds | runs | V100-hours | A100-hours | H100-hours | noise of kernels-coco-mini |",
    ):
        assert row in text
    cost = text.rsplit("\n| 5 | 20 | ", 1)[1].splitlines()[0]
    visible = 100 * DEFAULT_NOISE.visible(4, 5, 5000)
    assert cost == f"3,100 | 1,240 | 400 | {visible:.2f} AP | {visible:.2f} AP |"


def test_missing_weights_and_data_are_named_at_once(tmp_path: Path) -> None:
    words = ["--weights", tmp_path / "w", "--data", tmp_path / "d", "--out", tmp_path / "out"]
    command = [sys.executable, "-m", "bench.kernel19", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("error: the study needs ")
    for name in ("yolo-fastest-1.1-xl.weights", "yolov3-tiny.weights", "coco-mini", "bccd"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_rank_correlations_by_hand() -> None:
    a, b = np.array([1.0, 2, 3, 4]), np.array([10.0, 20, 40, 30])
    assert reliance.spearman(a, b) == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert reliance.kendall(a, b) == pytest.approx((5 - 1) / 6)
    tied = np.array([1.0, 1, 2, 3])
    assert reliance.kendall(a, tied) == pytest.approx(5 / np.sqrt(6 * 5))
    assert reliance.spearman(a, tied) == pytest.approx(np.corrcoef([1, 2, 3, 4], [1.5, 1.5, 3, 4])[0, 1])
    assert np.isnan(reliance.spearman(a, np.ones(4)))


def test_the_interval_of_a_correlation_is_wide_for_few_pools() -> None:
    draw = np.random.default_rng(1)
    relied, base = draw.normal(size=6), np.zeros(2)
    low, high = reliance.interval(relied, base, draw.normal(size=(6, 2)), reliance.spearman)
    assert high - low > 0.8
    low, high = reliance.interval(relied, base, -np.stack([relied, relied], axis=1), reliance.spearman)
    assert low == pytest.approx(1.0)
    assert high == pytest.approx(1.0)
