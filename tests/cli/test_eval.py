"""Story. Oracle: pycocotools on the detections that `eval` keeps, and a data set whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import darknet_py
from darknet_py.__main__ import main
from darknet_py.data.formats.registry import open_data
from darknet_py.model.weights import save_weights
from darknet_py.scoring.coco import coco_figures
from darknet_py.tasks.metrics import describe_scores
from tests.cli.test_runs import CFG

NAMES = ("cat", "dog", "emu")


@pytest.fixture
def cfg(tmp_path: Path) -> str:
    path = tmp_path / "small.cfg"
    path.write_text(CFG.format(mosaic=0))
    return str(path)


def coco_folder(root: Path, *, val: list[dict[str, Any]]) -> str:
    """Three images of noise a split; in training each has a box of every class."""
    draw = np.random.default_rng(0)
    for split, truth in (("train", None), ("val", val)):
        images: list[dict[str, Any]] = [
            {"id": n, "file_name": f"{n}.png", "width": 96, "height": 96} for n in (1, 2, 3)
        ]
        every = [(n, c) for n in (1, 2, 3) for c in (1, 2, 3)]
        boxes = [{"image_id": n, "category_id": c, "bbox": [9 * c, 9, 40, 40]} for n, c in every]
        rows = [
            one | {"id": at, "area": 1600, "iscrowd": one.get("iscrowd", 0)}
            for at, one in enumerate(boxes if truth is None else truth, start=1)
        ]
        (root / split).mkdir(parents=True)
        (root / "annotations").mkdir(exist_ok=True)
        for image in images:
            pixels = draw.integers(256, size=(96, 96, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / split / image["file_name"])
        categories = [{"id": n, "name": name} for n, name in enumerate(NAMES, start=1)]
        found = {"images": images, "annotations": rows, "categories": categories}
        (root / "annotations" / f"instances_{split}.json").write_text(json.dumps(found))
    return str(root)


def test_13_eval_prints_each_class_and_keeps_the_detections(
    cfg: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = [
        {"image_id": 1, "category_id": 1, "bbox": [0, 0, 96, 96]},
        {"image_id": 1, "category_id": 1, "bbox": [9, 9, 40, 40]},
        {"image_id": 2, "category_id": 1, "bbox": [9, 9, 40, 40], "iscrowd": 1},
        {"image_id": 3, "category_id": 2, "bbox": [9, 9, 40, 40]},
    ]
    data, weights, kept = coco_folder(tmp_path / "d", val=truth), tmp_path / "w", tmp_path / "kept.json"
    save_weights(darknet_py.load(cfg), weights)
    command = ["eval", "--cfg", cfg, "--weights", str(weights), "--data", data, "--detections", str(kept)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line.strip()}
    assert rows["class"] == ["images", "boxes", "AP", "AP50", "precision", "recall", "F1"]
    assert [rows[name][:2] for name in NAMES] == [["1", "2"], ["1", "1"], ["0", "0"]]
    assert rows["emu"][2:] == ["n/a"] * 5
    assert "detections of score 0.25 or more, IoU 0.5: " in printed
    found = json.loads(kept.read_text())
    assert {*found[0]} == {"image_id", "category_id", "bbox", "score"}
    figures, by_category = coco_figures(open_data(data, split="val").ground_truth(), found)
    assert main([*command, "--json"]) == 0
    as_json = json.loads(capsys.readouterr().out)
    assert as_json["ap"] == figures[0]
    assert [one["ap"] for one in as_json["classes"]] == [by_category[n] for n in (1, 2, 3)]
    assert (as_json["images"], as_json["boxes"]) == (3, 3)
    above = [one for one in found if one["score"] >= 0.25]
    perhaps_of_the_crowd = [one for one in above if (one["image_id"], one["category_id"]) == (2, 1)]
    counted = as_json["true_positives"] + as_json["false_positives"]
    assert len(above) - len(perhaps_of_the_crowd) <= counted <= len(above)


@pytest.mark.parametrize("names", [("emu", "cat", "dog"), ()])
def test_an_exported_file_has_the_figures_of_its_network(
    names: tuple[str, ...], cfg: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Classes are matched by the names in the file, or by position where it has none."""
    truth = [{"image_id": n, "category_id": n, "bbox": [9, 9, 40, 40]} for n in (1, 2, 3)]
    data, weights, model = coco_folder(tmp_path / "d", val=truth), tmp_path / "n.weights", tmp_path / "n.onnx"
    save_weights(darknet_py.load(cfg), weights)
    if names:
        weights.with_suffix(".names").write_text("\n".join(names))
    darknet_py.export(cfg, weights, model)
    figures = []
    for network in (["--cfg", cfg, "--weights", str(weights)], ["--model", str(model)]):
        assert main(["eval", *network, "--data", data, "--threshold", "0.0", "--json"]) == 0
        figures.append(json.loads(capsys.readouterr().out))
        figures[-1]["data"] = figures[-1]["data"]["boxes_per_class"]  # its notes name the file of names
    assert figures[0]["boxes"] == 3
    assert figures[0]["true_positives"] + figures[0]["false_positives"] > 0
    assert figures[0] == figures[1]


