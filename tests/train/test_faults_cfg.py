"""Property. Oracle: the catalogue of errors: a run is of the text that was parsed, not of the file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from darknet_py.cfg.document import read
from darknet_py.data.formats.registry import open_data
from darknet_py.graph.compile import compile
from darknet_py.train.settings import TrainingPlan
from tests.train.small_run import CFG, pictures


def test_C29_a_cfg_that_is_replaced_after_it_was_read_changes_neither_network_nor_fingerprint(
    tmp_path: Path,
) -> None:
    folder = pictures(tmp_path / "data", train=2, val=1)
    graph = compile(read(folder / "small.cfg"))
    (folder / "small.cfg").write_text(CFG.replace("filters=14", "filters=15") + "max=3\n")
    splits = [open_data(str(folder / "set.data"), split=split) for split in ("train", "val")]
    plan = TrainingPlan(graph, *splits, out=tmp_path / "run", name="small", data="set.data")
    assert plan.fingerprint()["cfg"] == hashlib.sha256(CFG.encode()).hexdigest()
    assert str(plan.document) == CFG
