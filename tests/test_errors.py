"""Property. Oracle: the name of the file and the line that are put in."""

from __future__ import annotations

import pytest

from darknet_py.errors import WeightsError, quoted_path


@pytest.mark.parametrize("name", ["a.weights", "n" * 100 + ".weights", "n" * 255 + ".weights:31:12"])
def test_D16_a_path_in_an_error_keeps_its_end(name: str) -> None:
    where = WeightsError("is damaged", where="/data/" + "deep/" * 40 + name).where
    assert len(where) == 120
    assert where.startswith("/")
    assert where.endswith(name[-60:])
    assert "…" in where


def test_a_short_path_stays_and_control_characters_are_escaped() -> None:
    assert quoted_path("a/b.cfg:1") == "a/b.cfg:1"
    assert quoted_path("a\x1bb.cfg") == "a\\x1bb.cfg"
