"""Property and reference. Oracle: the text itself, and Darknet's reader as the format page has it."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from darknet_py.cfg.diagnostics import CfgError, Span
from darknet_py.cfg.document import (
    MOST_BYTES,
    MOST_ENTRIES,
    MOST_LINE,
    MOST_SECTIONS,
    Document,
    must_parse,
    parse,
    read,
)
from darknet_py.errors import DarknetPyError

CFG_LIKE = st.text(alphabet="ab=#;[] \t\r\n,.0-é\u2028\ufeff\x0c\x1b", max_size=200)
KEPT_LINES = st.lists(
    st.sampled_from(
        ["[net]", "[ max pool ]", "a=1", " b = 2 # x", "# c", ";", "", "=", "[x", "k=", "a=1", "\tz\t=\t3"]
    ),
    max_size=30,
)


def codes(document: Document) -> list[str]:
    return [error.code for error in document.errors]


def meaning(document: Document) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(s.name, [(e.key, e.value) for e in s.entries]) for s in document.sections]


def darknet_reads(text: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Darknet's reader, from the format page: white space out, then first character, then first `=`."""
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for line in text.split("\n"):
        bare = "".join(c for c in line if c not in " \t\r\n")
        if bare[:1] == "[":
            found.append((bare.strip("[]"), []))
        elif bare and bare[0] not in "#;" and found:
            key, _, value = bare.partition("=")
            found[-1][1].append((key, value))
    return found


@given(st.text() | CFG_LIKE)
@example("[net]\r\na=1\r\n")
@example("\ufeff[net]\na=1")
@example("[net]\ra=1\r")
@example("\n\n\x0c\x85\u2028a=b")
def test_C31_the_text_of_a_document_is_the_text_that_was_parsed(text: str) -> None:
    document = parse(text)
    assert str(document) == text
    assert "".join(document.lines) == text


@given(KEPT_LINES, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_C31_parse_print_parse_finds_the_same(lines: list[str], end: str, final: bool) -> None:
    first = parse(end.join(lines) + (end if final else ""))
    second = parse(str(first))
    assert first.sections == second.sections
    assert codes(first) == codes(second)


@given(st.text() | CFG_LIKE)
@example("[a]\n\x0cb=\x1c1\x0c\n \x0bc = 1\n")
def test_every_span_lies_on_its_line_and_holds_what_was_read(text: str) -> None:
    document = parse(text)
    for section in document.sections:
        for entry in section.entries:
            line = document.lines[entry.span.line - 1]
            key = line[entry.span.column - 1 :][: entry.span.length]
            value = line[entry.value_span.column - 1 :][: entry.value_span.length]
            assert key.translate(str.maketrans("", "", " \t\r\n\ufeff")) == entry.key
            assert value.translate(str.maketrans("", "", " \t\r\n")) == entry.value
    for error in document.errors:
        assert 1 <= error.span.line <= len(document.lines)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
@pytest.mark.parametrize(
    "lines",
    [
        ["[net]", "width=416", "", "# height=3", ";height=4", "height = 4 1 6"],
        ["  [ net ]  ", "\twidth\t=\t416\t", "wi dth2 = 5"],
        ["[net]", "a=b=c", "layers = -1, -4", "filters=32 #24", "x=1;2"],
        ["[Gaussian_yolo]", "a=1", "a=2", "  # k=1", "\t;k=2"],
        ["[net]", "steps=1,\r2"],
    ],
)
def test_C09_lines_are_read_as_darknet_reads_them(lines: list[str], end: str) -> None:
    text = end.join(lines)
    for whole in (text, text + end):
        assert parse(whole).errors == ()
        assert meaning(parse(whole)) == darknet_reads(whole)


def test_C09_a_byte_order_mark_is_not_a_part_of_the_first_section() -> None:
    document = parse("\ufeff[net]\nwidth=8\n")
    assert document.errors == ()
    assert meaning(document) == [("net", [("width", "8")])]
    assert document.sections[0].span == Span(1, 2, 5)


def test_a_byte_order_mark_elsewhere_is_an_error() -> None:
    assert codes(parse("[net]\n\ufeffwidth=8\n")) == ["not-ascii"]


def test_C09_a_lone_carriage_return_ends_no_line() -> None:
    document = parse("[net]\nwidth=4\r16\rheight=3\n")
    assert meaning(document) == [("net", [("width", "416height=3")])]


def test_keys_and_values_know_their_lines_and_columns() -> None:
    document = parse("# first\n[net]\n\n\twidth =  41 6  \n")
    section = document.sections[0]
    entry = section.entries[0]
    assert section.span == Span(2, 1, 5)
    assert (entry.key, entry.value) == ("width", "416")
    assert entry.span == Span(4, 2, 5)
    assert entry.value_span == Span(4, 11, 4)
    assert document.source(4) == "\twidth =  41 6  "
    assert document.source(5) == ""


def test_a_key_may_have_white_space_inside_as_in_darknet() -> None:
    assert meaning(parse("[n e t]\nwi dth=1\n")) == [("net", [("width", "1")])]


# errors of the text


@pytest.mark.parametrize("text", ["classes=1\n", "# a comment\n\nclasses=1\nwidth=3\n", "classes=1\n[net]\n"])
def test_C03_a_key_before_the_first_section_is_one_error_with_its_line(text: str) -> None:
    document = parse(text)
    assert codes(document) == ["no-section"]
    assert document.errors[0].span.line == text[: text.index("classes")].count("\n") + 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("width", "no-key"),
        ("=x", "no-key"),
        ("=", "no-key"),
        (" = 3 ", "no-key"),
        ("width=", "no-value"),
        ("width =  \t", "no-value"),
    ],
)
def test_C04_a_line_that_is_no_key_and_value_is_an_error(line: str, code: str) -> None:
    document = parse(f"[net]\n{line}\nheight=8\n")
    assert codes(document) == [code]
    assert document.errors[0].span.line == 2
    assert meaning(document) == [("net", [("height", "8")])]
    with pytest.raises(CfgError, match=code):
        must_parse(document)


