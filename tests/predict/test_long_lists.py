"""Property. What lists name is found one by one, and takes as much memory for many as for few."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from darknet_py.cli.detecting.entries import Entries
from darknet_py.files.json_text import json_text
from darknet_py.predict.sources.files import LONGEST_LINE, MissingImage
from darknet_py.predict.sources.found import Sources, find_sources


def most_blocks(found: Sources) -> int:
    """Objects in memory at most, beyond those before, while one goes through all of it."""
    before, most = sys.getallocatedblocks(), 0
    for _ in found:
        most = max(most, sys.getallocatedblocks() - before)
    return most


@pytest.mark.parametrize("names", [5_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_I06_a_list_of_many_names_takes_no_more_memory_than_one_of_few(names: int, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    listed = tmp_path / "list.txt"
    listed.write_text("a.png\nnone.png\n" * (names // 2))
    for found in (find_sources([str(listed)]), find_sources(["-"], given=io.BytesIO(listed.read_bytes()))):
        assert len(found) == names
        assert most_blocks(found) < 1000
    assert next(iter(find_sources([str(listed)]))) == tmp_path / "a.png"


def test_a_line_without_an_end_is_one_missing_image(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    listed = tmp_path / "list.txt"
    listed.write_text("x" * (3 * LONGEST_LINE + 7) + "\n\n a.png \r\n" + "y" * (2 * LONGEST_LINE))
    found = list(find_sources([str(listed)]))
    assert len(found) == len(find_sources([str(listed)])) == 3
    assert found[1] == tmp_path / "a.png"
    for at, line in ((0, 1), (2, 4)):
        missing = found[at]
        assert isinstance(missing, MissingImage)
        assert str(missing.error).startswith(f"{listed}:{line}: error: no such image: ")


@pytest.mark.parametrize("content", [b"", b"\n \r\n", b"\xef\xbb\xbf"])
def test_a_list_without_a_name_is_one_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    found = find_sources([str(tmp_path / "list.txt")])
    (nothing,) = found
    assert len(found) == 1
    assert isinstance(nothing, MissingImage)
    assert str(nothing.error) == f"{tmp_path}/list.txt: error: the list names no image"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_entries_on_disk_are_the_json_of_a_list(
    count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[dict[str, Any]] = [
        {"image": f"a\n{at}\udce9", "detections": [{"box": [1, 2.5]}] * at} for at in range(count)
    ]
    for path in (None, tmp_path / "found.json"):
        with Entries() as entries:
            for row in rows:
                entries.add(row)
            entries.publish(path)
    expected = json_text(rows, indent=1) + "\n"
    assert capsys.readouterr().out == (tmp_path / "found.json").read_text() == expected
    assert len(json.loads(expected)) == count
