"""Story. A training that is not finite is told, and the others go on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from darknet_py.train import loop
from tests.cli.test_bad_input import CFG
from tests.command import Cli


def test_a_training_that_is_not_finite_does_not_end_the_comparison(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fine.cfg").write_text(CFG)
    Path("nan.cfg").write_text(CFG.replace("max_batches=2", "max_batches=9\nlearning_rate=1e30"))
    words = ["compare", "fine.cfg", "nan.cfg", "--data", "scenes:train=4,val=2,size=96", "--out", "o"]
    words += ["--seeds", "1", "--recipe", "darknet", "--evaluations", "1"]
    code, out, err = cli(*words)
    assert code == 4
    assert "[1/2] fine, seed 0: trained in" in out
    assert "[2/2] nan, seed 0: not finite, the loss is not finite; training stopped before the update" in out
    assert err.endswith("nan/seed-0 has no result: not finite, see the report's notes\n")
    notes = json.loads(Path("o/report.json").read_text())["notes"]
    assert notes[0] == "Not finished, and left out: nan, every seed."
    assert notes[1].startswith("Not finite: nan, seed 0: the loss is not finite")
    monkeypatch.setattr(loop, "build_trainer", None)
    code, out, _ = cli(*words)
    assert code == 4
    assert "not finite before" in out, "it would end in the same way, and is not trained again"
    code, _, err = cli("compare", *words[2:])
    assert (code, "o: error: no training stayed finite" in err) == (4, True)