def test_a_network_that_is_named_twice_or_by_half_is_refused(
    cfg: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for network, message in (
        (["--model", "n.onnx", "--cfg", cfg], "--model is a complete network, and --cfg is given as well"),
        (["--cfg", cfg], "the following arguments are required: --weights"),
        ([], "the following arguments are required: --cfg, --weights"),
    ):
        assert main(["eval", *network, "--data", "scenes"]) == 2
        assert message in capsys.readouterr().err


def test_13_a_figure_without_truth_is_not_a_number_anywhere(
    cfg: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = coco_folder(tmp_path / "d", val=[]), tmp_path / "runs" / "a"
    assert main(["train", "--cfg", cfg, "--data", data, "--out", str(out)]) == 0
    assert "AP n/a, AP50 n/a; weights in" in capsys.readouterr().out
    result = json.loads((out / "result.json").read_text())
    assert result["scores"]["ap"] is result["scores"]["f1"] is result["scores"]["per_class"]["cat"] is None
    assert result["training"]["best"] == {"iteration": 4, "figure": None}
    assert (out / "best.weights").read_bytes() == (out / "final.weights").read_bytes()
    last = json.loads((out / "log.jsonl").read_text().splitlines()[-1])
    assert last["ap"] is last["ap50"] is None
    assert main(["runs", str(tmp_path / "runs")]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[5:7] == ["n/a", "n/a"]
    weights = str(out / "final.weights")
    assert main(["eval", "--cfg", str(out / "net.cfg"), "--weights", weights, "--data", data]) == 0
    figures = [line.split() for line in capsys.readouterr().out.splitlines()[1:] if line.strip()]
    names = ["ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "precision", "recall", "F1"]
    assert [line for line in figures if line[0] in names] == [[name, "n/a"] for name in names]
    found = darknet_py.evaluate(str(out / "net.cfg"), weights, data)
    assert "ap=None" in repr(found)
    assert len(repr(found)) < 1000, "without thousands of detections"


def test_13_a_classifier_or_an_older_result_without_a_score_is_described() -> None:
    scores = {"top1": 0.5, "train_top1": None}
    assert describe_scores({"task": "classification", "scores": scores}) == "top-1 50.0, train top-1 n/a"
    assert describe_scores({"scores": {"ap": 0.0, "ap50": None}}) == "AP 0.0, AP50 n/a"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--precision-at", "0.1", "--threshold", "0.3"], "--precision-at 0.1 is not a score that is kept"),
        (["--precision-at", "1.5"], "expected --threshold, 0.001, to 1"),
        (["--precision-at", "nan"], "--precision-at nan is not a score"),
        (["--detections", "no/such/folder/d.json"], "--detections no/such/folder/d.json:"),
        (["--detections", "."], "--detections .: is a folder"),
    ],
)
def test_13_options_that_cannot_be_obeyed_are_refused_before_the_first_image(
    options: list[str], message: str, cfg: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_weights(darknet_py.load(cfg), tmp_path / "w")
    data = "scenes:train=1,val=1,size=96"
    assert main(["eval", "--cfg", cfg, "--weights", str(tmp_path / "w"), "--data", data, *options]) == 2
    assert message in capsys.readouterr().err
