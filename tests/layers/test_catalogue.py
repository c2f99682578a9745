"""Property. Oracle: the modules that a fresh interpreter has imported, and the catalogue in full."""

from __future__ import annotations

import subprocess
import sys

import pytest

from darknet_py.layers.base import layer_class
from darknet_py.layers.catalogue import ALIASES, CATALOGUE
from tests.paths import ROOT


def test_a_section_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys; from darknet_py.layers.base import layer_class;"
        "layer_class('stochpool'); print(*(m for m in sys.modules if '.layers.pools.' in m))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "darknet_py.layers.pools.stochpool" in done.stdout
    assert "darknet_py.layers.pools.spp" not in done.stdout


@pytest.mark.parametrize(
    "name", ["conv", "[]", "../base", "base", "catalogue", "plugins", "", "YOLO", "pools"]
)
def test_a_name_that_is_no_section_is_none_or_an_alias(name: str) -> None:
    cls = layer_class(name)
    assert cls is (CATALOGUE[ALIASES[name]] if name in ALIASES else None)


def test_the_catalogue_is_complete_and_in_alphabetical_order_when_listed() -> None:
    assert list(CATALOGUE) == sorted(CATALOGUE)
    assert len(CATALOGUE) == len(list(CATALOGUE.items()))
    assert {cls.section for cls in CATALOGUE.values()} == set(CATALOGUE)
