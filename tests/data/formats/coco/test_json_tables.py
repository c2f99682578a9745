"""Oracle: JSON texts written by hand, one error each, and the place where the error is. Kind: story."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from darknet_py.data.findings import FirstError
from darknet_py.data.formats.coco.json_tables import JsonTables, as_floats, read_tables
from darknet_py.errors import DataError


def tables_of(file: Path, *names: str) -> JsonTables:
    tables = read_tables(file, names or ("images",), FirstError())
    assert tables is not None
    return tables


def written(file: Path, content: object) -> Path:
    file.write_text(json.dumps(content))
    return file


def complaint(file: Path, content: bytes) -> str:
    """What the file is refused with, after its name."""
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        tables_of(file)
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
        ('{"images": NaN}', ":1:12: error: is not JSON: NaN is not a JSON number"),
        ('{"images": -Infinity}', ":1:12: error: is not JSON: -Infinity is not a JSON number"),
        ('{"images": [], "images": []}', ":1:16: error: is not JSON: an object has the key `images` twice"),
        (f'{{"id": {"1" * 5000}}}', ": error: is not JSON: Exceeds the limit"),
    ],
)
def test_D01_a_file_that_is_not_json_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    assert complaint(tmp_path / "a.json", text.encode()).startswith(told)


def test_D01_bytes_that_are_not_utf8_are_refused_with_their_place(tmp_path: Path) -> None:
    assert complaint(tmp_path / "a.json", b'{"a": "\xff"}') == ":1: error: is not UTF-8 at byte 7"


def test_D01_a_file_of_more_than_two_gibibytes_is_refused_by_its_size(tmp_path: Path) -> None:
    with open(tmp_path / "a.json", "wb") as file:
        file.truncate((2 << 30) + 1)  # a hole, not two gibibytes of disk
    with pytest.raises(DataError, match="has 2147483649 bytes; at most 2147483648 are read"):
        tables_of(tmp_path / "a.json")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        tables_of(tmp_path / "a.json")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"images": [1]}')
    assert tables_of(tmp_path / "a.json").rows == {"images": [1]}


def test_D02_a_missing_list_is_named(tmp_path: Path) -> None:
    file = written(tmp_path / "a.json", {"images": [], "info": {}})
    with pytest.raises(DataError) as caught:
        tables_of(file, "images", "annotations")
    assert str(caught.value) == f"{file}: error: `annotations` is missing; found images, info"


def test_D02_a_missing_key_is_named(tmp_path: Path) -> None:
    table = tables_of(written(tmp_path / "a.json", {"annotations": [{}, {"id": 5}]}), "annotations")
    with pytest.raises(DataError) as caught:
        table.value("annotations", 1, {"id": 5}, "category_id", "a whole number")
    assert str(caught.value) == f"{tmp_path / 'a.json'}:1:22: error: annotations[1].category_id is missing"


def test_D03_an_id_is_used_once(tmp_path: Path) -> None:
    tables = tables_of(written(tmp_path / "a.json", {"images": [{"id": 4}, {"id": 7}, {"id": 4}]}))
    known: dict[int, int] = {}
    assert [tables.identity("images", at, tables.rows["images"][at], known) for at in range(2)] == [4, 7]
    with pytest.raises(DataError) as caught:
        tables.identity("images", 2, {"id": 4}, known)
    told = "images[2].id is 4, which images[0] has already"
    assert str(caught.value) == f"{tmp_path / 'a.json'}:1:36: error: {told}"


def test_D03_ids_are_mapped_to_their_positions(tmp_path: Path) -> None:
    tables = tables_of(written(tmp_path / "a.json", {"images": [{"id": 4}, {"id": 0}]}))
    known: dict[int, int] = {}
    assert [tables.identity("images", at, tables.rows["images"][at], known) for at in range(2)] == [4, 0]
    assert known == {4: 0, 0: 1}


def test_a_whole_number_that_no_float_holds_is_infinite() -> None:
    assert as_floats([10**400, 3]) == [float("inf"), 3.0]
