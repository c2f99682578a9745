"""Golden. Oracle: what AlexeyAB's `detector map` printed of 128 COCO images, with the published weights.

Darknet decodes JPEG by another library: a pixel differs by a level or two, and some detections with it. One
detection of a class with few truths moves mAP by some hundredths of a point; of yolo-fastest-1.1-xl, the only
microwave is found with an IoU of 0.7502, and not found with Darknet's pixels, which is 0.63 of a point.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.command import Cli
from tests.paths import SHARED, SHARED_DATA

RECORDINGS = SHARED / "golden" / "map"
BOUNDS = {  # percentage points of mAP at IoU 0.5 and 0.75; share of the counts
    "yolov3-tiny": (0.1, 0.1, 0.02),
    "yolo-fastest-1.1": (0.1, 0.1, 0.06),
    "yolo-fastest-1.1-xl": (0.1, 0.7, 0.06),
}


def recorded(file: Path) -> dict[str, Any]:
    text = file.read_text()
    numbers = re.search(r"TP = (\d+), FP = (\d+), FN = (\d+), average IoU = ([\d.]+) %", text)
    mean = re.search(r"\(mAP@[\d.]+\) = ([\d.]+)", text)
    assert numbers
    assert mean
    of_class = {name: float(ap) / 100 for name, ap in re.findall(r"name = (.*?), ap = ([\d.]+)%", text)}
    tp, fp, fn = (int(number) for number in numbers.groups()[:3])
    return {"map": float(mean[1]), "per_class": of_class, "tp": tp, "fp": fp, "fn": fn}


@pytest.mark.soak
@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="needs shared/golden/map next to the checkout")
def test_map_is_that_of_darknet_with_detections_of_the_network(name: str, tmp_path: Path, cli: Cli) -> None:
    cfg, found = SHARED / "weights" / f"{name}.cfg", tmp_path / "found.json"
    data = SHARED_DATA / "coco-mini"
    cli(
        *(
            "eval",
            "--cfg",
            cfg if cfg.is_file() else name,
            "--weights",
            SHARED / "weights" / f"{name}.weights",
        ),
        *("--data", data, "--detect-as", "map", "--detections", found, "--json"),
    ).printed()
    half, three_quarters, share = BOUNDS[name]
    for iou, points in ((50, 0), (50, 11), (50, 101), (75, 101)):
        expected = recorded(RECORDINGS / f"coco128-{name}-iou{iou}-points{points}.txt")
        words = ("--protocol", "darknet", "--iou", iou / 100, "--points", points, "--json")
        figures = json.loads(cli("score", found, "--data", data, *words).printed())["darknet"]
        assert figures["map"] == pytest.approx(
            expected["map"], abs=(half if iou == 50 else three_quarters) / 100
        )
        off = [abs(figures["per_class"][key] - ap) for key, ap in expected["per_class"].items()]
        assert len(off) == 80
        assert sum(one > 0.001 for one in off) <= 16
        for key in ("tp", "fp", "fn"):
            assert figures[key] == pytest.approx(expected[key], rel=share)
