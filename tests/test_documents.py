"""Golden. Oracle: the program itself, run again; what the documents show must be what it says."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from darknet_py.__main__ import main
from darknet_py.layers.plugins import load_plugins
from tests.paths import ROOT

sys.path.insert(0, str(ROOT / "docs"))
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
QUICK = {"show", "lint", "edit", "diff", "layers", "conform", "reach"}
POOL_PAGE = ROOT / "docs" / "write-a-pool.md"
POOL_FILE = ROOT / "docs" / "examples" / "midrange.py"


@pytest.fixture(autouse=True)
def _no_plugin_stays() -> Iterator[None]:
    yield
    load_plugins([])


def blocks() -> list[tuple[str, str]]:
    """(command, what the document shows) of every console block whose command answers at once."""
    found = []
    for document in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in BLOCK.findall(document.read_text(encoding="utf-8")):
            command, _, output = block.partition("\n")
            words = shlex.split(command.removeprefix("$ "))
            if words[0] == "darknet-py" and words[1] in QUICK:
                found.append((command.removeprefix("$ "), output))
    return found


@pytest.mark.parametrize(("command", "shown"), blocks(), ids=lambda text: text[:40])
def test_what_the_documents_show_is_what_the_program_says(
    command: str, shown: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    try:
        main(shlex.split(command)[1:])
    except SystemExit:
        pytest.fail(f"{command} is no command")
    said = capsys.readouterr().out
    shown = shown.rstrip("\n")
    for part in re.split(r"\n\.\.\.(?:\n|$)", shown):
        assert part in said


def test_the_readme_shows_a_show_and_an_error() -> None:
    commands = " ".join(command for command, _ in blocks())
    assert "show" in commands
    assert "lint" in commands


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
