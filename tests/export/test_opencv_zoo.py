"""Parity. Oracle: OpenCV 4's importer of Darknet files; where it errs, Darknet's own recordings.

Both engines are compared, at every cell of every head. `pytest -m soak` reads every cfg of the repository and
of shared/zoo.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from bench.opencv_zoo import compare_with_darknet, compare_with_opencv
from tests.paths import GOLDEN, ROOT, SHARED

ZOO = SHARED / "zoo"
CFGS = sorted([*ZOO.glob("*.cfg"), *(ROOT / "cfg").rglob("*.cfg")])
QUICK = ("yolov3-tiny", "yolo-fastest--yolo-fastest-1.1", "alexeyab--yolov4-tiny")
pytestmark = pytest.mark.skipif(
    not hasattr(cv2.dnn, "readNetFromDarknet"), reason="OpenCV 5 no longer imports Darknet"
)
OPENCV_ERRS = {  # recordings of Darknet that OpenCV's maps are not
    "conv-dilation",  # the key is not read
    "conv-stridexy",
    "maxpool-depth",
    "maxpool-stridexy",
    "route-groups",  # with several layers, each of other channels
    "shortcut-multi",
    "shortcut-per_channel-relu",
    "shortcut-per_channel-softmax",
    "shortcut-per_feature-relu",
    "shortcut-per_feature-softmax",
    "upsample-scale",
}


def named(cfg: Path) -> str:
    return cfg.stem


@pytest.mark.parametrize("cfg", [path for path in CFGS if path.stem in QUICK], ids=named)
def test_both_engines_compute_what_opencv_computes(cfg: Path) -> None:
    row = compare_with_opencv(cfg, 64, 1e-4)
    assert row.kind == "equal", row.words


@pytest.mark.soak
@pytest.mark.parametrize("cfg", CFGS, ids=named)
def test_every_cfg_that_opencv_reads_is_computed_as_there(cfg: Path) -> None:
    row = compare_with_opencv(cfg, 128, 1e-4)
    if row.kind.startswith("not"):
        pytest.skip(f"{row.kind}: {row.words}")
    assert row.kind == "equal", row.words


def test_opencv_errs_in_known_layers_and_in_no_other() -> None:
    differs = {
        file.stem
        for file in sorted((GOLDEN / "layers").glob("*.npz"))
        if compare_with_darknet(file, 1e-5).kind == "differs"
    }
    assert differs == OPENCV_ERRS
