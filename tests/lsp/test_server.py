"""Story. Oracle: the texts themselves, edited by a scripted editor in front of a real server process."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from darknet_py.cfg.shipped import find_cfg
from tests.lsp.client import ROOT, URI, Editor

pytest.importorskip("pygls", reason="the language server needs pygls")
TINY = find_cfg("yolov3-tiny").read_text()
NAMED = """[net]
width=32
height=32
channels=3

[convolutional]
name=stem
filters=4
size=3
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[route]
layers = @stem

[shortcut]
from = -3, @stem
"""


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    started = Editor()
    yield started
    if started.process.poll() is None:
        started.process.kill()


def line_of(text: str, words: str, nth: int = 1) -> int:
    """Which line, from 0, holds these words for the n-th time."""
    return [number for number, line in enumerate(text.splitlines()) if line.startswith(words)][nth - 1]


def test_a_good_cfg_is_told_of_by_its_warnings_alone(editor: Editor) -> None:
    assert {d["severity"] for d in editor.open(TINY)} <= {2, 4}


def test_an_error_is_told_while_it_is_typed_and_taken_back_when_it_is_mended(editor: Editor) -> None:
    before, line = editor.open(TINY), line_of(TINY, "activation=leaky")
    told = [d for d in editor.type(line, 13, 14, "e") if d["severity"] == 1]
    assert [d["code"] for d in told] == ["unknown-value"]
    assert told[0]["range"]["start"] == {"line": line, "character": 11}
    assert told[0]["range"]["end"] == {"line": line, "character": 16}
    assert "did you mean `leaky`?" in told[0]["message"]
    (fix,) = editor.ask(
        "textDocument/codeAction",
        textDocument={"uri": URI},
        range=told[0]["range"],
        context={"diagnostics": told},
    )
    assert fix["edit"]["changes"][URI] == [{"range": told[0]["range"], "newText": "leaky"}]
    assert editor.type(line, 11, 16, "leaky") == before


def test_hovering_over_a_section_shows_its_shape_cost_and_reach(editor: Editor) -> None:
    editor.open(TINY)
    said = editor.at("hover", line_of(TINY, "[maxpool]", 6), 3)["contents"]["value"]
    assert "layer 11 [maxpool]" in said
    assert "512 x 13 x 13" in said
    assert "190 x 190 pixels" in said
    said = editor.at("hover", line_of(TINY, "[convolutional]", 1), 3)["contents"]["value"]
    assert "496 floats, 0.150 BFLOPs" in said


def test_hovering_over_a_key_shows_its_card_and_over_a_reference_the_layer(editor: Editor) -> None:
    editor.open(TINY)
    said = editor.at("hover", line_of(TINY, "stride=1", 2), 2)["contents"]["value"]
    assert said.startswith("**stride** of [maxpool]: step of the window") or "**stride** of [" in said
    line = line_of(TINY, "layers=-1,8")
    assert "layer 8 [convolutional]" in editor.at("hover", line, len("layers=-1,"))["contents"]["value"]


def test_sections_keys_values_and_layers_are_completed(editor: Editor) -> None:
    text = NAMED + "\n[\n"
    editor.open(text)
    labels = [item["label"] for item in editor.at("completion", text.count("\n") - 1, 1)["items"]]
    assert {"maxpool", "stochpool", "spp"} <= set(labels)
    text = NAMED.replace("stride=2\n", "stride=2\n\n")
    editor.open(text)
    items = editor.at("completion", line_of(text, "stride=2") + 1, 0)["items"]
    assert "padding" in {item["label"] for item in items}
    assert "size" not in {item["label"] for item in items}
    line = line_of(text, "activation=")
    assert "mish" in {item["label"] for item in editor.at("completion", line, 11)["items"]}
    line = line_of(text, "from =")
    assert "@stem" in {item["label"] for item in editor.at("completion", line, 7)["items"]}


def test_a_reference_leads_to_its_layer_by_number_and_by_name(editor: Editor) -> None:
    editor.open(TINY)
    line = line_of(TINY, "layers=-1,8")
    there = editor.at("definition", line, 10)["range"]["start"]["line"]
    assert there == line_of(TINY, "[convolutional]", 5)
    assert editor.at("definition", line, 8)["range"]["start"]["line"] == line_of(TINY, "[upsample]")
    assert editor.at("definition", line, 2) is None
    editor.open(NAMED)
    there = editor.at("definition", line_of(NAMED, "layers"), 11)["range"]["start"]["line"]
    assert there == line_of(NAMED, "[convolutional]")


def test_renaming_a_layer_changes_its_name_and_every_reference(editor: Editor) -> None:
    editor.open(NAMED)
    line = line_of(NAMED, "layers")
    assert editor.at("prepareRename", line, 12)["start"] == {"line": line, "character": 10}
    assert editor.at("prepareRename", line_of(NAMED, "filters"), 3) is None
    edits = editor.at("rename", line, 12, newName="first")["changes"][URI]
    lines = NAMED.splitlines()
    for edit in edits:
        at, first, last = (
            edit["range"]["start"]["line"],
            *(edit["range"][e]["character"] for e in ("start", "end")),
        )
        lines[at] = lines[at][:first] + edit["newText"] + lines[at][last:]
    assert "\n".join(lines) + "\n" == NAMED.replace("stem", "first")
    with pytest.raises(AssertionError, match="is no name"):
        editor.at("rename", line, 12, newName="2 words")


def test_the_outline_has_every_section_with_its_map(editor: Editor) -> None:
    editor.open(NAMED)
    found = editor.ask("textDocument/documentSymbol", textDocument={"uri": URI})
    assert [(one["name"], one.get("detail")) for one in found] == [
        ("[net]", None),
        ("0 [convolutional]", "4 x 32 x 32"),
        ("1 [maxpool]", "4 x 16 x 16"),
        ("2 [route]", "4 x 32 x 32"),
        ("3 [shortcut]", "4 x 32 x 32"),
    ]


def test_columns_are_counted_in_the_editors_units(editor: Editor) -> None:
    text = NAMED.replace("activation=leaky", "# \N{PILE OF POO}\nactivation=leeky # \N{PILE OF POO}")
    (told, *_) = [d for d in editor.open(text) if d["severity"] == 1]
    assert told["range"]["start"]["character"] == 11
    assert told["range"]["end"]["character"] == 11 + len("leeky # ") + 2  # two units of UTF-16


def test_a_keystroke_in_yolov3_spp_is_answered_in_a_tenth_of_a_second(editor: Editor) -> None:
    text = find_cfg("yolov3-spp").read_text()
    editor.open(text)
    line, taken = line_of(text, "activation=leaky", 30), []
    for number in range(21):
        begin = time.perf_counter()
        editor.type(line, 11, 16, "leaky" if number % 2 else "lea_y")
        taken.append(time.perf_counter() - begin)
    assert min(taken) < 0.1, f"median {statistics.median(taken):.3f} s"


def test_half_a_text_gets_answers_too(editor: Editor) -> None:
    for text in (
        "",
        "[",
        "[net",
        "[net]\n",
        "[net]\nwidth",
        "width=3\n[conv",
        "[net]\n[route]\nlayers=@\n",
        "\x00\n[=\n",
    ):
        editor.open(text)
        for line in range(text.count("\n") + 1):
            for method in ("hover", "completion", "definition", "prepareRename"):
                editor.at(method, line, 1)


def test_the_server_leaves_when_it_is_told() -> None:
    editor = Editor()
    editor.open(TINY)
    assert editor.close() == 0


def test_without_pygls_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['pygls'] = None; sys.modules['lsprotocol'] = None\n"
        "from darknet_py.__main__ import main; sys.exit(main(['lsp']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stderr == (
        "error: the language server needs pygls, which is not installed\n"
        "   = python -m pip install 'darknet-cfg[lsp]' installs it; no other verb needs it\n"
    )
