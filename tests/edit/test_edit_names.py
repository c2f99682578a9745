"""Golden. Oracle: the same cfg written with numbers, and messages as a person should read them."""

from __future__ import annotations

import pytest

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import parse, read
from darknet_py.cfg.keys import keys_of
from darknet_py.edit.editing import Changes, apply_edits
from darknet_py.graph.compile import compile
from darknet_py.graph.references import references
from darknet_py.layers.catalogue import CATALOGUE
from tests.paths import ROOT

NAMED = """[net]
width=16
height=16
channels=3

[convolutional]
filters=4
name = trunk

[maxpool]
size=3
name=pooled   

[route]
layers = @trunk , -1  # both

[shortcut]
from=@pooled
"""
NUMBERED = (
    NAMED.replace("@trunk", "0")
    .replace("@pooled", "1")
    .replace("name = trunk\n", "")
    .replace("name=pooled   \n", "")
)


def errors(text: str) -> str:
    with pytest.raises(CfgError) as caught:
        compile(parse(text, path="a.cfg"))
    return str(caught.value)


def test_a_name_is_the_number_of_its_layer() -> None:
    named, numbered = compile(parse(NAMED)), compile(parse(NUMBERED))
    assert (
        [node.inputs for node in named] == [node.inputs for node in numbered] == [(-1,), (0,), (0, 1), (2, 1)]
    )
    assert [node.shape for node in named] == [node.shape for node in numbered]
    assert str(named.document) == NAMED


def test_plain_writes_numbers_and_takes_names_out() -> None:
    assert str(apply_edits(parse(NAMED), Changes(plain=True)).document) == NUMBERED


@pytest.mark.slow
@pytest.mark.parametrize("name", ["yolov3", "yolov3-tiny", "yolov3-spp", "pools/yolov3-tiny-unpool"])
def test_a_cfg_with_a_name_for_every_layer_is_the_same_network(name: str) -> None:
    document = read(ROOT / "cfg" / f"{name}.cfg")
    graph = compile(document)
    lines = list(document.lines)
    for node in graph:
        for item in reversed(list(references(document, node.index + 1))):
            at, start = item.layer(node.index, {}), item.span.column - 1
            line = lines[item.span.line - 1]
            if at is not None and 0 <= at < len(graph):
                lines[item.span.line - 1] = f"{line[:start]}@t{at}{line[start + item.span.length :]}"
        lines[node.span.line - 1] += f"name=t{node.index}\n"
    named = parse("".join(lines))
    assert [node.inputs for node in compile(named)] == [node.inputs for node in graph]
    back = compile(apply_edits(named, Changes(plain=True)).document)
    assert [(node.inputs, node.layer.section, node.shape) for node in back] == [
        (node.inputs, node.layer.section, node.shape) for node in graph
    ]


def test_a_misspelt_name_is_answered_with_the_likely_one() -> None:
    assert errors(NAMED.replace("@pooled", "@poled").replace("  # both", "")) == (
        "a.cfg:18:6: error[unknown-name]: no layer is called `poled`\\n"
        "   |\\n"
        " 18| from=@poled\\n"
        "   |      ^^^^^^ did you mean `@pooled`?"
    ).replace("\\n", "\n")


def test_an_unknown_name_is_one_error() -> None:
    text = errors(NAMED.replace("@pooled", "@zzz"))
    assert text.count("error[") == 1
    assert "no layer is called `zzz`" in text
    assert "names are trunk, pooled" in text


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("name=pooled", "name=trunk", "duplicate-name"),
        ("name=pooled", "name=9a", "bad-name"),
        ("name=pooled", "name=net", "bad-name"),
        ("name=pooled", "name=pooled#x", "bad-name"),
        ("channels=3", "channels=3\nname=image", "bad-name"),
    ],
)
def test_a_bad_name_is_an_error_at_its_place(old: str, new: str, code: str) -> None:
    assert f"error[{code}]" in errors(NAMED.replace(old, new).replace("@pooled", "-2"))


def test_a_name_of_a_later_layer_is_a_forward_reference() -> None:
    text = NAMED.replace("@trunk", "@late") + "[dropout]\nname=late\n"
    assert "layer 2 cannot read layer 4: that is a later layer" in errors(text)


def test_a_layer_that_goes_takes_its_name_from_references() -> None:
    document = parse(
        "[net]\nwidth=8\nheight=8\nchannels=3\n[convolutional]\nname=a\n[dropout]\nname=b\n[route]\nlayers=@b\n"
    )
    done = apply_edits(document, Changes(deletes=("b",))).document
    assert str(done).endswith("name=a\n[route]\nlayers=@a\n")


def test_every_key_that_names_layers_says_so() -> None:
    named = {
        (section, key.name)
        for section, cls in CATALOGUE.items()
        for key in keys_of(cls).values()
        if key.refers
    }
    words = {"from", "layers", "share_index", "embedding_layer", "yolo_layer"}
    assert named == {
        (section, key.name)
        for section, cls in CATALOGUE.items()
        for key in keys_of(cls).values()
        if key.name in words
    }
    assert {key for _, key in named} == words
