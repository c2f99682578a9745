"""Parity. Oracle: fifty updates without kept maps, to the bit, of networks that people train.

yolov3-tiny with a sixteenth of its filters by default; the published weights as soak tests.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.cfg.edits import parse_edits
from darknet_py.data.formats.registry import open_data
from darknet_py.edit.overrides import apply_overrides
from darknet_py.graph.compile import compile
from darknet_py.model.weights import save_weights
from darknet_py.train import loop
from darknet_py.train.api import TrainingRequest
from darknet_py.train.prefix.settings import PrefixSettings
from darknet_py.train.prefix.stores import MapStore, MemoryMaps
from darknet_py.train.settings import Settings
from tests.model.adapt.networks import filled
from tests.paths import ROOT, SHARED, SHARED_DATA

SCENES = "scenes:train=20,val=2,size=96"
TINY = (ROOT / "cfg/yolov3-tiny.cfg").read_text()
PUBLISHED = {
    "yolo-fastest-1.1-xl": (SHARED / "weights/yolo-fastest-1.1-xl.cfg", "113.size=19", 113),
    "yolov3-tiny": (ROOT / "cfg/yolov3-tiny.cfg", "11.section=stochpool", 11),
}


def weights_after(cfg: str, edits: str, weights: Path, data: str, out: Path, prefix: PrefixSettings) -> bytes:
    chosen = parse_edits(edits)
    request = TrainingRequest(
        document=apply_overrides(parse(cfg), chosen),
        name="net",
        data=data,
        splits=(open_data(data, split="train"), open_data(data, split="val")),
        out=out,
        settings=Settings(weights=weights, prefix=prefix, evaluations=1),
        edits=chosen,
    )
    loop.train(request.plan()[0])
    return (out / "final.weights").read_bytes()


def both(cfg: str, edits: str, weights: Path, data: str, folder: Path, layer: int) -> set[bytes]:
    stores: dict[str, MapStore | None] = {"plain": None, "kept": MemoryMaps(10**9)}
    return {
        weights_after(cfg, edits, weights, data, folder / name, PrefixSettings(layer, 1, store))
        for name, store in stores.items()
    }


def test_a_narrow_yolov3_tiny_with_another_pool_11(tmp_path: Path) -> None:
    widths = {"255": "39"}  # of three anchors and 8 classes
    narrow = re.sub(
        r"filters=(\d+)",
        lambda found: f"filters={widths.get(found[1], max(4, int(found[1]) // 16))}",
        TINY,
    )
    edits = "11.section=stochpool,net.batch=2,net.subdivisions=1,net.width=96,net.height=96"
    edits += ",net.max_batches=50,net.burn_in=5,16.classes=8,23.classes=8,net.policy=constant"
    document = apply_overrides(parse(narrow), parse_edits(edits))
    with torch.random.fork_rng():
        save_weights(filled(compile(document)), tmp_path / "net.weights")
    found = both(narrow, edits, tmp_path / "net.weights", SCENES, tmp_path, 11)
    assert len(found) == 1
    assert (tmp_path / "net.weights").read_bytes() not in found


@pytest.mark.soak
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_weights(name: str, tmp_path: Path) -> None:
    cfg, edits, layer = PUBLISHED[name]
    weights, data = SHARED / f"weights/{name}.weights", SHARED_DATA / "coco-mini"
    if not (weights.exists() and data.exists()):
        pytest.skip("needs ../shared: published weights and coco-mini")
    edits += ",net.max_batches=50,net.batch=8,net.subdivisions=1,net.burn_in=5"
    found = both(cfg.read_text(), edits, weights, str(data), tmp_path, layer)
    assert len(found) == 1