@pytest.mark.parametrize(
    "line", ["[net", "[]", "[net]junk", "[[net]]", "[net] # x", "[ ]", "[net];", "[n]e[t]"]
)
def test_C05_a_header_that_is_not_a_name_in_brackets_is_an_error(line: str) -> None:
    document = parse(f"{line}\nwidth=8\n")
    assert codes(document) == ["bad-section"]
    assert "expected [name] alone on its line" in document.errors[0].message
    assert len(document.sections) == 1, "the keys below belong to it and to no other section"


def test_every_error_of_a_text_is_found() -> None:
    document = parse("[net]\nwidth\n=3\nheight=\n[conv\nfilters=é\n")
    assert codes(document) == ["no-key", "no-key", "no-value", "bad-section", "not-ascii"]
    assert [f.span.line for f in document.errors] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "line", ["filters=\u0663", "filters=3\u2028", "size=\u00a03", "\u202efilters=3", "[conv\u00e9]"]
)
def test_C10_characters_beyond_ascii_are_errors_outside_comments(line: str) -> None:
    assert codes(parse(f"[net]\n{line}\n")) == ["not-ascii"]


@pytest.mark.parametrize("line", ["# caf\u00e9 \u202e", "; \u2028", "filters=3 # \u00e9", "filters=3;\u00e9"])
def test_C10_characters_beyond_ascii_are_fine_in_comments(line: str) -> None:
    assert parse(f"[net]\n{line}\n").errors == ()


@pytest.mark.parametrize("odd", ["\x0c", "\x0b", "\x1c", "\x1f"])
def test_only_darknets_white_space_is_dropped(odd: str) -> None:
    assert meaning(parse(f"[net]\na=1{odd}\n")) == [("net", [("a", f"1{odd}")])]


# files


@pytest.mark.parametrize("what", ["missing", "folder", "fifo", "device", "endless", "loop"])
def test_C01_only_regular_files_are_read(what: str, tmp_path: Path) -> None:
    path = tmp_path / "net.cfg"
    if what == "folder":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "device":
        path = Path(os.devnull)
    elif what == "endless":
        path = Path("/dev/zero")
    elif what == "loop":
        path.symlink_to(path)
    outcome: list[str] = []

    def attempt() -> None:
        try:
            read(path)
        except DarknetPyError as error:
            outcome.append(str(error))

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(timeout=1)
    assert len(outcome) == 1, "it hangs, or reads it"
    assert outcome[0].startswith(f"{path}: error: ")
    assert "Traceback" not in outcome[0]


