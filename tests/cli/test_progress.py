"""Property. Oracle: a clock that the test moves, and what is written at each of its ticks."""

from __future__ import annotations

import argparse
import io
import sys

import pytest
from tqdm import tqdm

from darknet_py.cli.progress import ProgressLines, show_progress
from darknet_py.cli.terminal import print_note
from darknet_py.progress import Progress, no_progress

FACTS = {"loss": 3.2149, "learning_rate": 0.001, "images_per_second": 44.7}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def log() -> tuple[ProgressLines, Clock, io.StringIO]:
    clock, stream = Clock(), io.StringIO()
    return ProgressLines("it", title="tiny, seed 0", stream=stream, clock=clock), clock, stream


def test_a_line_is_written_every_ten_seconds_and_at_the_end(log) -> None:
    progress, clock, stream = log
    for done in range(1, 401):
        progress(done, 400, FACTS)
        clock.now += 0.1
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4, "after 10, 20 and 30 of 40 seconds, and the last"
    assert lines[0] == ("tiny, seed 0: 25.2 %, 101/400 it, loss 3.21, lr 0.001, 45 images/s, 0:30 left")
    assert lines[-1] == "tiny, seed 0: 100.0 %, 400/400 it, loss 3.21, lr 0.001, 45 images/s"
    assert "\r" not in stream.getvalue()


def test_work_of_less_than_ten_seconds_writes_nothing(log) -> None:
    progress, clock, stream = log
    for done in range(1, 11):
        progress(done, 10)
        clock.now += 0.9
    assert stream.getvalue() == ""


def test_the_time_left_of_a_resumed_training_counts_from_where_it_resumed(log) -> None:
    progress, clock, stream = log
    progress(501, 1001)
    clock.now += 10
    progress(511, 1001)
    assert stream.getvalue() == "tiny, seed 0: 51.0 %, 511/1,001 it, 8:10 left\n"


def test_another_total_begins_another_part(log) -> None:
    progress, clock, stream = log
    for total in (100, 7):
        progress(1, total)
        clock.now += 10
        progress(2, total)
    assert [line.split(", ")[2] for line in stream.getvalue().splitlines()] == ["2/100 it", "2/7 it"]


def test_a_day_of_training_is_a_log_of_less_than_a_megabyte(log) -> None:
    progress, clock, stream = log
    for done in range(86_400):
        progress(done, 86_400, FACTS)
        clock.now += 1
    assert len(stream.getvalue()) < 900_000


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar_with_the_facts(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TQDM_DELAY", "0")
    with show_progress("it", title="tiny") as progress:
        progress(1, 3, FACTS)
        progress.bar.delay = 0
        progress(3, 3, FACTS)
    written = sys.stderr.getvalue()
    assert "tiny: 100%" in written
    assert "3/3" in written
    assert "loss 3.21, lr 0.001, 45 images/s" in written


def test_a_pipe_has_lines_and_quiet_has_nothing(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with show_progress("it") as progress:
        assert isinstance(progress, ProgressLines)
    with show_progress("it", quiet=True) as progress:
        assert progress is no_progress
        progress(1, 2, FACTS)
    assert sys.stderr.getvalue() == ""


def test_callbacks_and_displays_are_one_protocol() -> None:
    callbacks: list[Progress] = [no_progress, ProgressLines("it"), lambda done, total, facts=None: None]
    for callback in callbacks:
        callback(1, 2)
        callback(2, 2, FACTS)


def test_a_note_next_to_a_bar_is_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with tqdm(total=3, file=sys.stderr) as bar:
        bar.update(1)
        print_note(argparse.Namespace(json=False, output=None), "report so far: report.html")
    assert capsys.readouterr().out == "report so far: report.html\n"
