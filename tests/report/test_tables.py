"""Property: the text of a table survives rendering; the oracles are html.unescape and the count of pipes."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darknet_py.report.markdown import escape_markdown, table_to_markdown
from darknet_py.report.sections.classes import class_table
from darknet_py.report.sections.protocol import protocol_table
from darknet_py.report.sections.results import main_table
from darknet_py.report.sections.training import training_table
from darknet_py.report.tables import ReportTable, format_points, format_range, label
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.stats.spread import Spread

PAYLOADS = (
    "a|b",
    "`code`",
    "[x](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "# heading",
    "---",
    "1. one",
    "- item",
    "two\nlines\r\nthree",
    "&lt;b&gt; &#124;",
    "a\\|b",
    "www.example.com https://example.com a@b.c",
    "**bold** _it_ ~~no~~ $x$ :smile:",
)
words = st.text() | st.sampled_from(PAYLOADS)


@given(words)
def test_escaped_text_reads_as_the_text(text: str) -> None:
    escaped = escape_markdown(text)
    assert html.unescape(escaped) == re.sub(r"[ \t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+", " ", text)


@given(words)
def test_escaped_text_holds_no_markup(text: str) -> None:
    bare = re.sub(r"&#\d+;", "", escape_markdown(text))
    assert not set(bare) & set("|<>&`*_[]#~$@\\\n\r")
    assert not re.search(r":\S", bare)
    assert not re.match(r" *([-+=]|\d+\.\s)", escape_markdown(text))
    assert "www." not in bare.lower()


@given(st.lists(st.tuples(words, words, words), max_size=4))
def test_a_table_keeps_its_cells_whatever_they_hold(rows: list[tuple[str, str, str]]) -> None:
    lines = table_to_markdown(ReportTable("", ("a", "b", "c"), tuple(rows))).split("\n")
    assert len(lines) == len(rows) + 2
    assert all(line.count("|") == 4 for line in lines)


@given(st.text())
def test_a_label_is_short_and_printable(text: str) -> None:
    assert label(text).isprintable()
    assert len(label(text)) <= 60


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.404, 0.42), "41.2 ± 0.8"),
        ((0.5,), "50.0"),
        ((0.0, 1.0), "50.0 ± 50.0"),
        ((0.3, 0.3, 0.3), "30.0 ± 0.0"),
    ],
)
def test_points_are_mean_and_half_the_range(values: tuple[float, ...], text: str) -> None:
    assert format_points(Spread(values)) == text


def test_the_main_table_says_what_its_numbers_are(run_folder: Path) -> None:
    table = main_table(read_comparison(run_folder))
    assert table.head[:9] == (
        "variant",
        "seeds",
        "AP",
        "AP50",
        "AP75",
        "small",
        "medium",
        "large",
        "parameters",
    )
    assert table.rows[0][:3] == ("yolov3-tiny", "2", "41.6 ± 1.1")
    assert table.rows[0][7] == "n/a"
    assert table.rows[2][8:] == ("9\u202f202\u202f068", "0.894", "702 x 702", "6.8")
    assert "half the range over the n seeds (n = 2)" in table.caption
    assert "device cpu, threads 2" in table.caption


def test_an_unfinished_variant_says_how_many_seeds_count(run_folder: Path) -> None:
    (run_folder / "runs/yolov3-tiny/seed-0/result.json").unlink()
    table = main_table(read_comparison(run_folder))
    assert table.rows[0][:3] == ("yolov3-tiny", "1 of 2", "42.8")
    assert "(n = 1 or 2)" in table.caption


def test_the_protocol_names_the_variants_that_differ(run_folder: Path, change: Callable[..., Path]) -> None:
    for seed in (0, 1):
        change(f"runs/yolov3-tiny-spp/seed-{seed}/result.json", "network", "size", to=[192, 160])
    rows = dict(protocol_table(read_comparison(run_folder)).rows)
    assert rows["network size"] == (
        "differs: 160 x 160 (yolov3-tiny, yolov3-tiny-stochpool); 192 x 160 (yolov3-tiny-spp)"
    )
    assert rows["nms"] == "default 0.6"


def test_every_row_is_as_long_as_its_head(run_folder: Path) -> None:
    comparison = read_comparison(run_folder)
    for make in (main_table, class_table, training_table, protocol_table):
        table = make(comparison)
        assert {len(row) for row in table.rows} == {len(table.head)}


def test_a_span_of_one_value_is_that_value() -> None:
    assert format_range([412.0, 417.6]) == "412 .. 418"
    assert format_range([40.0, 40.0], digits=1) == "40.0"
