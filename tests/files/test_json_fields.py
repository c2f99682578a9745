"""Property: untrusted JSON is either of the requested kind or refused; the oracle is `isinstance`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darknet_py.errors import ReportError
from darknet_py.files.json_fields import JsonObject, name_if_absolute, read_json_object

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= 1 << 53


def is_counts(value: object) -> bool:
    return isinstance(value, list) and all(map(is_count, value))


KINDS: dict[str, tuple[Callable[[JsonObject], Any], Callable[[Any], bool]]] = {
    "text": (lambda o: o.text("k"), lambda v: isinstance(v, str)),
    "number": (lambda o: o.number("k", low=-5), lambda v: type(v) in (int, float) and -5 <= v < 1e300),
    "count": (lambda o: o.count("k"), is_count),
    "score": (lambda o: o.score("k"), lambda v: v is None or (type(v) in (int, float) and 0 <= v <= 1)),
    "texts": (
        lambda o: list(o.texts("k")),
        lambda v: isinstance(v, list) and all(isinstance(x, str) for x in v),
    ),
    "counts": (lambda o: list(o.counts("k")), is_counts),
    "pair": (lambda o: list(o.pair("k")), lambda v: is_counts(v) and len(v) == 2),
    "child": (lambda o: o.child("k").values, lambda v: isinstance(v, dict)),
    "children": (
        lambda o: [child.values for child in o.children("k")],
        lambda v: isinstance(v, list) and all(isinstance(x, dict) for x in v),
    ),
    "count_matrix": (
        lambda o: [list(row) for row in o.count_matrix("k", side=2)],
        lambda v: isinstance(v, list) and len(v) == 2 and all(is_counts(x) and len(x) == 2 for x in v),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@given(value=values)
def test_a_value_is_of_the_requested_kind_or_refused(kind: str, value: object) -> None:
    get, is_kind = KINDS[kind]
    read = JsonObject({"k": value}, Path("a.json"), prefix="outer")
    if is_kind(value):
        assert get(read) == value
    else:
        with pytest.raises(ReportError, match=r"^a\.json: error: outer\.k is .*; it should be "):
            get(read)


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_value_is_refused(kind: str) -> None:
    with pytest.raises(ReportError, match=r"^a\.json: error: k is missing; it should be "):
        KINDS[kind][0](JsonObject({}, Path("a.json")))


@settings(deadline=None)  # it writes files, which a busy machine may take long for
@given(values)
def test_a_file_is_read_when_it_holds_an_object(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    file = tmp_path_factory.getbasetemp() / "value.json"
    file.write_text(json.dumps(value))
    if isinstance(value, dict):
        assert json.dumps(read_json_object(file).values) == json.dumps(value)
    else:
        with pytest.raises(ReportError, match="it should hold one JSON object"):
            read_json_object(file)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate((1 << 25) + 1)
    with pytest.raises(ReportError, match="it has more than 33554432 bytes"):
        read_json_object(tmp_path / "large.json")


@given(st.text())
def test_no_folder_of_an_absolute_path_is_kept(name: str) -> None:
    part = name.replace("/", "").replace("\\", "").strip(". ") or "x"
    for path in (f"/home/ann/{part}", f"C:\\Users\\ann\\{part}", f"~/ann/{part}"):
        assert "ann" not in name_if_absolute(path) or "ann" in part
