"""Oracle: folders as annotation tools export them, made by hand after real ones. Kind: story."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darknet_py.data.check.run import check
from darknet_py.data.formats.registry import format_of, open_data, split_to_evaluate, splits_of
from darknet_py.data.tools.convert import convert
from darknet_py.errors import DataError
from tests.data.check.damaged import VOC, noise, put

CAT_AND_DOG = "0 0.5 0.5 0.5 0.2\n1 0.25 0.75 0.1 0.1\n"
BOXES = [[10, 12, 20, 6], [8, 21, 4, 3]]  # the same in pixels of 40 x 30
NAMES = "cat\ndog\n"
Export = Callable[[Path], Path]


def labelled(place: Path, labels: Path | None = None) -> None:
    """An image, and its label file next to it or elsewhere."""
    put(place, noise(sum(map(ord, place.as_posix()[-30:]))))
    put(labels or place.with_suffix(".txt"), CAT_AND_DOG)


def rows(*names: str, group: str = "") -> dict[str, Any]:
    """An annotation file of COCO with the boxes of `CAT_AND_DOG` for each image."""
    images = [{"id": at, "file_name": name, "width": 40, "height": 30} for at, name in enumerate(names)]
    categories = [{"id": at, "name": name, "supercategory": group} for at, name in ((1, "cat"), (2, "dog"))]
    if group:
        categories.insert(0, {"id": 0, "name": group, "supercategory": "none"})
    boxes = [(at, label, box) for at in range(len(names)) for label, box in zip((1, 2), BOXES, strict=True)]
    keys = ("id", "image_id", "category_id", "bbox", "area", "iscrowd")
    annotations = [
        dict(zip(keys, (n, at, label, box, 1, 0), strict=True)) for n, (at, label, box) in enumerate(boxes)
    ]
    return {"images": images, "categories": categories, "annotations": annotations}


def coco(file: Path, images: Path, *names: str, group: str = "") -> None:
    put(file, json.dumps(rows(*names, group=group)))
    for name in names:
        put(images / name, noise(sum(map(ord, (images / name).as_posix()[-30:]))))


def roboflow_coco(root: Path) -> Path:
    for split in ("train", "valid", "test"):
        coco(root / split / "_annotations.coco.json", root / split, f"{split}.png", group="pets")
    return root


def cvat_coco(root: Path) -> Path:
    coco(root / "annotations" / "instances_default.json", root / "images" / "default", "a.png", "b.png")
    return root


def label_studio_coco(root: Path) -> Path:
    coco(root / "result.json", root, "images/a.png", "images/b.png")
    return root


def labelme_coco(root: Path) -> Path:
    for split in ("train", "val"):
        coco(root / f"{split}.json", root, f"JPEGImages/{split}.png")
    return root


def custom_coco(root: Path) -> Path:
    for split in ("train", "val"):
        coco(root / "annotations" / f"custom_{split}.json", root / f"{split}2017", f"{split}.png")
    return root


def roboflow_darknet(root: Path) -> Path:
    for split in ("train", "valid", "test"):
        labelled(root / split / "a.png")
        put(root / split / "_darknet.labels", NAMES)
    return root


def cvat_yolo(root: Path) -> Path:
    labelled(root / "obj_train_data" / "a.png")
    labelled(root / "obj_train_data" / "b.png")
    put(root / "obj.names", NAMES)
    put(root / "train.txt", "data/obj_train_data/a.png\ndata/obj_train_data/b.png\n")
    put(root / "obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n")
    return root


def label_studio_yolo(root: Path) -> Path:
    labelled(root / "images" / "a.png", root / "labels" / "a.txt")
    labelled(root / "images" / "b.png", root / "labels" / "b.txt")
    put(root / "notes.json", '{"categories": [{"id": 1, "name": "dog"}, {"id": 0, "name": "cat"}]}')
    return root


def labelimg_yolo(root: Path) -> Path:
    labelled(root / "a.png")
    labelled(root / "b.png")
    put(root / "classes.txt", NAMES)
    return root


def labelimg_yolo_folders(root: Path) -> Path:
    for split in ("train", "val"):
        labelled(root / "images" / split / "a.png", root / "labels" / split / "a.txt")
        put(root / "labels" / split / "classes.txt", NAMES)
    return root


def lists_alone(root: Path) -> Path:
    for split in ("train", "valid"):
        labelled(root / "obj" / f"{split}.png")
        put(root / f"{split}.txt", f"obj/{split}.png\n")
    put(root / "obj.names", NAMES)
    return root


def roboflow_yolov5(root: Path) -> Path:
    for split in ("train", "valid", "test"):
        labelled(root / split / "images" / "a.png", root / split / "labels" / "a.txt")
    text = (
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 2\nnames: ['cat', 'dog']\n"
    )
    put(root / "data.yaml", f"{text}\nroboflow:\n  workspace: pets\n  version: 1\n")
    return root


def ultralytics(root: Path) -> Path:
    for split in ("train", "val"):
        labelled(root / "images" / f"{split}2017" / "a.png", root / "labels" / f"{split}2017" / "a.txt")
    text = "path: ../nowhere/pets # root\ntrain: images/train2017\nval: images/val2017\ntest: # none\n"
    put(root / "pets.yaml", f"{text}names:\n  0: cat\n  1: dog\n\ndownload: |\n  import os\n  os.abort()\n")
    return root


def yaml_of_lists(root: Path) -> Path:
    for place in ("one/images/a", "two/images/b", "three/images/c"):
        labelled(root / f"{place}.png", root / f"{place}.txt".replace("images", "labels"))
    put(root / "val.txt", "./three/images/c.png\n")
    put(root / "data.yaml", "names: {0: cat, 1: dog}\ntrain:\n  - one/images\n  - two/images\nval: val.txt\n")
    return root


def voc_pair(place: Path, xml: Path) -> None:
    put(place, noise(sum(map(ord, place.as_posix()[-30:]))))
    put(xml, VOC.format(name=place.stem))


def roboflow_voc(root: Path) -> Path:
    for split in ("train", "valid", "test"):
        voc_pair(root / split / "a.png", root / split / "a.xml")
    return root


def labelimg_voc(root: Path) -> Path:
    for name in "ab":
        voc_pair(root / "images" / f"{name}.png", root / "annotations" / f"{name}.xml")
    return root


def devkit(root: Path) -> Path:
    for split in ("trainval", "test"):
        home = root / "VOCdevkit" / "VOC2007"
        voc_pair(home / "JPEGImages" / f"{split}.png", home / "Annotations" / f"{split}.xml")
        put(home / "ImageSets" / "Main" / f"{split}.txt", f"{split}\n")
    return root


def split_folders_voc(root: Path) -> Path:
    for split in ("train", "val"):
        voc_pair(root / "images" / split / "a.png", root / "annotations" / split / "a.xml")
    return root


THREE, TWO, ALL = {"train": 1, "val": 1, "test": 1}, {"train": 1, "val": 1}, {"all": 2}
EXPORTS: list[tuple[Export, str, dict[str, int]]] = [
    (roboflow_coco, "coco", THREE),
    (cvat_coco, "coco", ALL),
    (label_studio_coco, "coco", ALL),
    (labelme_coco, "coco", TWO),
    (custom_coco, "coco", TWO),
    (roboflow_darknet, "yolo", THREE),
    (cvat_yolo, "darknet", ALL),
    (label_studio_yolo, "yolo", ALL),
    (labelimg_yolo, "yolo", ALL),
    (labelimg_yolo_folders, "yolo", TWO),
    (lists_alone, "yolo", TWO),
    (roboflow_yolov5, "yolo", THREE),
    (ultralytics, "yolo", TWO),
    (yaml_of_lists, "yolo", {"train": 2, "val": 1}),
    (roboflow_voc, "voc", THREE),
    (labelimg_voc, "voc", ALL),
    (devkit, "voc", TWO),
    (split_folders_voc, "voc", TWO),
]
by_export = pytest.mark.parametrize(
    ("export", "name", "images"), EXPORTS, ids=[export.__name__ for export, *_ in EXPORTS]
)


@by_export
def test_11_an_export_is_read_as_it_is(
    tmp_path: Path, export: Export, name: str, images: dict[str, int]
) -> None:
    spec = str(export(tmp_path / "x"))
    assert format_of(spec).name == name
    assert {split: len(open_data(spec, split=split)) for split in splits_of(spec)} == images
    data = open_data(spec, split="train")
    assert data.names == ("cat", "dog")
    record = data.record(0)
    boxes = [[0, 2, 10, 28], [20, 0, 20, 30]] if name == "voc" else BOXES
    np.testing.assert_allclose(record.boxes_xywh, boxes, atol=1e-6)
    assert record.labels.tolist() == ([1, 0] if name == "voc" else [0, 1])
    assert data.pixels(0).shape == (30, 40, 3)
    assert len(data) == images.get("train", images.get("all"))


@by_export
def test_11_an_export_is_checked_by_the_same_readers(
    tmp_path: Path, export: Export, name: str, images: dict[str, int]
) -> None:
    findings = check(str(export(tmp_path / "x")))
    assert (findings.images, findings.boxes) == (sum(images.values()), 2 * sum(images.values()))
    codes = {finding.code for finding in findings.all}
    assert codes - {"path-relative", "path-elsewhere"} == ({"not-divided"} if "all" in images else set())


@by_export
def test_11_an_export_is_converted(tmp_path: Path, export: Export, name: str, images: dict[str, int]) -> None:
    done = convert(str(export(tmp_path / "x")), to="coco", out=tmp_path / "out")
    expected = {"train" if split == "all" else split: count for split, count in images.items()}
    assert done.images == expected
    assert len(open_data(str(tmp_path / "out"), split="train")) == expected["train"]


@pytest.mark.parametrize("export", [labelimg_yolo, cvat_yolo, label_studio_coco, labelimg_voc])
def test_11_without_splits_all_is_evaluated_and_a_training_is_offered_a_division(
    tmp_path: Path, export: Export
) -> None:
    spec = str(export(tmp_path))
    assert split_to_evaluate(spec) == "all"
    assert len(open_data(spec, split="all")) == 2
    with pytest.raises(DataError) as caught:
        open_data(spec, split="val")
    assert "has no split `val`: it is not divided into splits" in str(caught.value)
    assert f"darknet-py data split {spec} --val 20% -o NEW" in str(caught.value)


def test_11_the_parent_of_all_categories_is_no_class_only_where_no_box_is_of_it(tmp_path: Path) -> None:
    root = roboflow_coco(tmp_path)
    data = open_data(str(root), split="val")
    assert data.names == ("cat", "dog")
    assert data.notes == ("category `pets` is no class: it is the parent of all others, and no box is of it",)
    content = rows("valid.png", group="pets")
    content["annotations"][0]["category_id"] = 0
    put(root / "valid" / "_annotations.coco.json", json.dumps(content))
    assert open_data(str(root), split="val").names == ("pets", "cat", "dog")


def test_11_a_class_of_its_parents_name_is_kept(tmp_path: Path) -> None:
    content = rows("a.png", group="cat")  # Roboflow: a project that is called as its class
    put(tmp_path / "train" / "_annotations.coco.json", json.dumps(content))
    put(tmp_path / "train" / "a.png", noise(1))
    assert open_data(str(tmp_path), split="train").names == ("cat", "dog")


def test_11_one_annotation_file_or_one_yaml_may_be_named(tmp_path: Path) -> None:
    file = label_studio_coco(tmp_path / "ls") / "result.json"
    assert len(open_data(str(file), split="all")) == 2
    yaml = roboflow_yolov5(tmp_path / "rf") / "data.yaml"
    assert open_data(str(yaml), split="test").record(0).name == "test/images/a.png"


def test_11_a_yaml_path_that_is_not_there_is_counted(tmp_path: Path) -> None:
    root = roboflow_yolov5(tmp_path)
    (root / "valid").rename(root / "validate")
    assert open_data(str(root), split="val").adjusted == {
        "image of validate/images, for `val: ../valid/images` is not there": 1
    }


def test_11_names_of_a_yaml_and_of_a_text_file_that_differ_are_refused(tmp_path: Path) -> None:
    root = roboflow_yolov5(tmp_path)
    put(root / "classes.txt", "dog\ncat\n")
    with pytest.raises(DataError, match=r"name different classes: dog, cat and cat, dog"):
        open_data(str(root), split="train")
    assert open_data(str(root / "data.yaml"), split="train").names == ("cat", "dog")


def test_11_test_is_read_only_where_it_is_named(tmp_path: Path) -> None:
    root = roboflow_darknet(tmp_path)
    for file in (root / "valid").iterdir():
        file.unlink()
    (root / "valid").rmdir()
    with pytest.raises(DataError, match="has no split `val`; it has train and test"):
        open_data(str(root), split="val")
    assert len(open_data(str(root), split="test")) == 1


def test_11_the_test_list_of_voc_is_its_val(tmp_path: Path) -> None:
    spec = str(devkit(tmp_path))
    assert open_data(spec, split="test").record(0).name == open_data(spec, split="val").record(0).name
