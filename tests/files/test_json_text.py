"""Oracle: Python's json, and UTF-8's own encoder, which refuses half a surrogate pair."""

from __future__ import annotations

import json

import pytest

from darknet_py.files.json_text import json_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dog", "dog"),
        ("café 犬 😀 \U00010080", "café 犬 😀 \U00010080"),
        ("caf\udce9.jpg", r"caf\udce9.jpg"),
        ("\udcff\udc80", r"\udcff\udc80"),
        ("\ud800", r"\ud800"),
        ("😀\udce9", r"😀\udce9"),
        (r"a\udce9", r"a\udce9"),
        ("back\\\udce9", "back\\" + r"\udce9"),
        ("line\nend\u2028", "line\nend\u2028"),
    ],
)
def test_what_is_no_unicode_is_spelt_and_the_rest_kept(text: str, expected: str) -> None:
    found = json_text({text: [text]})
    assert json.loads(found) == {expected: [expected]}
    json.loads(found)[expected][0].encode()  # strict readers take it


def test_numbers_and_layout_are_those_of_json() -> None:
    value = {"a": [1, 2.5, None, True], "b": {}}
    assert json_text(value, indent=1) == json.dumps(value, indent=1)
    with pytest.raises(ValueError, match="Out of range float"):
        json_text(float("nan"))
