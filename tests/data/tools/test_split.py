"""Oracle: images and boxes of the source, counted here; groups planted in names and bytes. Kind: property."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from darknet_py.__main__ import main
from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.registry import open_data
from darknet_py.data.tools.grouping import group_images
from darknet_py.data.tools.split import SplitRequest, images_wanted, split_data
from darknet_py.data.tools.stratify import stratify
from darknet_py.errors import DataError, UsageError
from tests.data.check.damaged import coco, darknet, noise, put
from tests.data.tools.test_convert import voc
from tests.paths import SHARED_DATA


def flat(root: Path, *, copies: int = 3, pictures: int = 12) -> Path:
    """A Darknet data set without val: augmented copies of each picture as Roboflow names them."""
    names = []
    for picture in range(pictures):
        for copy in range(copies):
            digest = hashlib.md5(f"{picture} {copy}".encode()).hexdigest()
            name = f"p{picture}_jpg.rf.{digest}.png"
            put(root / "train" / name, noise(100 * picture + copy))
            put((root / "train" / name).with_suffix(".txt"), f"{picture % 3} .5 .5 .{copy + 1} .2\n")
            names.append(name)
    put(root / "train.txt", "".join(f"{root}/train/{name}\n" for name in names))
    put(root / "obj.names", "cat\ndog\ncow\n")
    text = f"classes = 3\ntrain = {root}/train.txt\nnames = {root}/obj.names\n"
    return put(root / "obj.data", text)


def opened(spec: Path) -> tuple[Dataset, Dataset]:
    return open_data(str(spec), split="train"), open_data(str(spec), split="val")


def contents(data: Dataset) -> Counter[tuple[str, str]]:
    """Each image by its file, and its boxes by class name."""
    records = [data.record(at) for at in range(len(data))]
    return Counter(
        (
            os.path.realpath(data.path(at)),  # type: ignore[attr-defined]
            str(sorted(zip([data.names[i] for i in r.labels], r.boxes_xywh.round(4).tolist(), strict=True))),
        )
        for at, r in enumerate(records)
    )


def pictures(data: Dataset) -> set[str]:
    return {Path(data.record(at).name).name.partition("_jpg")[0] for at in range(len(data))}


def test_12_copies_of_one_picture_stay_together_and_classes_in_proportion(tmp_path: Path) -> None:
    source = flat(tmp_path / "source")
    done = split_data(str(source), tmp_path / "new", SplitRequest("25%"))
    train, val = opened(tmp_path / "new" / "obj.data")
    assert (len(train), len(val), done.groups) == (27, 9, (12, 36))
    assert not pictures(train) & pictures(val)
    assert done.boxes == {"cat": (9, 3), "dog": (9, 3), "cow": (9, 3)}
    assert contents(train) + contents(val) == contents(open_data(str(source), split="train"))


def test_12_the_same_seed_gives_the_same_parts_and_another_does_not(tmp_path: Path) -> None:
    source = str(flat(tmp_path / "source", copies=1, pictures=30))
    found = []
    for at, seed in enumerate((0, 0, 1)):
        split_data(source, tmp_path / f"new{at}", SplitRequest("9", seed=seed))
        found.append(pictures(open_data(str(tmp_path / f"new{at}" / "obj.data"), split="val")))
    assert found[0] == found[1] != found[2]


def test_12_equal_files_stay_together(tmp_path: Path) -> None:
    source = flat(tmp_path / "source", copies=1, pictures=10)
    images = sorted((tmp_path / "source" / "train").glob("*.png"))
    shutil.copy(images[0], images[5])
    assert [len(group) for group in group_images(images)] == [2] + [1] * 8
    for seed in range(5):
        split_data(str(source), tmp_path / f"new{seed}", SplitRequest("0.4", seed=seed))
        train, val = opened(tmp_path / f"new{seed}" / "obj.data")
        twins = {images[0].name.partition("_jpg")[0], images[5].name.partition("_jpg")[0]}
        assert len(twins & pictures(train)) in (0, 2)
        assert len(val) == 4


def test_12_frames_of_one_video_stay_together_by_a_pattern(tmp_path: Path) -> None:
    names = [f"video_{video}-{frame}.jpg" for video in range(3) for frame in range(4)] + ["other.jpg"]
    paths = [put(tmp_path / name, name) for name in names]
    assert [len(group) for group in group_images(paths, r"video_\d+")] == [4, 4, 4, 1]
    assert [len(group) for group in group_images(paths, r"-(\d+)\.")] == [3, 3, 3, 3, 1]
    with pytest.raises(UsageError, match="is found in no path"):
        group_images(paths, "film")
    with pytest.raises(UsageError, match="is no regular expression"):
        group_images(paths, "(")


def test_classes_of_random_images_are_in_proportion_to_a_few_images() -> None:
    for seed in range(20):
        draw = np.random.default_rng(seed)
        counts = (draw.random((200, 8)) < [0.9, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05, 0.03]).astype(np.int64)
        second = stratify(counts, np.ones(200, np.int64), 50, seed=seed)
        assert second.sum() == 50
        assert np.abs(counts[second].sum(axis=0) - counts.sum(axis=0) / 4).max() <= 2


def test_groups_larger_than_the_part_do_not_go_there() -> None:
    sizes = np.array([50, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    second = stratify(np.stack([sizes, sizes], axis=1), sizes, 6)
    assert (second[0], sizes[second].sum()) == (False, 6)


@pytest.mark.parametrize(("text", "number"), [("20%", 10), ("0.2", 10), (".5", 25), ("12.5%", 6), ("7", 7)])
def test_12_val_is_a_share_or_a_number(text: str, number: int) -> None:
    assert images_wanted(text, 50) == number


@pytest.mark.parametrize("text", ["", "0", "50", "100%", "1.0", "-1", "0%", "1%", "a", "20 %", "0.001"])
def test_a_val_that_leaves_a_part_empty_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--val .*(a part would be empty|neither a share nor a number)"):
        images_wanted(text, 50)


def test_12_coco_keeps_crowds_areas_and_ids_and_val_is_joined_with_train(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = coco(tmp_path / "source"), tmp_path / "new"
    before = {path: path.stat().st_mtime_ns for path in sorted(source.rglob("*"))}
    assert main(["data", "split", str(source), "--val", "2", "-o", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "train (2 images) and val (2 images) were joined"
    assert [" ".join(line.split()) for line in lines[1:-1]] == [
        "train val val of all", "images 2 2 50.0 %", "boxes 3 3 50.0 %", "cat 2 2 50.0 %", "dog 1 1 50.0 %",
    ]  # fmt: skip
    assert lines[-1] == f"use it as --data {out}"
    new, old = opened(out), opened(source)
    assert contents(new[0]) + contents(new[1]) == contents(old[0]) + contents(old[1])
    rows = [row for data in new for row in data.ground_truth()["annotations"]]
    assert sorted(row["area"] for row in rows) == [16, 16, 50, 50, 400, 400]
    assert sum(row["iscrowd"] for row in rows) == 2
    assert new[0].category_ids == (2, 9)
    ids = [data.record(at).image_id for data in new for at in range(len(data))]
    assert sorted(ids) == [1, 2, 3, 4]  # 3 and 7 are ids of two images each
    assert {path: path.stat().st_mtime_ns for path in sorted(source.rglob("*"))} == before


def test_12_lists_become_lists_and_voc_becomes_coco(tmp_path: Path) -> None:
    assert split_data(str(darknet(tmp_path / "a")), tmp_path / "b", SplitRequest("1")).layout == "darknet"
    done = split_data(str(voc(tmp_path / "voc")), tmp_path / "c", SplitRequest("1"))
    assert (done.layout, done.joined, done.written.images) == (
        "coco",
        {"train": 2, "val": 1},
        {"train": 2, "val": 1},
    )
    done = split_data(str(tmp_path / "voc"), tmp_path / "d", SplitRequest("1", to="darknet", copy=True))
    assert not any(path.is_symlink() for path in (tmp_path / "d").rglob("*"))
    assert done.layout == "darknet"


def test_an_image_listed_twice_is_kept_once(tmp_path: Path) -> None:
    spec = darknet(tmp_path / "a")
    put(tmp_path / "a" / "val.txt", (tmp_path / "a" / "train.txt").read_text())
    done = split_data(str(spec), tmp_path / "b", SplitRequest("1"))
    assert (done.repeated, done.written.images) == (2, {"train": 1, "val": 1})


def test_nothing_is_written_where_the_folder_is_taken_or_all_is_one_picture(tmp_path: Path) -> None:
    spec = flat(tmp_path / "source", pictures=1)
    with pytest.raises(UsageError, match="all 3 images are copies of one"):
        split_data(str(spec), tmp_path / "new", SplitRequest("1"))
    put(tmp_path / "taken" / "mine.txt", "keep")
    with pytest.raises(UsageError, match="is there already"):
        split_data(str(spec), tmp_path / "taken", SplitRequest("1"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "taken"]


@pytest.mark.parametrize("layout", ["darknet", "coco", "yolo"])
def test_12_data_without_val_are_refused_with_the_command_that_divides_them(
    tmp_path: Path, layout: str
) -> None:
    spec = flat(tmp_path)
    if layout == "coco":
        spec = coco(tmp_path / "coco")
        (spec / "annotations" / "instances_val.json").unlink()
    if layout == "yolo":
        spec = tmp_path / "yolo"
        put(spec / "images" / "train" / "a.png", noise(1))
        put(spec / "labels" / "train" / "a.txt", "0 .5 .5 .1 .1\n")
        put(spec / "classes.txt", "cat\n")
    with pytest.raises(DataError) as caught:
        open_data(str(spec), split="val")
    assert (
        caught.value.hint == f"`darknet-py data split {spec} --val 20% -o NEW` divides train in train and val"
    )


def test_12_a_data_set_without_val_is_converted(tmp_path: Path) -> None:
    spec = flat(tmp_path, pictures=1)
    assert main(["data", "convert", str(spec), "--to", "coco", "--out", str(tmp_path / "new")]) == 0
    assert len(open_data(str(tmp_path / "new"), split="train")) == 3


def test_json_has_every_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = flat(tmp_path)
    assert main(["data", "split", str(spec), "--val", "0.25", "-o", str(tmp_path / "new"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["classes"]["dog"] == {"train": 9, "val": 3}
    assert (facts["images"], facts["source"], facts["groups"]) == ({"train": 27, "val": 9}, {"train": 36}, 12)


@pytest.mark.skipif(not (SHARED_DATA / "bccd").is_dir(), reason="bccd is not beside this checkout")
def test_real_classes_are_in_proportion(tmp_path: Path) -> None:
    done = split_data(str(SHARED_DATA / "bccd"), tmp_path / "new", SplitRequest("20%"))
    assert done.written.images == {"train": 291, "val": 73}
    for train, val in done.boxes.values():
        assert val / (train + val) == pytest.approx(0.2, abs=0.015)
