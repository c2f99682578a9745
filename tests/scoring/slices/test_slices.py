"""Slices. Oracle: pycocotools with the images of a slice as `imgIds`, and small cases counted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darknet_py.cfg.document import parse
from darknet_py.errors import DataError, UsageError
from darknet_py.graph.compile import compile
from darknet_py.predict.letterbox import Fit
from darknet_py.scoring.coco_figures import coco_arrays
from darknet_py.scoring.matching import match
from darknet_py.scoring.slices import grouping
from darknet_py.scoring.slices.field import share_in_field
from darknet_py.scoring.slices.figures import StoredOutcomes, group_figures
from darknet_py.scoring.slices.image_column import read_image_column
from darknet_py.scoring.slices.of_images import of_images
from darknet_py.scoring.slices.properties import property_of
from darknet_py.scoring.tables import detection_table, truth_table
from tests.report.errors.test_error_report import PLAIN, DrawnData
from tests.scoring.errors.drawn import drawn, one_image

A, B, C = (0, 0, 30, 30), (100, 0, 40, 80), (130, 90, 100, 20)  # small and square, tall, wide
CONV3 = "[convolutional]\nsize=3\npad=1\nactivation=linear\n"


def test_figures_of_images_are_those_of_pycocotools_with_these_images() -> None:
    truth, results = drawn()
    truth["annotations"][3]["iscrowd"] = 1
    table = truth_table(truth)
    matches = match(table, detection_table(table, results))
    for kept in ([1], [2, 5], [1, 2, 3, 4, 6]):
        part = coco_arrays(of_images(matches, np.isin(table.image_ids, kept))).figures()
        assert list(part.values()) == _pycocotools(truth, results, kept)


def _pycocotools(truth: dict[str, Any], results: list[dict[str, Any]], kept: list[int]) -> list[float | None]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    annotated = COCO()
    annotated.dataset = {**truth, "annotations": [dict(one) for one in truth["annotations"]]}
    annotated.createIndex()
    judge = COCOeval(annotated, annotated.loadRes([dict(one) for one in results]), "bbox")
    judge.params.imgIds = kept
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return [None if value < 0 else float(value) for value in judge.stats]


def test_a_group_of_images_has_the_figures_of_its_images() -> None:
    truth, results = drawn()
    table = truth_table(truth)
    stored = StoredOutcomes.of(table, detection_table(table, results))
    values = ["dawn", "dusk", "dawn", None, "dusk", "dawn"]
    parts = group_figures(stored, grouping.by_image("light", values, table, stored.found))
    matches = match(table, detection_table(table, results))
    assert [one.name for one in parts] == ["dawn", "dusk"]
    for part in parts:
        kept = np.array([value == part.name for value in values])
        figures = coco_arrays(of_images(matches, kept)).figures()
        assert part.ap == pytest.approx(figures["ap"], abs=1e-12)
        assert part.ap50 == pytest.approx(figures["ap50"], abs=1e-12)
        assert part.objects == kept[table.images].sum()


def test_all_objects_in_one_group_have_the_figures_of_the_data_set() -> None:
    truth, results = drawn()
    table = truth_table(truth)
    stored = StoredOutcomes.of(table, detection_table(table, results))
    (every,) = group_figures(stored, grouping.by_image("all", ["all"] * 6, table, stored.found))
    figures = coco_arrays(match(table, detection_table(table, results))).figures()
    assert (every.ap, every.ap50) == (pytest.approx(figures["ap"]), pytest.approx(figures["ap50"]))


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("by_size", {"small: up to 32²": (1, 1.0), "medium": (2, 0.75), "large: above 96²": (0, None)}),
        ("by_aspect", {"tall: up to 3/4": (1, 1.0), "square": (1, 1.0), "wide: above 4/3": (1, 0.5)}),
        (
            "by_crowding",
            {"none": (0, None), "1 to 3": (3, 0.75), "4 to 10": (0, None), "11 or more": (0, None)},
        ),
        ("by_position", {"middle": (1, 1.0), "side": (1, 1.0), "corner": (1, 1.0)}),
    ],
)
def test_figures_by_a_property_of_the_box(name: str, groups: dict[str, tuple[int, float | None]]) -> None:
    """All objects are found; of class 2 a false detection comes first, medium, wide and at a side."""
    found = [(1, A, 0.9), (1, B, 0.8), (2, (30, 100, 100, 20), 0.7), (2, C, 0.6)]
    truth, results = one_image([(1, A), (1, B), (2, C)], found)
    table = truth_table(truth)
    stored = StoredOutcomes.of(table, detection_table(table, results))
    sizes = [np.array([[300.0, 200.0]])] if name == "by_position" else []
    parts = group_figures(stored, getattr(grouping, name)(table, stored.found, *sizes))
    assert [one.name for one in parts] == list(groups)
    for part, (objects, ap50) in zip(parts, groups.values(), strict=True):
        recall = 1.0 if objects else None
        assert part.to_json() == {
            "objects": objects,
            "recall": recall,
            "ap": pytest.approx(ap50),
            "ap50": pytest.approx(ap50),
        }


def test_the_share_of_an_object_in_the_field_of_a_head() -> None:
    """A kernel of 3 has 3 x 3 pixels: of a box of 6 x 3 half, of one that the border cuts all of the rest."""
    graph = compile(parse(f"[net]\nwidth=30\nheight=30\nchannels=3\n{CONV3}"))
    boxes = [(1, (10, 10, 6, 3)), (1, (10, 10, 3, 3)), (1, (-3, 0, 4, 2))]
    truth = truth_table(one_image(boxes, [])[0])
    assert share_in_field(graph, truth, [Fit.stretch((30, 30), (30, 30))]) == pytest.approx([0.5, 1, 1])
    wide = truth_table(one_image([(1, (20, 5, 12, 6))], [])[0])
    assert share_in_field(graph, wide, [Fit.letterbox((30, 60), (30, 30))]) == pytest.approx([0.5])
    tall = truth_table(one_image([(1, (10, 20, 6, 6))], [])[0])
    assert share_in_field(graph, tall, [Fit.stretch((60, 30), (30, 30))]) == pytest.approx([0.5])
    shares = share_in_field(graph, truth, [Fit.stretch((30, 30), (30, 30))])
    assert grouping.by_share("seen", shares, shares).truths.tolist() == [1, 2, 2]


def write(folder: Path, text: str) -> Path:
    path = folder / "weather.csv"
    path.write_text(text)
    return path


def test_a_column_of_a_csv_file_names_images_by_file_or_id(tmp_path: Path) -> None:
    path = write(tmp_path, '\ufeffimage,hour,weather\na.jpg,1,"rain, hail"\nb,2,sun\n7,3,rain\n\nz.jpg,4,\n')
    names = ["val/a.jpg", "val/b.png", "val/c.jpg", "val/z.jpg", "none.jpg"]
    values = read_image_column(path, "weather", [5, 6, 7, 8, 9], names)
    assert values == ["rain, hail", "sun", "rain", None, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column weather"),
        ("image,hour\na.jpg,1\n", "after that of the image: hour"),
        ("weather,image\nsun,a.jpg\n", "after that of the image: image"),
        ("image,weather\na.jpg\n", "weather.csv:2: error: 1 cells, and 2 in the first line"),
        ("image,weather\na.jpg,sun\na.jpg,rain\n", "weather.csv:3: error: a second row of the image a.jpg"),
        ("image,weather\nb.jpg,sun\n", "such as b.jpg; expected a.jpg"),
    ],
)
def test_a_csv_file_that_does_not_fit_has_one_message(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_image_column(write(tmp_path, text), "weather", [1], ["a.jpg"])
    assert message in str(caught.value)
    assert str(caught.value).count("error: ") == 1


def test_a_csv_column_of_numbers_is_no_group(tmp_path: Path) -> None:
    path = write(tmp_path, "image,hour\n" + "".join(f"{n},{n}\n" for n in range(60)))
    with pytest.raises(DataError, match="has 60 different values, at most 50"):
        read_image_column(path, "hour", list(range(60)), [f"{n}.jpg" for n in range(60)])


@pytest.mark.parametrize(
    ("name", "title", "groups"),
    [
        ("size", "size in square pixels", ("small: up to 32²", "medium", "large: above 96²")),
        ("position", "position in the image", ("middle", "side", "corner")),
        ("field", "share in the receptive field", ("less than half", "half or more", "all")),
    ],
)
def test_properties_have_names(name: str, title: str, groups: tuple[str, ...]) -> None:
    data = DrawnData(PLAIN, ("a.jpg", "b.jpg"))
    graph = compile(parse(f"[net]\nwidth=32\nheight=32\nchannels=3\n{CONV3}"))
    truth = truth_table(data.ground_truth())
    found = property_of(name, data, graph)(truth, detection_table(truth, drawn()[1]))
    assert (found.title, found.names) == (title, groups)
    assert (len(found.truths), len(found.detections)) == (49, 94)
    if name == "field":  # 3 of 32 network pixels are 60 x 45 of the image
        inside = (truth.boxes_xywh[:, 2:] <= (20, 15)).all(axis=1)
        assert set(found.truths[inside].tolist()) <= {2}
        assert found.truths[(truth.boxes_xywh[:, 2:] > (120, 90)).any(axis=1)].max() == 0


def test_a_property_of_a_csv_file_follows_the_ids_of_images(tmp_path: Path) -> None:
    data = DrawnData(PLAIN, tuple(f"{letter}.jpg" for letter in "abcdef"))  # a.jpg has the id 6
    path = write(tmp_path, "image,weather\na.jpg,x\nb.jpg,y\nc.jpg,x\nd.jpg,y\ne.jpg,x\nf.jpg,y\n")
    truth = truth_table(data.ground_truth())
    found = property_of(f"{path}:weather", data)(truth, detection_table(truth, []))
    assert found.names == ("x", "y")
    assert found.truths.tolist() == [int(truth.image_ids[image] % 2) for image in truth.images]


@pytest.mark.parametrize(
    ("name", "message"), [("colour", "there is no property colour"), ("field", "name the network: --cfg CFG")]
)
def test_an_unknown_property_has_one_message(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        property_of(name, DrawnData(PLAIN, ("a.jpg",)))
