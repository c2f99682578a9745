"""Golden. Oracle: the program itself, run again; what the documents quote must be its output."""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import darknet_py
from darknet_py.__main__ import main
from darknet_py.cli.main import VERBS
from darknet_py.data.formats.coco.names import COCO_NAMES
from darknet_py.layers.plugins import load_plugins
from darknet_py.model.weights import save_weights
from tests.paths import ROOT, SHARED
from tests.test_document_references import FENCE, PAGES

sys.path.insert(0, str(ROOT / "docs"))
BLOCK = re.compile(r"```(?:console|text)\n(\$ .*?)```", re.DOTALL)
QUICK = {"show", "lint", "edit", "diff", "layers", "conform", "reach"}
POOL_PAGE = ROOT / "docs" / "write-a-pool.md"
POOL_FILE = ROOT / "docs" / "examples" / "midrange.py"


@pytest.fixture(autouse=True)
def _no_plugin_stays() -> Iterator[None]:
    yield
    load_plugins([])


def blocks() -> list[tuple[str, str]]:
    """(command, output) of every console block whose command needs no data."""
    found = []
    for document in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in BLOCK.findall(document.read_text(encoding="utf-8")):
            command, _, output = block.partition("\n")
            words = shlex.split(command.removeprefix("$ "))
            if words[0] == "darknet-py" and (words[1] in QUICK or words[1:] == ["data", "fetch"]):
                found.append((command.removeprefix("$ "), output))
    return found


@pytest.mark.parametrize(("command", "quoted"), blocks(), ids=lambda text: text[:40])
def test_console_blocks_are_the_output_of_the_program(
    command: str, quoted: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    try:
        main(shlex.split(command)[1:])
    except SystemExit:
        pytest.fail(f"{command} is no command")
    printed = "".join(capsys.readouterr()).replace(f"{ROOT}/", "")
    for part in re.split(r"\n\.\.\.(?:\n|$)", quoted.rstrip("\n")):
        assert part in printed


COMMAND = re.compile(r"^(?:\$ )?(?:.*torchrun .*?)?(darknet-py .*|(?:train|detect)\.py .*)$", re.MULTILINE)


def command_lines() -> list[tuple[str, list[str]]]:
    """(page, words after the program's name) of every command in a block of code."""
    found = []
    for page in PAGES:
        for block in FENCE.findall(page.read_text(encoding="utf-8")):
            for line in COMMAND.findall(block.replace("\\\n", " ")):
                words = shlex.split(line)
                verb = [] if words[0] == "darknet-py" else [words[0].removesuffix(".py")]
                found.append((page.name, [*verb, *words[1:]]))
    return found


@functools.cache
def options(*verb: str) -> set[str]:
    """The options that the help of a verb lists."""
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
        main([*verb, "--help"])
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", printed.getvalue()))


def test_commands_use_options_that_their_verb_has() -> None:
    wrong = []
    for page, words in command_lines():
        verb = words[: 2 if words[0] == "data" and len(words) > 1 else 1]
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        wrong += [f"{page}: {' '.join(verb)} {option}" for option in given - options(*verb)]
    assert len(command_lines()) > 30
    assert wrong == []


def write_damaged_cells(root: Path) -> None:
    """The data set of docs/data.md, with seven kinds of damage."""
    for turn, name in enumerate(("train/a", "train/b", "val/d")):
        path = root / "cells" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.linear_gradient("L").convert("RGB").rotate(30 * turn).save(path)
    cut = root / "cells/train/b.jpg"
    cut.write_bytes(cut.read_bytes()[:-150])
    shutil.copy(root / "cells/train/a.jpg", root / "cells/val/a.jpg")
    two = "0 .5 .5 .2 .2\n1 .3 .3 .2 .2\n"
    texts = {
        "train/a.txt": "0 .5 .5 .2 .2\n2 .5 .5 .2 .2\n1 120 80 30 30\n1 .5 .95 .2 .3\n",
        "train/b.txt": two,
        "val/a.txt": two,
        "val/d.txt": two,
        "train.txt": "cells/train/a.jpg\ncells/train/b.jpg\n",
        "val.txt": "cells/val/a.jpg\ncells/val/d.jpg\ncells/val/c.jpg\n",
        "names": "red\nwhite\n",
        "obj.data": "classes = 2\ntrain = cells/train.txt\nvalid = cells/val.txt\nnames = cells/names\n",
    }
    for name, text in texts.items():
        (root / "cells" / name).write_text(text)


def test_the_damages_of_the_page_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_damaged_cells(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["data", "check", "cells/obj.data"]) == 1
    printed = re.sub(r"\(\d+ bytes", "(N bytes", capsys.readouterr().out)  # Pillow's versions differ
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"\$ darknet-py data check cells/obj.data\n(.*?)```", page, re.DOTALL)
    assert printed == re.sub(r"\(\d+ bytes", "(N bytes", block)


