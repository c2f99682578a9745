"""Story. Oracle: the list of places in the docstring of `class_names`."""

from __future__ import annotations

from pathlib import Path

import pytest

from darknet_py.data.findings import FirstError
from darknet_py.data.formats.class_names import read_names
from darknet_py.errors import DataError
from darknet_py.predict.names import class_names


def test_the_named_file_comes_first(tmp_path: Path) -> None:
    (tmp_path / "mine.names").write_text("a\nb\n")
    (tmp_path / "net.names").write_text("c\nd\n")
    names = class_names(2, file=tmp_path / "mine.names", neighbours=(tmp_path / "net.weights",))
    assert names == ("a", "b")


def test_a_neighbour_of_the_weights_comes_before_one_of_the_cfg(tmp_path: Path) -> None:
    (tmp_path / "w.names").write_text("a\nb\n")
    (tmp_path / "c.names").write_text("c\nd\n")
    assert class_names(2, neighbours=(tmp_path / "w.weights", tmp_path / "c.cfg")) == ("a", "b")
    assert class_names(2, neighbours=(tmp_path / "x.weights", tmp_path / "c.cfg")) == ("c", "d")


def test_eighty_classes_are_cocos_and_others_are_numbered(tmp_path: Path) -> None:
    names = class_names(80, neighbours=(tmp_path / "w.weights",))
    assert (names[0], names[16], names[79]) == ("person", "dog", "toothbrush")
    assert class_names(2) == ("class 0", "class 1")


def test_a_blank_line_is_a_class_and_control_characters_are_spelt(tmp_path: Path) -> None:
    (tmp_path / "a.names").write_text("one\n\nth\x1bree\n")
    assert class_names(3, file=tmp_path / "a.names") == ("one", "", "th\\x1bree")


def test_another_number_of_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.names").write_text("one\ntwo\n")
    with pytest.raises(DataError, match=r"has 2 names; the network has 3 classes"):
        class_names(3, file=tmp_path / "a.names")
    with pytest.raises(DataError, match="does not exist"):
        class_names(3, file=tmp_path / "none.names")


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfcat\ndog\n",
        b"cat\r\ndog\r\n",
        b"cat\ndog\n\n",
        b"cat\ndog\n \t\n\n",
        b"\xef\xbb\xbfcat\r\ndog\r\n\r\n",
        b"  cat\ndog",
    ],
    ids=["BOM", "CRLF", "blank last line", "blank last lines", "all three", "spaces, no end"],
)
def test_names_with_a_mark_carriage_returns_or_blank_last_lines_are_those_of_training(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "a.names").write_bytes(data)
    assert class_names(2, file=tmp_path / "a.names") == ("cat", "dog")
    assert read_names(tmp_path / "a.names", FirstError()) == ["cat", "dog"]


def test_names_that_are_not_utf8_are_refused_as_by_training(tmp_path: Path) -> None:
    (tmp_path / "a.names").write_bytes(b"cat\ncaf\xe9\n")
    for read in (
        lambda: class_names(2, file=tmp_path / "a.names"),
        lambda: read_names(tmp_path / "a.names", FirstError()),
    ):
        with pytest.raises(DataError, match=r"a\.names:2: error: is not UTF-8 at byte 7"):
            read()
