"""Story. Oracle: pycocotools on the files themselves, and messages in full."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from darknet_py.scoring.coco import coco_figures, judged
from darknet_py.scoring.results.read import LARGEST
from tests.command import Cli
from tests.scoring.drawn import Results, Truth, drawn

FIGURES = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
RECALLS = ("ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large")


def write(root: Path, truth: Truth, results: object) -> tuple[Path, Path]:
    """A COCO folder and a results file."""
    data, file = root / "data", root / "results.json"
    (data / "val").mkdir(parents=True, exist_ok=True)
    (data / "annotations").mkdir(exist_ok=True)
    (data / "annotations" / "instances_val.json").write_text(json.dumps(truth))
    for image in truth["images"]:
        (data / "val" / image["file_name"]).touch()  # scoring reads no pixels
    file.write_text(json.dumps(results))
    return file, data


def small() -> tuple[Truth, Results]:
    """Two images of 200 x 100, two classes, and four detections."""
    images = [{"id": n, "file_name": f"{n + 30}.jpg", "width": 200, "height": 100} for n in (7, 9)]
    rows = [(7, 3, [10, 10, 40, 40]), (7, 5, [100, 20, 60, 60]), (9, 3, [20, 20, 50, 50])]
    truth = [
        {"id": n, "image_id": i, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": 0}
        for n, (i, c, b) in enumerate(rows, start=1)
    ]
    categories = [{"id": 3, "name": "cat"}, {"id": 5, "name": "dog"}]
    found = [
        {"image_id": 7, "category_id": 3, "bbox": [10, 10, 40, 40], "score": 0.9},
        {"image_id": 7, "category_id": 5, "bbox": [104, 20, 60, 60], "score": 0.8},
        {"image_id": 9, "category_id": 3, "bbox": [120, 20, 50, 50], "score": 0.7},
        {"image_id": 9, "category_id": 3, "bbox": [22, 20, 50, 50], "score": 0.01},
    ]
    return {"images": images, "annotations": truth, "categories": categories}, found


def scored(cli: Cli, *words: object) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(cli("score", *words, "--json").printed())
    return value


def test_coco_figures_are_pycocotools_of_the_files_to_the_last_bit(tmp_path: Path, cli: Cli) -> None:
    for seed in range(10):
        truth, results = drawn(seed)
        truth["categories"].sort(key=lambda one: one["id"])
        file, data = write(tmp_path / str(seed), truth, results)
        found = scored(cli, file, "--data", data)["coco"]
        judge, (_, of_class) = judged(truth, results), coco_figures(truth, results)
        expected = [None if value < 0 else value for value in judge.stats.tolist()]
        assert [found[key] for key in (*FIGURES, *RECALLS)] == expected, seed
        assert [*found["per_class"].values()] == [*of_class.values()]
        reference = scored(cli, file, "--data", data, "--engine", "pycocotools")["coco"]
        assert reference["protocol"].pop("engine") == "pycocotools"
        assert found["protocol"].pop("engine") == "darknet-py"
        assert reference == found


def test_every_protocol_has_its_words_and_names_its_rules(tmp_path: Path, cli: Cli) -> None:
    file, data = write(tmp_path, *small())
    found = scored(cli, file, "--data", data, "--protocol", "all", "--iou", "0.6", "--points", "11")
    assert list(found) == ["coco", "darknet", "voc07", "voc12", "results"]
    assert set(found["coco"]) >= {*FIGURES, "per_class", "precision", "recall", "f1", "classes"}
    darknet = found["darknet"]
    assert {key: darknet[key] for key in ("iou", "points", "tp", "fp", "fn", "threshold")} == {
        "iou": 0.6, "points": 11, "tp": 2, "fp": 1, "fn": 1, "threshold": 0.25,
    }  # fmt: skip
    cat = (6 * 1 + 5 * 2 / 3) / 11
    assert darknet["per_class"] == {"cat": pytest.approx(cat), "dog": 1}
    assert darknet["map"] == found["voc07"]["map"] == pytest.approx((cat + 1) / 2)
    assert found["voc12"]["map"] == pytest.approx((0.5 + 0.5 * 2 / 3 + 1) / 2)
    assert darknet["precision"] == darknet["recall"] == darknet["f1"] == pytest.approx(2 / 3)
    assert darknet["average_iou"] == pytest.approx((1 + 56 / 64) / 3)
    assert darknet["protocol"]["rules"] == {
        "thresholds": [0.6], "exceeding": True, "choice": "best", "crowds": "absent", "points": 11,
        "least_score": 0.005, "most": None, "by_image": False, "border": 0.0, "empty_classes": True,
    }  # fmt: skip
    assert found["results"] == {"format": "coco", "detections": 4, "images": 2, "least_score": 0.01}


def test_protocols_are_printed_one_below_the_other_with_the_steps_between_them(
    tmp_path: Path, cli: Cli
) -> None:
    file, data = write(tmp_path, *small())
    printed = cli("score", file, "--data", data, "--protocol", "coco,darknet", "--explain").printed()
    lines = printed.splitlines()
    assert lines[:2] == [
        f"{file} (COCO results): 4 detections in 2 images, the lowest score 0.01",
        f"truth: {data} (val)",
    ]
    assert (
        "Darknet detector map (AlexeyAB), split val: IoU above 0.5, area under the curve, scores from 0.005, "
        "classes without truth count 0"
    ) in lines
    assert "above score 0.25: TP 2, FP 1, FN 1" in lines
    (walk,) = scored(cli, file, "--data", data, "--explain")["explain"]
    assert (walk["from"], walk["to"]) == ("coco", "darknet")
    assert sum(step["change"] for step in walk["steps"]) == pytest.approx(walk["gap"], abs=1e-9)
    assert any(line.endswith("IoU thresholds: 0.5 to 0.95 -> 0.5") for line in lines)


def test_the_same_detections_score_the_same_in_every_format(tmp_path: Path, cli: Cli) -> None:
    truth, results = small()
    file, data = write(tmp_path, truth, results)
    names, sizes = {3: ("cat", 0), 5: ("dog", 1)}, (200, 100)
    frames, labels = [], tmp_path / "run" / "labels"
    labels.mkdir(parents=True)
    for image in truth["images"]:
        objects, lines = [], []
        for one in (one for one in results if one["image_id"] == image["id"]):
            x, y, w, h = (value / sizes[n % 2] for n, value in enumerate(one["bbox"]))
            name, label = names[one["category_id"]]
            box = {"center_x": x + w / 2, "center_y": y + h / 2, "width": w, "height": h}
            objects.append(
                {"class_id": label, "name": name, "relative_coordinates": box, "confidence": one["score"]}
            )
            lines.append(f"{label} {' '.join(map(str, box.values()))} {one['score']}\n")
        stem = image["file_name"].removesuffix(".jpg")
        frames.append({"frame_id": 1, "filename": f"C:\\data\\{stem}.jpg", "objects": objects})
        (labels / f"{stem}.txt").write_text("".join(lines))
    (tmp_path / "out.json").write_text(json.dumps(frames))
    named = [{**one, "image_id": str(one["image_id"] + 30)} for one in results]
    (tmp_path / "named.json").write_text(json.dumps(named))
    expected = scored(cli, file, "--data", data, "--protocol", "all")
    for path, kind in (
        ("out.json", "darknet"),
        ("run", "labels"),
        ("run/labels", "labels"),
        ("named.json", "coco"),
    ):
        found = scored(cli, tmp_path / path, "--data", data, "--protocol", "all")
        assert found.pop("results")["format"] == kind
        for name, figures in found.items():
            for key, value in figures.items():
                if isinstance(value, float):
                    assert value == pytest.approx(expected[name][key]), (path, name, key)


def test_the_folder_of_a_run_names_how_it_detected(tmp_path: Path, cli: Cli) -> None:
    truth, results = small()
    file, data = write(tmp_path, truth, results)
    run = tmp_path / "run"
    run.mkdir()
    file.rename(run / "detections.json")
    protocol = {"metric": "x", "nms": "greedynms 0.6", "size": [416, 608], "score_threshold": 0.001}
    (run / "result.json").write_text(json.dumps({"scores": {"protocol": protocol}}))
    found = scored(cli, run, "--data", data, "--protocol", "voc07")
    assert found["voc07"]["protocol"]["nms"] == "greedynms 0.6"
    printed = cli("score", run, "--data", data).printed()
    assert "detected at 608 x 416, score 0.001, NMS greedynms 0.6" in printed


def test_difficult_objects_of_voc_are_passed_over_by_voc_and_absent_for_darknet(
    tmp_path: Path, cli: Cli
) -> None:
    data = tmp_path / "voc"
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (data / folder).mkdir(parents=True)
    Image.new("RGB", (200, 100)).save(data / "JPEGImages" / "a.jpg")
    (data / "ImageSets/Main/val.txt").write_text("a\n")
    objects = "".join(
        f"<object><name>cat</name><difficult>{hard}</difficult><bndbox><xmin>{x}</xmin><ymin>11</ymin>"
        f"<xmax>{x + 39}</xmax><ymax>50</ymax></bndbox></object>"
        for x, hard in ((11, 0), (101, 1))
    )
    size = "<size><width>200</width><height>100</height></size>"
    (data / "Annotations" / "a.xml").write_text(
        f"<annotation><filename>a.jpg</filename>{size}{objects}</annotation>"
    )
    one = {"image_id": 1, "category_id": 1}
    results = [
        {**one, "bbox": [100, 10, 40, 40], "score": 0.9},
        {**one, "bbox": [10, 10, 40, 20], "score": 0.01},  # IoU 0.5
    ]
    file = tmp_path / "results.json"
    file.write_text(json.dumps(results))
    cli("data", "convert", data, "--to", "coco", "--out", tmp_path / "coco").printed()
    found = scored(cli, file, "--data", tmp_path / "coco", "--protocol", "all")
    assert found["voc07"]["map"] == found["voc12"]["map"] == 1
    assert found["darknet"]["map"] == 0
    assert (found["darknet"]["fp"], found["darknet"]["fn"]) == (1, 1)


HINT_COCO = (
    "\n   = expected a COCO results list, entries of image_id, category_id, bbox [x, y, width, height], score"
)
HINT_IMAGES = "\n   = results are scored on the images they were computed from: another --data or --split?"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": float("nan")}, "entry 2: its score is nan, not a finite number" + HINT_COCO),
        ({"score": None}, "entry 2: its score is None, not a finite number" + HINT_COCO),
        (
            {"bbox": [1, 2, float("inf"), 4]},
            "entry 2: its bbox is [1, 2, inf, 4], not four finite numbers below 1e15" + HINT_COCO,
        ),
        (
            {"bbox": [1, 2, 3]},
            "entry 2: its bbox is [1, 2, 3], not four finite numbers below 1e15" + HINT_COCO,
        ),
        (
            {"bbox": [1, 2, -3, 4]},
            "entry 2: its bbox [1, 2, -3, 4] has a negative width or height" + HINT_COCO,
        ),
        (
            {"image_id": 8},
            "entry 2: image 8 is none of {data} (val); so are 1 of 4 entries (1 different ones)"
            + HINT_IMAGES,
        ),
        (
            {"category_id": 0},
            "entry 2: category_id 0 is none of {data} (val); so are 1 of 4 entries (1 different ones)\n"
            "   = the 2 ids are 3 to 5; the results may have numbers of classes from 0, as networks do",
        ),
        ({"score": True}, "entry 2: its score is True, not a finite number" + HINT_COCO),
        (
            {"bbox": [1, 10**400, 3, 4]},
            f"entry 2: its bbox is [1, 1{'0' * 114}…, not four finite numbers below 1e15" + HINT_COCO,
        ),
        (
            {"bbox": [1, 1, 1e200, 4]},
            "entry 2: its bbox is [1, 1, 1e+200, 4], not four finite numbers below 1e15" + HINT_COCO,
        ),
        ({"category_id": [3]}, "entry 2: its category_id is [3], not an id" + HINT_COCO),
    ],
)
def test_an_entry_that_cannot_be_scored_is_one_message(
    tmp_path: Path, cli: Cli, change: dict[str, Any], message: str
) -> None:
    truth, results = small()
    results[2] |= change
    file, data = write(tmp_path, truth, results)
    done = cli("score", file, "--data", data)
    assert (done.code, done.out) == (3, "")
    assert done.err == f"{file}: error: {message.format(data=data)}\n"


def test_corners_instead_of_sizes_are_refused_as_what_they_are(tmp_path: Path, cli: Cli) -> None:
    truth, results = small()
    corners = []
    for one in results * 10:
        x, y, w, h = one["bbox"]
        corners.append({**one, "bbox": [x, y, x + w, y + h]})
    file, data = write(tmp_path, truth, corners)
    done = cli("score", file, "--data", data)
    assert done.code == 3
    assert (
        "boxes are two corners (x1, y1, x2, y2), as xyxy, not x, y, width, height from the corner" in done.err
    )
    assert "width is x2 - x1, and height y2 - y1" in done.err
    fractions = [
        {**one, "bbox": [v / (200, 100)[n % 2] for n, v in enumerate(one["bbox"])]} for one in results * 10
    ]
    file, data = write(tmp_path, truth, fractions)
    done = cli("score", file, "--data", data)
    assert done.code == 3
    assert "fractions of the image, not x, y, width, height from the corner in pixels" in done.err


def test_repeated_detections_are_reported_and_count_as_pycocotools_counts_them(
    tmp_path: Path, cli: Cli
) -> None:
    truth, results = small()
    file, data = write(tmp_path, truth, [*results, results[0], results[3]])
    done = cli("score", file, "--data", data, "--json")
    assert done.err == (f"{file}: warning: 2 of 6 detections repeat another, box and score; each counts\n")
    expected = coco_figures(truth, [*results, results[0], results[3]])[0]
    assert [json.loads(done.out)["coco"][key] for key in FIGURES] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "entry 0: it is 1, not an object with image_id, category_id, bbox, score" + HINT_COCO),
        ('[{"image_id": 1}]', "entry 0: it has no category_id" + HINT_COCO),
        (
            '{"annotations": []}',
            "holds COCO annotations, the truth, not a list of detections\n"
            "   = expected a COCO results list, or Darknet's `-out` file",
        ),
        ("[", "is not JSON: Expecting value: line 1 column 2 (char 1)"),
        (
            '[{"objects": []}]',
            "frame 0: it has no filename, so its image is not known\n"
            "   = expected the file of `darknet detector test DATA CFG WEIGHTS -out FILE`",
        ),
        (
            '[{"filename": "x/37.jpg", "objects": [{"name": "emu", "confidence": 1, "relative_coordinates": '
            '{"center_x": 0, "center_y": 0, "width": 1, "height": 1}}]}]',
            "frame 0, object 0: class 'emu' is none of {data} (val); so are all entries (1 different ones)\n"
            "   = classes are matched by name; the first are cat, dog",
        ),
        (
            '[{"filename": "x/5.jpg", "objects": []}]',
            "frame 0: image 'x/5.jpg' is none of {data} (val); so are all entries (1 different ones)"
            + HINT_IMAGES,
        ),
    ],
)
def test_a_file_that_holds_no_results_is_one_message(
    tmp_path: Path, cli: Cli, text: str, message: str
) -> None:
    file, data = write(tmp_path, small()[0], [])
    file.write_text(text)
    done = cli("score", file, "--data", data)
    assert (done.code, done.out) == (3, "")
    assert done.err == f"{file}: error: {message.format(data=data)}\n"


def test_a_file_of_2_gigabytes_is_refused_before_it_is_read(tmp_path: Path, cli: Cli) -> None:
    file, data = write(tmp_path, small()[0], [])
    os.truncate(file, 2 << 30)
    done = cli("score", file, "--data", data)
    assert done.code == 3
    assert done.err.startswith(f"{file}: error: has 2,147,483,648 bytes, and at most {LARGEST:,} are read\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 .5 .5 .2", "4 columns"),
        ("0 .5 .5 .2 x .9", "could not convert string to float: 'x'"),
        ("0 .5 .5 .2 nan .9", "`0 .5 .5 .2 nan .9` has a number that is not finite, or 1e15 and more"),
        ("2 .5 .5 .2 .2 .9", "`2` is no class; {data} (val) has 0 to 1"),
        ("0 .5 .5 -.2 .2 .9", "a negative width or height"),
    ],
)
def test_a_line_of_a_label_file_that_is_none_is_named(
    tmp_path: Path, cli: Cli, line: str, message: str
) -> None:
    _, data = write(tmp_path, small()[0], [])
    file = tmp_path / "labels" / "37.txt"
    file.parent.mkdir()
    file.write_text(f"0 .5 .5 .2 .2 .9\n{line}\n")
    done = cli("score", file.parent, "--data", data)
    assert done.code == 3
    assert done.err.splitlines()[0] == f"{file}:2: error: {message.format(data=data)}"


def test_folders_without_results_and_labels_of_other_images_are_refused(tmp_path: Path, cli: Cli) -> None:
    _, data = write(tmp_path, small()[0], [])
    labels = tmp_path / "labels"
    labels.mkdir()
    assert "has neither label files nor detections.json" in cli("score", labels, "--data", data).err
    (labels / "classes.txt").write_text("cat\n")
    (labels / "x.txt").write_text("0 .5 .5 .2 .2 .9\n")
    done = cli("score", labels, "--data", data)
    assert f"{labels}: error: x.txt: image 'x' is none of {data} (val); so are all entries" in done.err
    (labels / "x.txt").rename(labels / "37.txt")
    (labels / "37.txt").write_text("0 .15 .3 .2 .4\n")
    done = cli("score", labels, "--data", data, "--json")
    assert "no line has a score, and counts as 1" in done.err
    assert json.loads(done.out)["coco"]["per_class"]["cat"] == pytest.approx(51 / 101)


def test_options_that_make_no_sense_are_refused(tmp_path: Path, cli: Cli) -> None:
    file, data = write(tmp_path, *small())
    for option, value, message in (
        ("--protocol", "coco,lvis", "'lvis' is none of coco, darknet, voc07, voc12, all"),
        ("--iou", "1.5", "'1.5' is not a number from 0 to below 1"),
        ("--points", "1", "precision is read at 0 recalls"),
    ):
        done = cli("score", file, "--data", data, option, value)
        assert (done.code, message in done.err) == (2, True), done.err


def test_cut_off_scores_and_scores_in_percent_are_reported(tmp_path: Path, cli: Cli) -> None:
    truth, results = small()
    file, data = write(tmp_path, truth, results[:3])
    assert "warning: the lowest score is 0.7: AP lacks" in cli("score", file, "--data", data).err
    file, data = write(tmp_path, truth, [{**one, "score": 100 * one["score"]} for one in results])
    assert (
        "warning: scores run from 1 to 90; thresholds of protocols expect 0 to 1"
        in cli("score", file, "--data", data).err
    )
