"""Story. `compare --set` edits all variants. Oracle: the same edits after the `@` of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_bad_input import CFG
from tests.command import Cli

DATA = "scenes:train=4,val=2,size=96"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a cfg."""
    monkeypatch.chdir(tmp_path)
    Path("small.cfg").write_text(CFG)


def words(*more: str) -> list[str]:
    return ["compare", *more, "--data", DATA, "--seeds", "1", "--recipe", "darknet", "--evaluations", "1"]


def test_edits_of_all_are_made_first_and_are_no_part_of_names(cli: Cli) -> None:
    of_all, own = "net.max_batches=3,net.angle=5", "net.angle=7"
    together = cli(*words("small.cfg", f"small.cfg@{own}"), "--set", of_all, "--out", "a")
    assert together.code == 0, together.err
    apart = cli(*words(f"small.cfg@{of_all}", f"small.cfg@net.max_batches=3,{own}"), "--out", "b")
    assert apart.code == 0, apart.err
    names, long = (
        [run["name"] for run in json.loads(Path(out, "report.json").read_text())["variants"]] for out in "ab"
    )
    assert names == ["small", f"small@{own}"]
    for short, name in zip(names, long, strict=True):
        one, other = Path("a/runs", short, "seed-0"), Path("b/runs", name, "seed-0")
        for file in ("final.weights", "net.cfg"):
            assert (one / file).read_bytes() == (other / file).read_bytes()
    again = json.loads(Path("a/report.json").read_text())["again"]["command"]
    assert f"small.cfg@{of_all} small.cfg@{of_all},{own}" in again


def test_a_wrong_edit_of_all_is_one_message(cli: Cli) -> None:
    outcome = cli(*words("small.cfg"), "--set", "net.widht=64", "--out", "a")
    assert outcome.code == 2
    assert "widht" in outcome.err
    assert "did you mean `width`?" in outcome.err
    assert not Path("a").exists()
