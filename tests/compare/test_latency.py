"""Story: latency on an idle and on a busy machine; the oracle is a clock that the test moves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from darknet_py.cfg.document import parse
from darknet_py.compare import latency
from darknet_py.compare.latency import ATTEMPTS, ROUNDS, WARM_UP_ROUNDS, measure_latencies, summarize
from darknet_py.errors import ReportError
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.report.report import report_json, report_markdown
from darknet_py.report.section import Report
from darknet_py.runs.folders import ComparisonFolder
from darknet_py.runs.latency_file import read_latencies
from darknet_py.runs.read_comparison import read_comparison

Measure = Callable[[Iterator[tuple[float, float]]], dict[str, object]]
PASS = WARM_UP_ROUNDS + ROUNDS


@pytest.fixture
def graphs() -> dict[str, Graph]:
    text = "[net]\nwidth=8\nheight=8\nchannels=3\n\n[convolutional]\nfilters=1\nactivation=linear\n"
    return {"one": compile(parse(text, path="one.cfg"))}


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, graphs: dict[str, Graph]) -> Measure:
    """Measure with given times of the rounds; returns what latency.json says, and how many were used."""

    def run(times: Iterator[tuple[float, float]]) -> dict[str, object]:
        used: list[tuple[float, float]] = []

        def next_time(network: object, device: str) -> tuple[float, float]:
            used.append(next(times))
            return used[-1]

        monkeypatch.setattr(latency, "_time_one_image", next_time)
        measure_latencies(graphs, ComparisonFolder(tmp_path), device="cpu")
        row = json.loads((tmp_path / "latency.json").read_bytes())["variants"]["one"]
        return {"rounds": len(used), **row}

    return run


def test_an_idle_machine_is_measured_once(measure: Measure) -> None:
    found = measure(iter([(90.0, 5.0)] * WARM_UP_ROUNDS + [(4.0, 4.0)] * (ROUNDS - 1) + [(9.0, 9.0)]))
    assert (found["rounds"], found["median"], found["max"], found["share"]) == (PASS, 4.0, 9.0, 1.0)


def test_a_disturbed_measurement_is_made_again(measure: Measure) -> None:
    found = measure(iter([(300.0, 4.0)] * PASS + [(4.0, 3.9)] * PASS))
    assert (found["rounds"], found["median"], found["share"]) == (2 * PASS, 4.0, 0.975)


def test_of_three_disturbed_ones_the_fastest_is_kept_and_told(measure: Measure, tmp_path: Path) -> None:
    slow = [(times, 4.0) for time in (366.0, 237.0, 291.0) for times in [time] * PASS]
    found = measure(iter(slow))
    assert (found["rounds"], found["median"], found["share"]) == (ATTEMPTS * PASS, 237.0, 0.017)
    _, rows = read_latencies(tmp_path / "latency.json")
    assert rows["one"].disturbed
    again = measure(iter(()))  # not measured again: the report stays the same
    assert (again["rounds"], again["median"]) == (0, 237.0)


def test_rounds_that_differ_are_a_disturbance_although_the_thread_had_its_core() -> None:
    quiet = summarize([(4.0, 4.0)] * 8 + [(4.9, 4.9)] * 7, device="cpu")
    spread = summarize([(4.0, 4.0)] * 7 + [(5.1, 5.1)] * 8, device="cpu")
    assert (quiet.disturbed, spread.disturbed) == (False, True)
    assert not summarize([(4.0, 0.1)] * 15, device="cuda").disturbed  # the thread waits for the device


def test_the_report_says_that_the_machine_was_busy(run_folder: Path, change: Callable[..., Path]) -> None:
    assert "busy" not in report_markdown(Report.of(read_comparison(run_folder)))
    change("latency.json", "variants", "yolov3-tiny-spp", "share", to=0.41)
    change("latency.json", "variants", "yolov3-tiny", "min", to=2.0)
    report = Report.of(read_comparison(run_folder))
    text = report_markdown(report)
    assert (
        "- Latency was measured while the machine was busy, and is too large: the process had a core for 41 %"
        " of the time, and a usual round took 3.0 times as long as the fastest. Delete latency.json"
    ) in text
    assert "rounds 7), measured while the machine was busy." in text
    rows = [one["latency"] for one in report_json(report)["variants"]]
    assert [one["disturbed"] for one in rows] == [True, False, True]
    assert rows[2]["share"] == 0.41


@pytest.mark.parametrize("share", [-1, "x", None])
def test_a_damaged_share_is_refused(run_folder: Path, change: Callable[..., Path], share: object) -> None:
    change("latency.json", "variants", "yolov3-tiny", "share", to=share)
    with pytest.raises(ReportError, match="share is"):
        read_comparison(run_folder)
