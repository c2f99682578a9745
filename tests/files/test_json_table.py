"""Oracle: JSON texts written by hand, one error each, and the place where the error is. Kind: story."""

from __future__ import annotations

from pathlib import Path

import pytest

from darknet_py.errors import DataError
from darknet_py.files.json_table import Table, as_float, read_object


def complaint(file: Path, content: bytes) -> str:
    """What the file is refused with, after its name."""
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_object(file)
    return str(caught.value).removeprefix(str(file))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"images": [}', ":1:13: error: is not JSON at byte 12: Expecting value"),
        ('{\n"é": 1,\n oops', ":3:2: error: is not JSON at byte 12: Expecting property name"),
        ("", ":1:1: error: is not JSON at byte 0: Expecting value"),
        ("[1, 2]", ": error: holds a list at the top, not an object"),
        ("3", ": error: holds `3` at the top, not an object"),
        ("[" * 100_000, ": error: is nested too deeply to be an annotation file"),
        ('{"images": NaN}', ": error: is not JSON: NaN is not a JSON number"),
        ('{"images": -Infinity}', ": error: is not JSON: -Infinity is not a JSON number"),
        ('{"images": [], "images": []}', ": error: is not JSON: an object has the key `images` twice"),
        (f'{{"id": {"1" * 5000}}}', ": error: is not JSON: Exceeds the limit"),
    ],
)
def test_D01_a_file_that_is_not_json_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    assert complaint(tmp_path / "a.json", text.encode()).startswith(told)


def test_D01_bytes_that_are_not_utf8_are_refused_with_their_place(tmp_path: Path) -> None:
    assert complaint(tmp_path / "a.json", b'{"a": "\xff"}') == ": error: is not UTF-8 at byte 7"


def test_D01_a_file_of_more_than_two_gibibytes_is_refused_by_its_size(tmp_path: Path) -> None:
    with open(tmp_path / "a.json", "wb") as file:
        file.truncate((2 << 30) + 1)  # a hole, not two gibibytes of disk
    with pytest.raises(DataError, match="has 2147483649 bytes; at most 2147483648 are read"):
        read_object(tmp_path / "a.json")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file or directory"):
        read_object(tmp_path / "a.json")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_object(tmp_path / "a.json") == {"a": 1}


def test_D02_a_missing_list_is_named() -> None:
    with pytest.raises(DataError) as caught:
        Table.of(Path("a.json"), {"images": [], "info": {}}, "annotations")
    assert str(caught.value) == "a.json: error: `annotations` is missing; found images, info"


def test_D02_a_missing_key_is_named() -> None:
    table = Table(Path("a.json"), "annotations", [{}, {"id": 5}])
    with pytest.raises(DataError) as caught:
        table.value(1, "category_id", "a whole number")
    assert str(caught.value) == "a.json: error: annotations[1].category_id is missing"


def test_D03_an_id_is_used_once() -> None:
    with pytest.raises(DataError) as caught:
        Table(Path("a.json"), "images", [{"id": 4}, {"id": 7}, {"id": 4}]).ids()
    assert str(caught.value) == "a.json: error: images[2].id is 4, which images[0] has already"


def test_D03_ids_are_mapped_to_their_positions() -> None:
    assert Table(Path("a.json"), "images", [{"id": 4}, {"id": 0}]).ids() == {4: 0, 0: 1}


def test_a_whole_number_that_no_float_holds_is_infinite() -> None:
    assert as_float(10**400) == float("inf")
    assert as_float(3) == 3.0
