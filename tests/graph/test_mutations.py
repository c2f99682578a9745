"""Property. Oracle: the line that a mistake was made on, and the word that was misspelt (bench/mutations.py).

With shared/zoo beside the checkout its cfgs are mutated, otherwise the repository's own.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.paths import ROOT, SHARED

ZOO = sorted((SHARED / "zoo").glob("*.cfg")) or sorted((ROOT / "cfg").rglob("*.cfg"))


def mutations() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutations", ROOT / "bench" / "mutations.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutations"] = module
    spec.loader.exec_module(module)
    return module


def check(paths: list[Path], *, each: int) -> None:
    module = mutations()
    found = module.run(paths, each=each, seed=0)
    tallies, table = found.values(), "\n".join(module.table(found))
    made, located = sum(t.made for t in tallies), sum(t.located for t in tallies)
    words, guessed = sum(t.words for t in tallies), sum(t.guessed for t in tallies)
    assert len([t for t in tallies if t.made]) >= 12
    assert located >= 0.95 * made, table
    assert guessed >= 0.9 * words, table


@pytest.mark.slow
def test_a_mistake_is_told_at_its_line() -> None:
    check(ZOO[::6], each=2)


@pytest.mark.soak
def test_mistakes_in_every_cfg_are_told_at_their_line() -> None:
    check(ZOO, each=10)