def test_the_readme_is_short_and_shows_a_network_and_an_error() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("\n") <= 120
    assert "$ darknet-py show " in text
    assert "$ darknet-py lint " in text


def test_the_readme_lists_every_verb() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `([a-z-]+)[ `]", text, re.MULTILINE)) == sorted(VERBS)


def test_the_python_of_the_readme_finds_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    network = darknet_py.load("yolov3-tiny")
    for head in (16, 23):  # all cells are sure of one class
        network.layers[head - 1].conv.bias.data.fill_(4.0)
    save_weights(network, tmp_path / "yolov3-tiny.weights")
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "street.jpg")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    best = capsys.readouterr().out.splitlines()[0]
    name, score, box = re.fullmatch(r"(\D+) (0\.\d+) (\(.*\))", best).groups()
    assert name in COCO_NAMES
    assert 0.25 < float(score) <= 1
    assert len(ast.literal_eval(box)) == 4


@pytest.mark.skipif(not (SHARED / "zoo").exists(), reason="needs shared/zoo beside the checkout")
def test_the_table_of_public_cfgs_is_the_output_of_its_program() -> None:
    program = [sys.executable, ROOT / "bench" / "zoo.py", SHARED / "zoo"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout in (ROOT / "docs" / "public-cfgs.md").read_text(encoding="utf-8")


def test_the_generated_documents_are_fresh() -> None:
    from generate import documents

    for path, text in documents().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python docs/generate.py"


def test_the_pool_on_the_page_is_the_file_and_short() -> None:
    (text,) = re.findall(r"```python\n(.*?)```", POOL_PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert text == POOL_FILE.read_text(encoding="utf-8")
    assert text.count("\n") <= 20


def long_commands() -> dict[str, list[str]]:
    """The commands of the page that train, by their verb, as words."""
    lines = re.findall(r"(?m)^darknet-py (.*)$", POOL_PAGE.read_text(encoding="utf-8"))
    return {words[0]: words for words in map(shlex.split, lines)}


def shortened(words: list[str], out: Path) -> list[str]:
    """The same command on little data, with one seed."""
    small = {"--data": "scenes:train=24,val=8,size=96", "--epochs": "1", "--out": str(out)}
    changed = [small.get(before, word) for before, word in zip(["", *words], words, strict=False)]
    return changed + (["--seeds", "1"] if words[0] == "compare" else [])


@pytest.mark.parametrize("verb", ["train", "compare"])
def test_the_trainings_of_the_page_run(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    words = long_commands()[verb]
    assert {"--data", "--epochs", "--out", "--plugin"} <= set(words)
    assert main(shortened(words, tmp_path / "run")) == 0
    if verb == "compare":
        report = json.loads((tmp_path / "run" / "report.json").read_bytes())
        names = [variant["name"] for variant in report["variants"]]
        assert names == ["small", "small@5.section=midrange"]
        kept = tmp_path / "run" / "runs" / names[1] / "seed-0"
    else:
        kept = tmp_path / "run"
    assert (kept / "midrange.py").read_bytes() == POOL_FILE.read_bytes()
