"""Story. Oracle: Neovim, headless, with the configuration of docs/editors.md; skipped where it is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from darknet_py.cfg.shipped import find_cfg
from tests.paths import ROOT

pytest.importorskip("pygls", reason="the language server needs pygls")
PAGE = ROOT / "docs" / "editors.md"
CONFIG = ROOT / "docs" / "examples" / "neovim.lua"


def test_the_page_shows_the_configuration_that_is_tried() -> None:
    (shown,) = re.findall(r"```lua\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert shown == CONFIG.read_text()


@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed")
def test_a_session_in_neovim_is_what_the_page_shows(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "darknet-py"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m darknet_py "$@"\n')
    program.chmod(0o755)
    shutil.copy(find_cfg("yolov3-tiny"), tmp_path / "yolov3-tiny.cfg")
    paths = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": paths, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path)}
    session = Path(__file__).with_name("session.lua")
    command = ["nvim", "--headless", "-n", "-u", str(CONFIG), "yolov3-tiny.cfg", "-c", f"luafile {session}"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (shown,) = re.findall(r"```text\n(opened.*?)```", PAGE.read_text(), re.DOTALL)
    assert done.stdout == shown
