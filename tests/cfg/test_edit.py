"""Property. Oracle: the text before the edit: every byte that is not the value's stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darknet_py.cfg.document import Document, parse
from darknet_py.cfg.edits import Edit, cut_variant, parse_edits, set_value, set_values
from darknet_py.errors import UsageError

TEXT = """# a net
[net]
 width = 416   # square
height=416

; the trunk
[ convolutional ]\t
filters=32
\tsize = 3

# the end
[maxpool]
size=2
"""


def edited(text: str, *edits: str) -> str:
    return str(set_values(parse(text, path="a.cfg"), [e for edit in edits for e in parse_edits(edit)]))


def test_a_value_is_set_and_every_other_byte_stays() -> None:
    assert edited(TEXT, "0.filters=64") == TEXT.replace("filters=32", "filters=64")
    assert edited(TEXT, "0.size=19") == TEXT.replace("\tsize = 3", "\tsize = 19")


def test_a_comment_behind_the_value_stays() -> None:
    assert edited(TEXT, "net.width=608") == TEXT.replace(" = 416   # square", " = 608   # square")
    assert edited("[net]\nwidth=416###P6\n", "net.width=8") == "[net]\nwidth=8###P6\n"


def test_the_first_of_two_equal_keys_is_the_one_that_is_set() -> None:
    assert edited("[net]\nwidth=1\nwidth=2\n", "net.width=3") == "[net]\nwidth=3\nwidth=2\n"


def test_a_key_that_is_not_there_is_added_after_the_last() -> None:
    assert edited(TEXT, "0.pad=1") == TEXT.replace("size = 3\n", "size = 3\npad=1\n")
    assert edited("[net]\n# c\n[maxpool]\n\n# d\n", "0.size=2") == "[net]\n# c\n[maxpool]\nsize=2\n\n# d\n"


def test_a_key_is_added_to_a_text_without_a_final_newline() -> None:
    assert edited("[net]\nwidth=1", "net.height=2") == "[net]\nwidth=1\nheight=2\n"
    assert edited("[net]\r\nwidth=1", "net.height=2") == "[net]\r\nwidth=1\r\nheight=2\r\n"


@pytest.mark.parametrize("edit", ["0.filters=64", "0.pad=1", "1.section=local_avgpool", "net.width=608"])
def test_C09_carriage_returns_stay(edit: str) -> None:
    crlf = TEXT.replace("\n", "\r\n")
    assert edited(crlf, edit) == edited(TEXT, edit).replace("\n", "\r\n")


@pytest.mark.parametrize("header", ["[maxpool]", "[ maxpool ]", "  [max pool]\t", "[m a x p o o l]"])
def test_a_section_is_renamed_however_it_is_spaced(header: str) -> None:
    text = f"[net]\nwidth=8\n{header}\nsize=2\n"
    new = edited(text, "0.section=stochpool")
    assert [s.name for s in parse(new).sections] == ["net", "stochpool"]
    assert new == text.replace(header.strip(" \t"), "[stochpool]")


def test_a_byte_order_mark_stays() -> None:
    assert edited("\ufeff[net]\nwidth=1\n", "net.width=2") == "\ufeff[net]\nwidth=2\n"


def test_commas_continue_a_value_until_the_next_edit() -> None:
    assert parse_edits("11.sizes=5,9,13,net.width=608") == [
        Edit(11, "sizes", "5,9,13"),
        Edit(None, "width", "608"),
    ]
    assert parse_edits("0.from=-3") == [Edit(0, "from", "-3")]
    assert [str(e) for e in parse_edits("3.anchors=1,2,3.mask=0,1")] == ["3.anchors=1,2", "3.mask=0,1"]


def test_edits_are_carried_out_in_order() -> None:
    assert edited(TEXT, "0.filters=64,1.size=3", "0.filters=8") == TEXT.replace("=32", "=8").replace(
        "[maxpool]\nsize=2", "[maxpool]\nsize=3"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "size=3",
        "0.size",
        "0.size=",
        "0=3",
        "x-y.size=3",
        "-1.size=3",
        "0.size=3=4",
        "0.si ze=3",
        "0.size=[net]",
        "0.size=3;x",
        "0.size=3#x",
        "0..size=3",
        "\u0663.size=3",
        "0.size=a\nb",
        "99999.size=3",
        "net=3",
        "0.size = 3",
    ],
)
def test_what_is_no_edit_is_a_usage_error_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_edits(text)
    assert caught.value.exit_code == 2
    assert "is not an edit" in str(caught.value)
    assert "expected LAYER.KEY=VALUE, as in 82.size=19" in str(caught.value)
    assert str(caught.value).replace("\n", "").isprintable()


def test_an_edit_of_a_layer_that_is_not_there_says_which_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        edited(TEXT, "2.size=3")
    assert str(caught.value) == ("a.cfg: error: 2.size=3: the cfg has no layer 2\n   = layers are 0 to 1")


@pytest.mark.parametrize(("text", "missing"), [("", "[net]"), ("[net]\n", "layer 0")])
def test_an_edit_of_a_text_without_layers_says_so(text: str, missing: str) -> None:
    with pytest.raises(UsageError) as caught:
        edited(text, "net.width=8" if missing == "[net]" else "0.size=3")
    assert f"the cfg has no {missing}" in str(caught.value)
    assert "there is no layer" in str(caught.value)


def test_a_layer_is_called_by_its_name() -> None:
    named = TEXT + "name = top\n"
    assert edited(named, "top.size=5") == named.replace("[maxpool]\nsize=2", "[maxpool]\nsize=5")
    assert edited(TEXT, "1.name=top,top.size=5") == named.replace("size=2", "size=5").replace(
        " = top", "=top"
    )


def test_a_name_that_no_layer_has_is_refused_with_the_likely_one() -> None:
    with pytest.raises(UsageError) as caught:
        edited(TEXT + "name=spp_in\n", "spp_im.size=3")
    assert str(caught.value) == (
        "a.cfg: error: spp_im.size=3: no layer is called spp_im\n   = did you mean `spp_in`?"
    )
    with pytest.raises(UsageError, match="names are none"):
        edited(TEXT, "top.size=3")


@pytest.mark.parametrize(
    ("text", "name", "edits"),
    [
        ("cfg/a.cfg@82.size=19", "cfg/a.cfg", "82.size=19"),
        ("a@3.layers=@x,8,net.width=32", "a", "3.layers=@x,8,net.width=32"),
        ("a@b.cfg@x.size=3", "a@b.cfg", "x.size=3"),
        ("a.cfg", "a.cfg", ""),
        ("a.cfg@82.size", "a.cfg", "82.size"),
    ],
)
def test_a_variant_is_cut_where_its_edits_begin(text: str, name: str, edits: str) -> None:
    assert cut_variant(text) == (name, edits)


LINES = st.lists(
    st.sampled_from(["[a]", " [b c]", "k=1", "\tk = 2 # x", "j=3;", "# k=9", "", "z = 1,2 , 3 "]), max_size=20
)


@given(LINES, st.sampled_from("kjzy"), st.integers(0, 9), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_one_edit_changes_one_value_and_no_other(
    lines: list[str], key: str, position: int, end: str, final: bool
) -> None:
    document = parse(end.join(["[net]", *lines]) + (end if final else ""))
    position %= len(document.sections)
    new = set_value(document, position, key, "77")

    def values(d: Document) -> list[list[tuple[str, str]]]:
        return [[(e.key, e.value) for e in s.entries] for s in d.sections]

    expected = values(document)
    section = expected[position]
    at = next((i for i, (k, _) in enumerate(section) if k == key), None)
    if at is None:
        section.append((key, "77"))
    else:
        comment = section[at][1].lstrip("0123456789,")
        section[at] = (key, f"77{comment}")
    assert values(new) == expected
    kept = [line for line in document.lines if line.strip() and line in new.lines]
    assert len(kept) >= len([line for line in document.lines if line.strip()]) - 1
