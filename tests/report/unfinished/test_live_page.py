"""Story: the report of a comparison while it trains. Oracle: the finished report, and the share of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from darknet_py.compare.experiment import Experiment
from darknet_py.compare.variants import fit_variants, parse_variants
from darknet_py.data.formats.registry import open_data
from darknet_py.progress import Progress
from darknet_py.report import api
from darknet_py.report.report import report_json, report_markdown
from darknet_py.report.section import Report
from darknet_py.report.unfinished import live
from darknet_py.report.unfinished.live import LivePage
from darknet_py.report.unfinished.status import Status, status_of
from darknet_py.runs.folders import ComparisonFolder
from darknet_py.runs.merging import merge
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.train.settings import Settings, TrainingPlan
from tests.report.comparison_folder import NAMES

CFG = """[net]
batch=2
width=96
height=96
channels=3
learning_rate=0.001
max_batches=4
policy=constant

[convolutional]
filters=4
size=3
stride=8
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[convolutional]
filters=39
size=1
stride=1
activation=linear

[yolo]
mask=0,1,2
anchors=16,16, 38,38, 80,80
classes=8
num=3
"""
MakeFolder = Callable[..., Path]
FILES = ("report.html", "report.md", "report.json")


@dataclass(frozen=True)
class Finished:
    """A comparison of two runs: the report at the begin of each iteration, and the printed lines."""

    folder: Path
    pages: list[str]
    lines: list[str]


def run_tiny(folder: Path) -> Finished:
    folder.mkdir()
    (folder / "tiny.cfg").write_text(CFG)
    train, val = (open_data("scenes:train=4,val=4,size=96", split=split) for split in ("train", "val"))
    settings = Settings(evaluations=2)
    variants = fit_variants(parse_variants([str(folder / "tiny.cfg")]), train, settings, epochs=None)
    experiment = Experiment(variants, "scenes", train, val, folder / "out", settings=settings).matched()
    pages, lines, page = [""], [], folder / "out/report.html"

    def look(done: int, total: int, facts: Mapping[str, float] | None = None, /) -> None:
        text = page.read_text() if page.is_file() else ""
        if text != pages[-1]:
            pages.append(text)

    @contextmanager
    def open_progress(plan: TrainingPlan) -> Iterator[Progress]:
        yield look

    api.run_and_report(experiment, print_line=lines.append, progress=open_progress)
    return Finished(folder / "out", pages[1:], [line for line in lines if line.startswith("report so far")])


@pytest.fixture(scope="module")
def unlimited(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Pages may take all the time of these short trainings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "SHARE", 1e6)
        patch.setattr(live, "LEAST", 0.0)
        return run_tiny(tmp_path_factory.mktemp("live") / "tiny")


def test_the_page_is_there_after_the_first_evaluation_and_after_each_run(unlimited: Finished) -> None:
    begun, after_one = unlimited.pages
    assert "No run of 2 has ended" in begun
    assert "tiny, seed 0: 2 of 4 iterations, AP" in begun
    assert "1 of 2 runs have ended; the last one takes about" in after_one
    assert unlimited.lines == [f"report so far: {unlimited.folder / 'report.html'}"]


def test_nothing_of_it_is_in_the_final_report(unlimited: Finished) -> None:
    final = {name: (unlimited.folder / name).read_bytes() for name in FILES}
    for name, content in final.items():
        for words in (b"have ended", b"Not finished", b"tell yet", b"unfinished", b"<progress"):
            assert words not in content, (name, words)


def test_a_short_comparison_has_no_page_before_its_end_and_the_same_weights(
    unlimited: Finished, tmp_path: Path
) -> None:
    plain = run_tiny(tmp_path / "tiny")
    assert (plain.pages, plain.lines) == ([], [])
    weights = [sorted(one.folder.rglob("final.weights")) for one in (unlimited, plain)]
    assert len(weights[0]) == 2
    assert [one.read_bytes() for one in weights[0]] == [one.read_bytes() for one in weights[1]]


def test_a_page_that_cannot_be_written_is_reported_once_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(live, "write_report", lambda folder: 1 / 0)
    monkeypatch.setattr(LivePage, "_counts", lambda self: (9, 1))
    page, ticks = LivePage(fake_experiment(tmp_path), lines.append, clock=count(0, 100).__next__), []

    @contextmanager
    def open_progress(plan: TrainingPlan) -> Iterator[Progress]:
        yield lambda done, total, facts=None, /: ticks.append(done)

    graph = SimpleNamespace(net=SimpleNamespace(max_batches=4))
    plan = SimpleNamespace(graph=graph, settings=SimpleNamespace(evaluations=2))
    for _ in range(2):
        with page.around(open_progress)(cast("TrainingPlan", plan)) as tick:
            for done in range(1, 5):
                tick(done, 4)
    assert ticks == [1, 2, 3, 4] * 2
    assert lines == ["report so far: not written: division by zero"]


def fake_experiment(out: Path) -> Experiment:
    return cast("Experiment", SimpleNamespace(out=out, until=None, record=lambda plan: None))


def test_pages_take_a_bounded_share_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, written, runs = [0.0], [], [5.0] * 60

    def write(*about: Any) -> Path:
        now[0] += 2.0
        written.append(now[0])
        return Path("report.html")

    monkeypatch.setattr(live, "write_report", write)
    monkeypatch.setattr(LivePage, "_counts", lambda self: (60, min(59, len(ended))))
    ended: list[int] = []
    page = LivePage(fake_experiment(tmp_path), lambda line: None, clock=lambda: now[0])
    for number, seconds in enumerate(runs):
        now[0] += seconds
        ended.append(number)
        page.show_runs(cast("TrainingPlan", None), seconds=seconds)
    assert 2.0 * len(written) <= 0.06 * (now[0] + live.AHEAD)
    assert len(written) == 9
    assert max(after - before for before, after in pairwise(written)) < 60


def test_verdicts_come_with_the_last_run(make_folder: MakeFolder, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "out")
    before = report_json(Report.of(read_comparison(folder)))
    assert [one["outcome"] for one in before["verdicts"]] == ["unclear", "better"]
    assert "unfinished" not in before
    run = ComparisonFolder(folder).run(NAMES[1], 1)
    hidden = run.result.rename(run.path / "hidden")
    report = Report.of(read_comparison(folder))
    during = report_json(report)
    assert [one["outcome"] for one in during["verdicts"]] == ["unclear", "unclear"]
    assert during["verdicts"][1]["sentence"].startswith("cannot tell yet: so far +")
    assert during["unfinished"] == {
        "ended": 5, "planned": 6, "left": {NAMES[1]: 1}, "seconds_left": pytest.approx(473.0, abs=0.1)
    }  # fmt: skip
    text = "**Not finished.** 5 of 6 runs have ended; the last one takes about 7.9 min."
    assert text in report_markdown(report)
    hidden.rename(run.result)
    assert report_json(Report.of(read_comparison(folder))) == before


def test_a_run_that_another_folder_has_is_not_missing(make_folder: MakeFolder, tmp_path: Path) -> None:
    folders = [make_folder(tmp_path / name) for name in ("a", "b")]
    ComparisonFolder(folders[0]).run(NAMES[2], 1).result.unlink()
    ComparisonFolder(folders[1]).run(NAMES[0], 0).result.unlink()
    alone, other = map(read_comparison, folders)
    assert alone.left == {NAMES[0]: (), NAMES[1]: (), NAMES[2]: (1,)}
    assert status_of(Report.of(alone)) == Status(ended=5, left={NAMES[2]: 1}, seconds=pytest.approx(450.0))
    both = Report.of(merge({folders[0]: alone, folders[1]: other}))
    assert status_of(both) is None
    assert [one.outcome for one in both.verdicts] == ["unclear", "better"]