def test_C01_a_link_to_a_cfg_is_a_cfg(tmp_path: Path) -> None:
    (tmp_path / "real.cfg").write_text("[net]\n")
    (tmp_path / "link.cfg").symlink_to(tmp_path / "real.cfg")
    assert meaning(read(tmp_path / "link.cfg")) == [("net", [])]


def test_a_path_with_a_nul_is_refused() -> None:
    with pytest.raises(DarknetPyError, match="cannot be read"):
        read("a\0b.cfg")


@pytest.mark.parametrize(
    "data", [b"", b"\r\n", b"\xef\xbb\xbf[net]\r\na=1", b"# \xff\xfe\n[net]\n", b"[net]\n# \xe9"]
)
def test_C31_bytes_come_back_as_they_were(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.cfg").write_bytes(data)
    document = read(tmp_path / "a.cfg")
    assert document.errors == ()
    assert str(document).encode("utf-8", "surrogateescape") == data


def test_C10_a_byte_that_is_not_utf8_is_an_error_outside_comments(tmp_path: Path) -> None:
    (tmp_path / "a.cfg").write_bytes(b"[net]\nwidth=\xff\n")
    (error,) = read(tmp_path / "a.cfg").errors
    assert (error.code, error.span.line) == ("not-ascii", 2)
    assert str(error).replace("\n", "").isprintable()


def test_C10_a_nul_byte_is_refused_with_its_offset(tmp_path: Path) -> None:
    (tmp_path / "a.cfg").write_bytes(b"[net]\n\0")
    with pytest.raises(DarknetPyError, match="NUL byte at offset 6"):
        read(tmp_path / "a.cfg")


def test_C02_a_file_of_more_than_one_mebibyte_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.cfg").write_bytes((b"#" * 127 + b"\n") * (MOST_BYTES // 128))
    assert len(str(read(tmp_path / "a.cfg"))) == MOST_BYTES
    (tmp_path / "a.cfg").write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(DarknetPyError, match="larger than 1,048,576 bytes"):
        read(tmp_path / "a.cfg")


def test_C02_a_line_of_more_than_4096_characters_is_an_error() -> None:
    assert parse(f"[net]\na={'1' * (MOST_LINE - 2)}\n").errors == ()
    assert codes(parse(f"[net]\na={'1' * (MOST_LINE - 1)}\n")) == ["long-line"]
    assert codes(parse(f"[net]\n#{' ' * MOST_LINE}\n")) == ["long-line"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[a]\n" * (MOST_BYTES // 4), MOST_SECTIONS + 1),
        ("[net]\n" + "a=1\n" * (MOST_BYTES // 4 - 2), MOST_ENTRIES + 2),
    ],
)
def test_C02_what_follows_too_many_sections_or_keys_is_not_looked_at(text: str, line: int) -> None:
    start = time.process_time()
    document = parse(text)
    assert time.process_time() - start < 1.0
    assert codes(document) == ["too-long"]
    assert document.errors[0].span.line == line
    assert str(document) == text


def test_C02_the_limits_themselves_are_allowed() -> None:
    assert parse("[a]\n" * MOST_SECTIONS).errors == ()
    assert parse("[net]\n" + "a=1\n" * MOST_ENTRIES).errors == ()


def test_errors_are_counted_up_to_a_limit() -> None:
    assert len(parse("[net]\n" + "=\n" * 10_000).errors) == MOST_ENTRIES


@pytest.mark.parametrize(
    "unit",
    ["a,", " ", "\t", "#", "# c\n", "\n", "[net]\n\n\n\n\n\n\n\n\n\n\n\n\n", "=", "[", "é", "a=1 "],
)
def test_C28_reading_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text = "[net]\nk=" + unit * (size // len(unit))
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            parse(text)
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds(160_000) <= 5 * seconds(40_000) + 0.2, "quadratic would be minutes"


def test_a_text_without_a_section_is_one_error() -> None:
    document = parse("<html>\nlarge\n=\nkey=value\n")
    assert codes(document) == ["no-section"]
    assert document.errors[0].span == Span(1, 1, 6)
    assert document.errors[0].message == "no line of the text is a section, so it is no cfg"
