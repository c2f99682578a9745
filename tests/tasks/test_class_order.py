"""Oracle: coloured squares, a network of known weights, and the figures before a change. Kind: story.

The change leaves the truth as it is: ids, order or spelling of classes. The figures keep their bits.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from darknet_py import evaluate
from darknet_py.data.class_matching import ClassList
from darknet_py.data.class_order import in_order
from darknet_py.data.formats.coco.names import COCO_NAMES
from darknet_py.data.formats.registry import open_data
from darknet_py.predict.network_classes import in_network_order, names_file
from tests.command import Cli
from tests.train.colour_squares import AP, COLOURS, coco, coco_content, darknet, detector, yolo

PLAIN = dict(enumerate(COLOURS, start=1))
SWAPPED = {1: "green", 2: "red", 3: "blue"}


@pytest.fixture
def options(tmp_path: Path) -> list[object]:
    (tmp_path / "run").mkdir()
    return detector(tmp_path / "run")


def figures(cli: Cli, options: Sequence[object], data: Path, *more: object) -> tuple[dict[str, Any], str]:
    """What is printed as JSON without the facts of the data, and the lines about classes."""
    done = cli("eval", *options, "--data", data, "--json", *more)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    opening, told = found.pop("data"), done.err.splitlines(keepends=True)
    assert len(opening["notes"]) == sum(line.startswith("classes: ") for line in told)
    return found, "".join(line for line in told if line.startswith(("classes: ", "warning: ")))


def test_swapped_category_ids_of_val_give_the_same_figures_to_the_bit(
    tmp_path: Path, cli: Cli, options: list[object]
) -> None:
    before, quiet = figures(cli, options, coco(tmp_path / "a", train=PLAIN, val=PLAIN))
    data = coco(tmp_path / "b", train=PLAIN, val=SWAPPED)
    after, noted = figures(cli, options, data)
    assert after == before
    assert before["per_class"] == pytest.approx(AP)
    assert quiet == ""
    names = tmp_path / "run" / "final.names"
    assert noted == (
        f"classes: {data} (val) lists the 3 classes in another order than {names}: matched by name\n"
    )
    assert evaluate(tmp_path / "run/net.cfg", tmp_path / "run/final.weights", str(data)).to_json() == before


def test_figures_have_the_same_bits_whatever_the_ids_are(
    tmp_path: Path, cli: Cli, options: list[object]
) -> None:
    before, _ = figures(cli, options, coco(tmp_path / "a", train=PLAIN, val=PLAIN))
    for number, ids in enumerate(((90, 3, 17), (3, 2, 1), (7, 90, 5))):
        data = coco(tmp_path / str(number), train=PLAIN, val=dict(zip(ids, COLOURS, strict=True)))
        assert figures(cli, options, data)[0] == before


@pytest.mark.parametrize("write", [yolo, darknet])
def test_names_of_label_files_in_another_order_than_the_weights_are_matched(
    tmp_path: Path, cli: Cli, options: list[object], write: Any
) -> None:
    before, _ = figures(cli, options, write(tmp_path / "a"))
    after, noted = figures(cli, options, write(tmp_path / "b", ("blue", "red", "green")))
    assert after == before
    assert before["per_class"] == pytest.approx(AP)
    assert "lists the 3 classes in another order" in noted


def test_names_next_to_the_weights_in_another_order_name_other_outputs(
    tmp_path: Path, cli: Cli, options: list[object]
) -> None:
    data = yolo(tmp_path / "data")
    (tmp_path / "run" / "final.names").write_text("green\nred\nblue\n")
    found, _ = figures(cli, options, data)
    assert found["per_class"]["red"] == found["per_class"]["green"] == 0
    given = tmp_path / "right.names"
    given.write_text("red\ngreen\nblue\n")
    assert figures(cli, options, data, "--names", given)[0]["per_class"] == pytest.approx(AP)


def test_names_asked_for_in_another_order_than_those_next_to_the_weights_are_a_warning(
    tmp_path: Path, cli: Cli, options: list[object]
) -> None:
    given, picture = tmp_path / "classes.txt", yolo(tmp_path / "data") / "images" / "val" / "0.png"
    given.write_text("blue\nred\ngreen\n")
    beside = tmp_path / "run" / "final.names"
    warning = f"warning: {given} lists the classes in another order than {beside}, and is used\n"
    done = cli("detect", *options, "--names", given, picture)
    assert (done.code, done.err) == (0, warning)
    assert figures(cli, options, tmp_path / "data", "--names", given)[1].startswith(warning)
    given.write_text("rot\ngelb\nblau\n")  # other words for the same classes
    assert cli("detect", *options, "--names", given, picture).err == ""


def test_detect_finds_the_names_of_a_run_next_to_its_best_weights(
    tmp_path: Path, cli: Cli, options: list[object]
) -> None:
    run, picture = tmp_path / "run", yolo(tmp_path / "data") / "images" / "val" / "0.png"
    (run / "final.weights").rename(run / "best.weights")
    done = cli("detect", *options[:2], "--weights", run / "best.weights", picture, "--json")
    found = json.loads(done.out)[0]["detections"]
    assert sorted(one["class"] for one in found) == ["blue", "green", "red"]


def test_weights_without_names_are_matched_by_position(tmp_path: Path, cli: Cli) -> None:
    options = detector(tmp_path, names=None)
    found, noted = figures(cli, options, yolo(tmp_path / "data"))
    assert found["per_class"] == pytest.approx(AP)
    assert noted == ""


def test_names_nobody_gave_are_matched_by_position_and_told(
    tmp_path: Path, cli: Cli, options: list[object]
) -> None:
    data = yolo(tmp_path / "data")
    (tmp_path / "run" / "final.names").write_text("0\n1\n2\n")
    found, noted = figures(cli, options, data)
    assert found["per_class"] == pytest.approx(AP)
    names = tmp_path / "run" / "final.names"
    assert noted == (
        f"classes: {names} has no names of classes (`0`, `1`, ...): matched by position with {data} (val)\n"
    )


def test_names_that_do_not_match_the_weights_end_the_evaluation(
    tmp_path: Path, cli: Cli, options: list[object]
) -> None:
    names = tmp_path / "run" / "final.names"
    names.write_text("red\nteal\nblue\n")
    data = yolo(tmp_path / "data")
    done = cli("eval", *options, "--data", data)
    width = len(f"only in {names} (1)")
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        f"{data} (val): error: 1 of its 3 classes is not in {names}\n"
        f"   only in {names} (1) | only in {data} (val) (1)\n"
        f"   {'teal':<{width}} | green (4 boxes)\n"
        "   in both: 2 classes (`red`, `blue`)\n"
        "   = the file of names has a line for each class of the network, in its order "
        "(`eval --names FILE`)\n"
    )


def test_a_data_set_with_some_classes_of_the_network_is_scored_on_those(
    tmp_path: Path, cli: Cli, options: list[object]
) -> None:
    found, noted = figures(cli, options, coco(tmp_path / "a", train=PLAIN, val={5: "blue", 2: "Red"}))
    assert found["per_class"] == {"Red": pytest.approx(AP["red"]), "green": None, "blue": 1.0}
    assert found["ap"] == pytest.approx((AP["red"] + AP["blue"]) / 2)
    assert "(val) lacks 1 class (`green`) of " in noted


def test_detections_have_the_category_ids_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    detector(tmp_path / "run")
    data = coco(tmp_path / "data", train=PLAIN, val={40: "blue", 7: "red", 12: "green"})
    found = evaluate(tmp_path / "run/net.cfg", tmp_path / "run/final.weights", str(data)).files()
    truth = COCO(data / "annotations" / "instances_val.json")
    judge = COCOeval(truth, truth.loadRes(found["detections.json"]), "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    assert judge.stats[0] == pytest.approx(sum(AP.values()) / 3)
    assert {row["category_id"] for row in found["detections.json"] if row["score"] > 0.5} == {7, 12, 40}


def test_80_classes_of_coco_in_another_order_are_matched_without_a_file_of_names(tmp_path: Path) -> None:
    names = [*COCO_NAMES[::-1]]
    names[names.index("tv")] = "tvmonitor"
    content = coco_content({1: "red"})
    content["categories"] = [{"id": at + 1, "name": name} for at, name in enumerate(names)]
    coco(tmp_path, train=PLAIN, val=PLAIN)
    (tmp_path / "annotations" / "instances_val.json").write_text(json.dumps(content))
    data = open_data(str(tmp_path), split="val")
    matched = in_network_order(data, 80, source="val", names=None)
    assert matched.names[0] == "person"
    assert "tvmonitor" in matched.names
    assert [int(label) for label in matched.record(0).labels] == [79]  # category 1 is `toothbrush` here
    assert matched.category_ids == tuple(range(80, 0, -1))
    assert in_network_order(data, 79, source="val", names=None) is data


def test_a_data_set_in_another_order_shares_its_images_and_keeps_the_first_as_it_is(tmp_path: Path) -> None:
    data = open_data(str(yolo(tmp_path, ("blue", "red", "green"))), split="val")
    (tmp_path / "a.names").write_text("red\ngreen\nblue\n")
    other = in_network_order(data, 3, source="val", names=tmp_path / "a.names")
    assert type(other) is type(data)
    assert np.array_equal(other.pixels(1), data.pixels(1))
    assert (data.record(0).labels.tolist(), other.record(0).labels.tolist()) == ([1, 2, 0, 2], [0, 1, 2, 1])
    assert [row["category_id"] for row in other.ground_truth()["annotations"]] == [
        row["category_id"] for row in data.ground_truth()["annotations"]
    ]
    assert pickle.loads(pickle.dumps(other)).record(0).labels.tolist() == [0, 1, 2, 1]
    straight = open_data(str(yolo(tmp_path)), split="val")
    assert other.fingerprint == straight.fingerprint != data.fingerprint


def test_an_order_that_is_changed_twice_is_the_last_one_also_in_another_process(tmp_path: Path) -> None:
    data = open_data(str(coco(tmp_path, train=PLAIN, val=SWAPPED)), split="val")
    once = in_order(data, ClassList(("blue", "green", "red"), "one"), source="val")
    twice = in_order(once, ClassList(COLOURS, "other"), source="val")
    one, other = pickle.loads(pickle.dumps((once, twice)))
    for changed in (twice, other):
        assert changed.record(0).labels.tolist() == [0, 1, 2, 1]
        assert changed.category_ids == (2, 1, 3)
    assert one.record(0).labels.tolist() == [2, 1, 0, 1]
    assert data.record(0).labels.tolist() == [1, 0, 2, 0]


def test_boxes_are_counted_in_the_new_order(tmp_path: Path) -> None:
    (tmp_path / "a.names").write_text("red\ngreen\nblue\n")
    other_ids = {4: "blue", 6: "red", 9: "green"}
    for spec in (
        yolo(tmp_path / "a", ("blue", "red", "green")), darknet(tmp_path / "b", ("green", "red", "blue")),
        coco(tmp_path / "c", train=PLAIN, val=other_ids),
    ):  # fmt: skip
        data = open_data(str(spec), split="val")
        assert dict(sorted((data.summary.boxes_per_class or {}).items())) == {"blue": 4, "green": 4, "red": 2}
        matched = in_network_order(data, 3, source="val", names=tmp_path / "a.names").summary
        assert list((matched.boxes_per_class or {}).items()) == [("red", 2), ("green", 4), ("blue", 4)]
        assert len(matched.notes) == 1


def test_all_weights_of_a_run_have_its_names(tmp_path: Path) -> None:
    for name in ("net.names", "other.names"):
        (tmp_path / name).touch()
    for weights, names in (("best", "net"), ("final_ema", "net"), ("other", "other")):
        assert names_file([tmp_path / f"{weights}.weights"]) == tmp_path / f"{names}.names"
    assert names_file([tmp_path / "mine.weights", Path(), Path("yolov3-tiny")]) is None
    (tmp_path / "final.names").touch()
    assert names_file([tmp_path / "final.weights"]) == tmp_path / "final.names"
