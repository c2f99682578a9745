"""Golden. Oracle: docs/python.md; its blocks are run, and give what it shows."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import darknet_py
from tests.paths import ROOT

PAGE = ROOT / "docs" / "python.md"


def test_the_blocks_of_the_page_give_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    page = doctest.DocTestParser().get_doctest(text, {}, "python.md", str(PAGE), 0)
    report: list[str] = []
    failed, tried = doctest.DocTestRunner(verbose=False).run(page, out=report.append)
    assert tried > 20
    assert not failed, "".join(report)


def test_the_page_shows_every_public_name() -> None:
    text = PAGE.read_text(encoding="utf-8")
    names = set(darknet_py.__all__) - {"__version__"}
    assert {name for name in names if f"darknet_py.{name}" in text} == names
