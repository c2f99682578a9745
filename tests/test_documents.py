"""Golden. Oracle: the program itself, run again; what the documents show must be what it says."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from darknet_py.__main__ import main

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
QUICK = {"show", "lint"}


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
    for part in shown.split("\n...\n"):
        assert part in said


def test_the_readme_shows_a_show_and_an_error() -> None:
    commands = " ".join(command for command, _ in blocks())
    assert "show" in commands
    assert "lint" in commands


def test_the_list_of_cfgs_is_fresh() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    from generate import cfg_readme

    assert (ROOT / "cfg" / "README.md").read_text(encoding="utf-8") == cfg_readme(), (
        "run python docs/generate.py"
    )
