"""Oracle: round trips, the readers of the package, and VOC files written by hand. Kind: story, parity."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from darknet_py.__main__ import main
from darknet_py.data.check.run import check
from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.registry import open_data
from darknet_py.data.formats.voc.folder import VocFolder
from darknet_py.data.tools.convert import convert
from darknet_py.errors import DataError, UsageError
from tests.data.check.damaged import VOC, class_folders, coco, darknet, noise, put, voc, yolo
from tests.paths import SHARED_DATA


def same_truths(one: Dataset, other: Dataset, *, crowds: bool) -> None:
    """Equal images, classes and boxes, to 1e-6 of the size of the image."""
    assert one.names == other.names
    assert len(one) == len(other)
    for index in range(len(one)):
        mine, theirs = one.record(index), other.record(index)
        kept = slice(None) if crowds else ~mine.crowd
        assert (mine.width, mine.height) == (theirs.width, theirs.height)
        np.testing.assert_array_equal(mine.labels[kept], theirs.labels)
        scale = [mine.width, mine.height] * 2
        np.testing.assert_allclose(
            mine.boxes_xywh[kept] / scale, theirs.boxes_xywh / scale, atol=1e-6, rtol=0
        )
        np.testing.assert_array_equal(one.pixels(index), other.pixels(index))


@pytest.mark.parametrize("copy", [False, True])
def test_coco_to_darknet_and_back_keeps_the_boxes(tmp_path: Path, copy: bool) -> None:
    source = coco(tmp_path / "coco")
    done = convert(str(source), to="darknet", out=tmp_path / "lists", copy=copy)
    convert(str(tmp_path / "lists" / "obj.data"), to="coco", out=tmp_path / "again", copy=copy)
    for split in ("train", "val"):
        first = open_data(str(source), split=split)
        lists = open_data(str(tmp_path / "lists" / "obj.data"), split=split)
        same_truths(first, lists, crowds=False)
        same_truths(lists, open_data(str(tmp_path / "again"), split=split), crowds=True)
    assert done.images == {"train": 2, "val": 2}
    assert done.boxes == {"train": 2, "val": 2}
    assert +done.changes == {"crowd, which Darknet does not have, left out": 2}


def test_darknets_one_list_of_names_serves_both_splits_whose_categories_have_other_ids(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = coco(tmp_path / "coco")
    file = source / "annotations" / "instances_val.json"
    content = json.loads(file.read_text())
    other = {9: 2, 2: 9}
    for row, key in [*((row, "id") for row in content["categories"]),
                     *((row, "category_id") for row in content["annotations"])]:  # fmt: skip
        row[key] = other[row[key]]
    file.write_text(json.dumps(content))
    options = ["data", "convert", str(source), "--to", "darknet", "--out", str(tmp_path / "lists")]
    assert main(options) == 0
    note = "classes: val lists the 2 classes in another order than train: matched by name\n"
    assert note in capsys.readouterr().out
    convert(str(coco(tmp_path / "plain")), to="darknet", out=tmp_path / "again")
    texts = {name: sorted((tmp_path / name / "val").glob("*.txt")) for name in ("lists", "again")}
    assert [path.read_text() for path in texts["lists"]] == [path.read_text() for path in texts["again"]]


@pytest.mark.parametrize("copy", [False, True])
def test_coco_to_coco_keeps_ids_areas_and_crowds(tmp_path: Path, copy: bool) -> None:
    source = coco(tmp_path / "one")
    convert(str(source), to="coco", out=tmp_path / "two", copy=copy)
    first, second = (open_data(str(tmp_path / name), split="val") for name in ("one", "two"))
    assert first.ground_truth() == second.ground_truth()
    np.testing.assert_array_equal(first.pixels(1), second.pixels(1))


@pytest.mark.parametrize("base", [darknet, yolo])
@pytest.mark.parametrize("to", ["darknet", "coco"])
def test_lists_and_yolo_folders_are_converted(tmp_path: Path, base: object, to: str) -> None:
    source = str(base(tmp_path / "source"))
    out = tmp_path / "out"
    convert(source, to=to, out=out)
    spec = str(out / "obj.data" if to == "darknet" else out)
    same_truths(open_data(source, split="train"), open_data(spec, split="train"), crowds=True)


@pytest.mark.parametrize("to", ["darknet", "coco"])
@pytest.mark.parametrize("copy", [False, True])
def test_what_is_written_has_no_damage(tmp_path: Path, to: str, copy: bool) -> None:
    out = tmp_path / "out"
    convert(str(coco(tmp_path / "coco")), to=to, out=out, copy=copy)
    findings = check(str(out / "obj.data" if to == "darknet" else out))
    assert {finding.code for finding in findings.all} <= {"class-without-boxes"}  # the crowd was the only cat
    assert findings.images == 4


def test_images_are_links_unless_copied(tmp_path: Path) -> None:
    source = coco(tmp_path / "coco")
    convert(str(source), to="darknet", out=tmp_path / "linked")
    convert(str(source), to="darknet", out=tmp_path / "copied", copy=True)
    name = "train/train-a.png"
    assert (tmp_path / "linked" / name).resolve() == (source / name).resolve()
    assert not (tmp_path / "copied" / name).is_symlink()
    assert (tmp_path / "copied" / name).read_bytes() == (source / name).read_bytes()


def test_images_of_one_stem_get_label_files_of_their_own(tmp_path: Path) -> None:
    spec = darknet(tmp_path / "source")
    other = put(tmp_path / "source" / "more" / "a.png", noise(77))
    put(other.with_suffix(".txt"), "1 .5 .5 .5 .5\n")
    put(tmp_path / "source" / "train.txt", f"{tmp_path}/source/train/a.png\n{other}\n")
    convert(str(spec), to="darknet", out=tmp_path / "out")
    data = open_data(str(tmp_path / "out" / "obj.data"), split="train")
    assert [Path(data.record(at).name).name for at in (0, 1)] == ["a.png", "a-2.png"]
    same_truths(open_data(str(spec), split="train"), data, crowds=True)


def test_a_box_that_cannot_be_a_fraction_is_cut_and_counted(tmp_path: Path) -> None:
    file = coco(tmp_path / "coco") / "annotations" / "instances_train.json"
    content = json.loads(file.read_text())
    content["annotations"][0]["bbox"] = [-10, 5, 60, 10]
    content["annotations"][2]["bbox"] = [35, 5, 5.5, 10]  # over the edge, and still fractions: kept
    file.write_text(json.dumps(content))
    done = convert(str(tmp_path / "coco"), to="darknet", out=tmp_path / "out")
    assert done.changes["box cut to the image, for its fractions were not 0 to 1"] == 1
    data = open_data(str(tmp_path / "out" / "obj.data"), split="train")
    np.testing.assert_allclose(data.record(0).boxes_xywh, [[0, 5, 40, 10]], atol=1e-6)
    np.testing.assert_allclose(data.record(1).boxes_xywh, [[35, 5, 5.5, 10]], atol=1e-6)


def test_voc_counts_from_1_and_includes_the_last_pixel(tmp_path: Path) -> None:
    convert(str(voc(tmp_path / "voc")), to="coco", out=tmp_path / "out")
    data = open_data(str(tmp_path / "out"), split="train")
    assert data.names == ("cat", "dog")
    record = data.record(1)
    np.testing.assert_array_equal(record.boxes_xywh, [[0, 2, 10, 28], [20, 0, 20, 30]])
    np.testing.assert_array_equal(record.labels, [1, 0])
    np.testing.assert_array_equal(record.crowd, [False, True])


def test_voc_to_darknet_leaves_difficult_objects_out(tmp_path: Path) -> None:
    convert(str(voc(tmp_path / "voc")), to="darknet", out=tmp_path / "out")
    text = (tmp_path / "out" / "train" / "a.txt").read_text()
    assert text == "1 0.1250000000 0.5333333333 0.2500000000 0.9333333333\n"
    assert len(open_data(str(tmp_path / "out" / "obj.data"), split="val")) == 1


def test_voc_without_lists_is_all_train(tmp_path: Path) -> None:
    root = voc(tmp_path / "voc")
    for name in ("train", "val"):
        (root / "ImageSets" / "Main" / f"{name}.txt").unlink()
    for folder in ("ImageSets/Main", "ImageSets"):
        (root / folder).rmdir()
    assert convert(str(root), to="darknet", out=tmp_path / "out").images == {"train": 3}


BOMB = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><annotation>&b;</annotation>'
FILE = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotation>&a;</annotation>'
XML = [
    (BOMB, ":1: error: has a DTD, which is not read"),
    (FILE, ":1: error: has a DTD, which is not read"),
    ("<annotation>", ": error: is not XML: no element found"),
    ("<a>&b;</a>", ": error: is not XML: undefined entity"),
    ("<a>" * 40, ":1: error: is nested more than 32 deep"),
    ("<annotation></annotation>", ":1: error: <annotation> has no <size>"),
    (VOC.replace("<width>40", "<width>x"), ":3: error: <width> is `x`, not a number from 0 to 1e+06"),
    (VOC.replace("<name>cat</name>", ""), ":8: error: <object> has no <name>"),
    (VOC.replace("<xmax>10", "<xmax>nan"), ":6: error: <xmax> is `nan`, not a number from -1e+06 to 1e+06"),
    (VOC.replace("cat", " "), ":8: error: an object is called ``"),
]


@pytest.mark.parametrize(("text", "told"), XML)
def test_xml_that_cannot_be_used_is_refused_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    root = voc(tmp_path)
    put(root / "Annotations" / "b.xml", text)
    with pytest.raises(DataError) as caught:
        VocFolder(root, split="train")
    assert str(caught.value).startswith(f"{root}/Annotations/b.xml{told}")


def test_missing_files_of_voc_are_named(tmp_path: Path) -> None:
    root = voc(tmp_path)
    (root / "JPEGImages" / "b.png").unlink()
    with pytest.raises(DataError, match=r"1 of 2 images are missing: .*b\.jpg"):
        VocFolder(root, split="train")
    (root / "Annotations" / "c.xml").unlink()
    with pytest.raises(DataError, match=r"c\.xml: error: does not exist"):
        VocFolder(root, split="val")
    with pytest.raises(DataError, match="has no split `test`"):
        VocFolder(root, split="test")


def test_voc_boxes_without_size_or_outside_are_dropped_and_counted(tmp_path: Path) -> None:
    root = voc(tmp_path)
    text = VOC.format(name="a").replace("<xmax>10", "<xmax>0").replace("<xmin>21", "<xmin>41").replace(
        "<xmax>40", "<xmax>50"
    )  # fmt: skip
    put(root / "Annotations" / "a.xml", text)
    assert VocFolder(root, split="train").dropped == {"no width or no height": 1, "outside the image": 1}


def test_nothing_stays_of_a_conversion_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = coco(tmp_path / "coco")
    before = sorted(tmp_path.rglob("*"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        convert(str(source), to="darknet", out=tmp_path / "out", copy=True)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    source = coco(tmp_path / "coco")
    put(tmp_path / "out" / "mine.txt", "keep")
    with pytest.raises(UsageError, match="is there already"):
        convert(str(source), to="coco", out=tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    assert convert(str(source), to="coco", out=tmp_path / "empty").images == {"train": 2, "val": 2}


def test_images_without_boxes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no boxes in files"):
        convert(str(class_folders(tmp_path / "classes")), to="coco", out=tmp_path / "out")


def test_the_verb_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = str(coco(tmp_path / "coco")), tmp_path / "out"
    assert main(["data", "convert", source, "--to", "darknet", "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "train: 2 images, 2 boxes",
        "val: 2 images, 2 boxes",
        "2 x crowd, which Darknet does not have, left out",
        f"use it as --data {out}/obj.data",
    ]
    assert main(["data", "convert", source, "--to", "coco", "--out", str(out)]) == 2


@pytest.mark.parametrize("name", ["bccd", "coco-mini"])
def test_real_data_goes_to_darknet_and_back(tmp_path: Path, name: str) -> None:
    if not (SHARED_DATA / name).is_dir():
        pytest.skip(f"{name} is not beside this checkout")
    convert(str(SHARED_DATA / name), to="darknet", out=tmp_path / "lists")
    convert(str(tmp_path / "lists" / "obj.data"), to="coco", out=tmp_path / "again")
    first, last = (
        open_data(str(SHARED_DATA / name), split="val"),
        open_data(str(tmp_path / "again"), split="val"),
    )
    assert first.names == last.names
    for index in range(len(first)):
        mine, theirs = first.record(index), last.record(index)
        scale = [mine.width, mine.height] * 2
        np.testing.assert_allclose(
            mine.boxes_xywh[~mine.crowd] / scale, theirs.boxes_xywh / scale, atol=1e-6, rtol=0
        )
