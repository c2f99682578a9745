"""Story: `make compare`. Oracle: the Makefile's command, and the cfgs as they are written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from darknet_py.compare.variants import fit_variants, parse_variants
from darknet_py.data.formats.registry import open_data
from darknet_py.train.schedule import learning_rate
from darknet_py.train.settings import Settings
from tests.command import Cli
from tests.paths import ROOT

VARIANTS = [f"cfg/demo/strokes{kind}.cfg" for kind in ("", "-minpool", "-lsepool")]


def test_the_demo_has_three_seeds_of_three_variants(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    makefile = Path("Makefile").read_text()
    (command,) = re.findall(r"^\t\$\(BIN\)/darknet-py (compare \$\(DEMO\) .*) --out", makefile, re.MULTILINE)
    (names,) = re.findall(r"^DEMO +:= \$\(addprefix cfg/demo/,(.*)\)$", makefile, re.MULTILINE)
    assert [f"cfg/demo/{name}" for name in names.split()] == VARIANTS
    words = command.replace("$(DEMO)", " ".join(VARIANTS)).split()
    assert len(cli(*words, "--out", str(tmp_path / "o"), "--list-runs").printed().splitlines()) == 9


def test_it_is_trained_as_it_is_written_and_its_rate_is_low_in_the_last_quarter() -> None:
    train = open_data("night", split="train")
    variants = parse_variants([str(ROOT / cfg) for cfg in VARIANTS])
    for fitted in fit_variants(variants, train, Settings(recipe="darknet"), epochs=None):
        assert fitted.changes == ()
        net = fitted.graph.net
        rates = [learning_rate(net, at, seed=0) for at in (net.burn_in, 3 * net.max_batches // 4)]
        assert rates[1] == pytest.approx(rates[0] / 100)
