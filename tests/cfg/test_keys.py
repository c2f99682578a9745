"""Reference and property. Oracle: Darknet's key rules (format page 1), and a class of keys declared here."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from darknet_py.cfg.diagnostics import Diagnostic
from darknet_py.cfg.document import parse
from darknet_py.cfg.keys import key, keys_of, same_as
from darknet_py.cfg.section_reader import read_keys


@dataclass(frozen=True, kw_only=True)
class Toy:
    """A section of its own, so that these tests stand apart from the layers."""

    width: int = key(7, at_least=1, at_most=100, doc="an integer")
    height: int = key(same_as("width"), doc="follows width")
    padding: int = key(same_as("height", lambda height: height - 1), doc="follows height")
    ratio: float = key(0.5, above=0, doc="a float")
    pad: bool = key(False, doc="a switch")
    kind: str = key("max", one_of=("max", "average"), doc="a word")
    name: str = key("", doc="free text")
    from_: tuple[int, ...] = key((1,), name="from", doc="integers")
    anchors: tuple[float, ...] = key((), doc="floats")
    sideways: int = key(0, ignored="it has no use", doc="ignored")
    binary: int = key(0, refused="binary networks are not computed here", doc="refused")


@dataclass(frozen=True, kw_only=True)
class Needy:
    """A section with a key that has no default."""

    layers: tuple[int, ...] = key(doc="what to read")


def toy(*lines: str, cls: type = Toy, lenient: bool = False) -> tuple[object, list[Diagnostic]]:
    document = parse("[toy]\n" + "".join(f"{line}\n" for line in lines), path="toy.cfg")
    return read_keys(cls, document.sections[0], document, lenient=lenient)


def value_of(line: str) -> object:
    """What a key is read as, or the code of the one error."""
    read, found = toy(line)
    if read is None:
        (error,) = [d for d in found if d.severity == "error"]
        return error.code
    field = line.partition("=")[0].replace("from", "from_")
    return getattr(read, field)


def codes(found: list[Diagnostic]) -> list[tuple[str, str]]:
    return [(d.severity, d.code) for d in found]


def test_a_section_without_keys_has_the_defaults() -> None:
    read, found = toy()
    assert found == []
    assert read == Toy(
        width=7,
        height=7,
        padding=6,
        ratio=0.5,
        pad=False,
        kind="max",
        name="",
        from_=(1,),
        anchors=(),
        sideways=0,
        binary=0,
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["width=9"], (9, 9, 8)),
        (["height=4"], (7, 4, 3)),
        (["padding=0", "width=3"], (3, 3, 0)),
        (["padding=2", "height=5", "width=3"], (3, 5, 2)),
    ],
)
def test_a_default_follows_the_key_that_it_is_the_same_as(lines: list[str], expected: object) -> None:
    read, found = toy(*lines)
    assert found == []
    assert (read.width, read.height, read.padding) == expected  # type: ignore[attr-defined]


def test_a_key_whose_word_is_pythons_is_read_by_its_word() -> None:
    assert keys_of(Toy)["from_"].name == "from"
    assert value_of("from=-1,4") == (-1, 4)


def test_a_missing_key_without_a_default_is_one_error_at_the_section() -> None:
    read, (error,) = toy(cls=Needy)
    assert read is None
    assert (error.code, error.span.line, error.message) == (
        "missing-key",
        1,
        "[toy] needs `layers=`: what to read",
    )


@pytest.mark.parametrize("line", ["layers=", "layers=−1", "layers"])
def test_a_key_whose_line_is_an_error_already_is_not_missing_too(line: str) -> None:
    assert toy(line, cls=Needy) == (None, [])


@pytest.mark.parametrize("second", ["width=3", "width=oops", "width=-1"])
def test_C08_the_first_of_two_equal_keys_wins(second: str) -> None:
    read, (warning,) = toy("width=5", second)
    assert read.width == 5  # type: ignore[attr-defined]
    assert (warning.severity, warning.code, warning.span.line) == ("warning", "duplicate-key", 3)
    assert warning.message == "a second `width` in this section is not used; line 2 is (5)"
    assert warning.reason == "Darknet keeps the first of two equal keys"


def test_C08_a_second_key_that_says_the_same_is_a_warning_too() -> None:
    _, (warning,) = toy("width=5", "width = 5")
    assert warning.message == "a second `width` in this section has the same value"


def test_C08_the_first_wins_even_when_it_is_wrong() -> None:
    read, found = toy("width=oops", "width=5")
    assert read is None
    assert codes(found) == [("error", "bad-value"), ("warning", "duplicate-key")]


@pytest.mark.parametrize(
    ("line", "guess"),
    [("widht=3", "width"), ("anchor=1", "anchors"), ("Width=3", "width"), ("paddin=3", "padding")],
)
def test_C07_a_likely_misspelling_is_an_error_with_its_suggestion(line: str, guess: str) -> None:
    read, (error,) = toy(line)
    assert (error.severity, error.code, error.suggestion) == ("error", "unknown-key", guess)
    assert read == toy(f"{guess}={line.partition('=')[2]}")[0], (
        "read as what it suggests, to find more errors"
    )
    read, (warning,) = toy(line, lenient=True)
    assert read == toy()[0], "lenient: ignored, as in Darknet"
    assert (warning.severity, warning.code) == ("warning", "unknown-key")


def test_C07_a_misspelling_of_a_key_that_is_there_is_a_warning() -> None:
    read, (warning,) = toy("width=3", "widht=4")
    assert read.width == 3  # type: ignore[attr-defined]
    assert (warning.severity, warning.suggestion) == ("warning", "")


def test_C07_another_unknown_key_is_a_warning() -> None:
    read, (warning,) = toy("max_epochs=3")
    assert read == toy()[0]
    assert (warning.severity, warning.code, warning.message) == (
        "warning",
        "unknown-key",
        "[toy] has no key `max_epochs`",
    )
    assert warning.reason == "Darknet ignores it too"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("width=3#x", 3),
        ("width=30###P6", 30),
        ("ratio=.5 ; half", 0.5),
        ("from=-1, 4 ###S4", (-1, 4)),
        ("pad=1#", True),
    ],
)
def test_C09_a_comment_behind_a_number_is_left_out_with_a_warning(line: str, expected: object) -> None:
    _, (warning,) = toy(line)
    assert value_of(line) == expected
    assert (warning.severity, warning.code) == ("warning", "inline-comment")


def test_C09_a_comment_behind_a_word_is_an_error_that_says_why() -> None:
    read, (error,) = toy("kind=average #x")
    assert read.kind == "average"  # type: ignore[attr-defined]
    assert (error.code, error.suggestion) == ("unknown-value", "average")
    assert "put it on a line of its own" in error.reason


def test_an_ignored_key_that_is_set_is_a_warning_with_the_reason() -> None:
    read, (warning,) = toy("sideways=3")
    assert read.sideways == 3  # type: ignore[attr-defined]
    assert (warning.severity, warning.code, warning.reason) == ("warning", "ignored-key", "it has no use")
    assert toy("sideways=0")[1] == [], "its default asks for nothing"


def test_an_unsupported_key_refuses_any_value_but_its_default() -> None:
    _, (error,) = toy("binary=1")
    assert (error.severity, error.code) == ("error", "unsupported-key")
    assert error.message == "binary=1 is not supported: binary networks are not computed here"
    assert toy("binary=0")[1] == []


# numbers

NOT_INTEGERS = [
    "1_000",
    "\u0663",
    "\u00bd",
    "\u00b2",
    "+5",
    "0x10",
    "1e3",
    "3abc",
    "9" * 5000,
    "9" * 11,
    "0.5",
    "5.0",
    "1,2",
    "--5",
    "-",
    "5-",
    "0b1",
    "0o7",
    "NaN",
    "inf",
    "True",
    "None",
    "1L",
    "'5'",
    "5%",
    "1/2",
    "\u22125",
    "\uff15",
    "x",
    "5\x00",
    "\x1b[31m5",
]
NOT_FLOATS = [
    "nan",
    "inf",
    "-inf",
    "Infinity",
    "1e999",
    "-1e999",
    "1_0",
    ".",
    "-",
    "e5",
    "1e",
    "1e+",
    "0x1p3",
    "1.2.3",
    "1,5",
    "\u0663.5",
    "\u00bd",
    "1f",
    "++1",
    "1e5.5",
    "1e1_0",
    "True",
]


@pytest.mark.parametrize("text", NOT_INTEGERS, ids=lambda t: ascii(t)[:16])
def test_C11_what_python_or_c_might_take_for_an_integer_is_refused(text: str) -> None:
    read, found = toy(f"width={text}")
    assert read is None
    for error in found:
        assert error.code == "bad-value"
        assert error.span.line == 2
        assert len(error.message) < 200
        assert error.message.isprintable()


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("007", 7), ("5 0", 50), ("1\t", 1)])
def test_C11_plain_digits_are_integers(text: str, value: int) -> None:
    assert value_of(f"width={text}") == value


@pytest.mark.parametrize(
    ("line", "value"), [("from=-3", (-3,)), ("from=0,-0", (0, 0)), ("from=1,2,3", (1, 2, 3))]
)
def test_C11_integers_may_be_negative_and_in_lists(line: str, value: object) -> None:
    assert value_of(line) == value


@given(st.text(st.characters(categories=["Nd", "Nl", "No"]), min_size=1, max_size=4))
@example("\u0663")
@example("\u00b2")
def test_C11_only_ascii_digits_are_digits(text: str) -> None:
    read, _ = toy(f"width={text}")
    ascii_number = text.isascii() and 1 <= int(text) <= 100
    assert (read is not None) == ascii_number


@pytest.mark.parametrize("text", NOT_FLOATS)
def test_C12_what_is_no_finite_number_is_refused(text: str) -> None:
    read, found = toy(f"ratio={text}")
    assert read is None
    assert all(error.code == "bad-value" for error in found)


@pytest.mark.parametrize(
    ("text", "value"), [(".5", 0.5), ("5.", 5.0), ("1e-3", 1e-3), ("+2", 2.0), ("1E2", 100.0), ("0.1", 0.1)]
)
def test_C12_finite_numbers_are_read(text: str, value: float) -> None:
    assert value_of(f"ratio={text}") == value


@given(st.floats(min_value=1e-30, max_value=1e30))
def test_C12_a_float_that_is_printed_is_read_back(number: float) -> None:
    assert value_of(f"ratio={number!r}") == number


@pytest.mark.parametrize("text", ["", ",", "1,", ",1", "1,,2", "a", "1,b"])
def test_a_list_with_a_hole_or_a_word_is_refused(text: str) -> None:
    assert toy(f"from={text}")[0] is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("width=0", "width=0 must be at least 1"),
        ("width=101", "width=101 must be at most 100"),
        ("ratio=0", "ratio=0 must be above 0"),
        ("ratio=-1", "ratio=-1 must be above 0"),
    ],
)
def test_a_value_outside_its_range_is_refused_with_the_range(line: str, message: str) -> None:
    read, (error,) = toy(line)
    assert read is None
    assert (error.code, error.message) == ("out-of-range", message)
    assert error.span.column == line.index("=") + 2


@pytest.mark.parametrize(("text", "value"), [("0", False), ("1", True), ("2", True), ("-1", True)])
def test_a_switch_is_on_unless_it_is_zero(text: str, value: bool) -> None:
    assert value_of(f"pad={text}") is value


def test_a_word_that_is_not_known_lists_the_known_or_guesses() -> None:
    _, (error,) = toy("kind=averege")
    assert (error.code, error.suggestion, error.reason) == ("unknown-value", "average", "")
    _, (error,) = toy("kind=median")
    assert (error.suggestion, error.reason) == ("", "expected one of max, average")


def test_all_errors_of_a_section_are_found_in_one_reading() -> None:
    _, found = toy("width=x", "ratio=0", "kind=z", "binary=1", "widthh=3", "sideways=1", "what_is_this=1")
    assert codes(found) == [
        ("error", "bad-value"),
        ("error", "out-of-range"),
        ("error", "unknown-value"),
        ("error", "unsupported-key"),
        ("warning", "unknown-key"),
        ("warning", "ignored-key"),
        ("warning", "unknown-key"),
    ]


def test_C28_a_section_full_of_unknown_keys_is_read_in_linear_time() -> None:
    def seconds(count: int) -> float:
        lines = [f"k{i:03}=1" for i in range(count)]
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            toy(*lines)
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds(240) <= 5 * seconds(60) + 0.2
