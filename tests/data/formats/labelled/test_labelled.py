"""Oracle: small labelled data sets written by hand, and Darknet's `strstr` rule. Kind: story."""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from darknet_py.data.formats.coco.folder import CocoFolder
from darknet_py.data.formats.darknet.image_lists import DarknetLists
from darknet_py.data.formats.labelled.base import ClassFolders
from darknet_py.data.formats.labelled.cifar import Cifar10
from darknet_py.data.formats.labelled.classifier_lists import ClassifierLists
from darknet_py.data.formats.registry import open_data
from darknet_py.data.loader.collate import truth_rows
from darknet_py.errors import DataError


def image(path: Path, colour: tuple[int, int, int] = (9, 8, 7)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), colour).save(path)
    return path


def folders(root: Path, *, val: str = "val") -> Path:
    """Cats and dogs: two and one to train on, one dog to look at."""
    for name in ("train/dog/b.png", "train/dog/a.jpg", "train/cat/c.PNG", f"{val}/dog/d.png"):
        image(root / name)
    (root / "train" / "dog" / "notes.txt").write_text("not an image")
    return root


def refusal(root: Path, *, split: str = "val") -> str:
    with pytest.raises(DataError) as caught:
        open_data(str(root), split=split)
    return str(caught.value).replace(str(root), "DATA")


# Folders of classes.


@pytest.mark.parametrize("val", ["val", "valid", "validation", "test"])
def test_folders_are_classes_in_the_order_of_their_names(tmp_path: Path, val: str) -> None:
    root = folders(tmp_path, val=val)
    train, other = (open_data(str(root), split=split) for split in ("train", "val"))
    assert isinstance(train, ClassFolders)
    assert isinstance(other, ClassFolders)
    assert (train.names, other.names) == (("cat", "dog"), ("cat", "dog"))
    assert [train.name(i) for i in range(3)] == ["cat/c.PNG", "dog/a.jpg", "dog/b.png"]
    assert (train.labels.tolist(), other.labels.tolist()) == ([0, 1, 1], [1])
    assert train.pixels(0).tolist() == [[[9, 8, 7]] * 6] * 4


def test_val_is_taken_before_test(tmp_path: Path) -> None:
    root = folders(tmp_path)
    image(root / "test" / "cat" / "x.png")
    assert open_data(str(root), split="val").record(0).name == "dog/d.png"
    assert open_data(str(root), split="test").record(0).name == "cat/x.png"


def test_a_label_is_a_box_that_is_all_of_the_image(tmp_path: Path) -> None:
    record = open_data(str(folders(tmp_path)), split="train").record(1)
    assert (record.image_id, record.width, record.height, record.name) == (2, 6, 4, "dog/a.jpg")
    assert (record.boxes_xywh.tolist(), record.labels.tolist()) == ([[0, 0, 6, 4]], [1])
    assert truth_rows(open_data(str(tmp_path), split="train"), 1).tolist() == [[3, 2, 6, 4, 1]]


def test_images_in_folders_of_a_class_are_of_that_class(tmp_path: Path) -> None:
    image(folders(tmp_path) / "train" / "cat" / "wild" / "old" / "e.png")
    train = open_data(str(tmp_path), split="train")
    assert isinstance(train, ClassFolders)
    assert [train.name(i) for i in np.flatnonzero(train.labels == 0)] == ["cat/c.PNG", "cat/wild/old/e.png"]
    assert train.pixels(1).shape == (4, 6, 3)


def test_a_class_that_val_alone_has_is_refused(tmp_path: Path) -> None:
    image(folders(tmp_path) / "val" / "emu" / "a.png")
    assert refusal(tmp_path).startswith("DATA/val: error: 1 of its 2 classes is not in DATA/train\n")
    assert "| emu (1 image)\n   in both: 1 class (`dog`)" in refusal(tmp_path)


def test_a_class_folder_of_val_in_other_letters_is_that_of_train(tmp_path: Path) -> None:
    (folders(tmp_path) / "val" / "dog").rename(tmp_path / "val" / "Dog")
    val = open_data(str(tmp_path), split="val")
    assert isinstance(val, ClassFolders)
    assert (val.names, val.labels.tolist()) == (("cat", "dog"), [1])
    assert (
        f"{tmp_path}/val spells 1 class (`Dog` is `dog`) as {tmp_path}/train does not: matched" in val.notes
    )


def test_a_class_folder_of_val_without_images_that_train_lacks_is_ignored(tmp_path: Path) -> None:
    (folders(tmp_path) / "val" / "emu").mkdir()
    assert "1 class (`emu`) without any image" in " ".join(open_data(str(tmp_path), split="val").notes)


def test_class_folders_that_are_numbers_are_never_matched_by_position(tmp_path: Path) -> None:
    for name in ("train/0", "train/1", "val/1", "val/2"):
        image(tmp_path / name / "a.png")
    assert refusal(tmp_path).startswith("DATA/val: error: 1 of its 2 classes is not in DATA/train\n")


def test_a_class_without_images_to_train_on_is_refused_and_without_images_to_look_at_is_not(
    tmp_path: Path,
) -> None:
    (folders(tmp_path) / "train" / "emu").mkdir()
    assert refusal(tmp_path, split="train") == "DATA/train: error: has no image of the class `emu`"
    image(tmp_path / "train" / "emu" / "a.png")
    (tmp_path / "val" / "emu").mkdir()
    assert open_data(str(tmp_path), split="val").names == ("cat", "dog", "emu")


def test_a_split_without_images_is_refused(tmp_path: Path) -> None:
    (folders(tmp_path) / "val" / "dog" / "d.png").unlink()
    assert refusal(tmp_path).startswith("DATA/val: error: holds no image: no file, and none ending in .jpg, ")


def test_a_missing_split_is_named_with_the_folders_it_may_be(tmp_path: Path) -> None:
    image(tmp_path / "train" / "cat" / "a.png")
    folders_of = "val or valid or validation or test"
    assert refusal(tmp_path) == f"DATA: error: has no split `val`: no folder {folders_of}"


def test_images_that_are_not_in_a_class_are_no_class_folders(tmp_path: Path) -> None:
    image(folders(tmp_path, val="elsewhere") / "val" / "a.png")
    assert refusal(tmp_path) == (
        "DATA/val: error: has no folder of a class\n   = expected CLASS/IMAGE.jpg inside"
    )


def test_a_coco_folder_whose_images_lie_in_folders_is_still_cocos(tmp_path: Path) -> None:
    image(tmp_path / "train" / "part-1" / "a.png")
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_train.json").write_text(
        '{"images": [{"id": 1, "file_name": "part-1/a.png", "width": 6, "height": 4}],'
        ' "annotations": [], "categories": [{"id": 1, "name": "cat"}]}'
    )
    assert isinstance(open_data(str(tmp_path), split="train"), CocoFolder)


def test_the_fingerprint_follows_names_and_labels(tmp_path: Path) -> None:
    first = ClassFolders(folders(tmp_path), split="train").fingerprint
    assert ClassFolders(tmp_path, split="train").fingerprint == first
    (tmp_path / "train" / "dog" / "b.png").rename(tmp_path / "train" / "cat" / "b.png")
    assert ClassFolders(tmp_path, split="train").fingerprint != first


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    (folders(tmp_path) / "val" / "dog" / "d.png").write_bytes(b"dear diary")
    with pytest.raises(DataError, match=r"d\.png: error: is not an image"):
        ClassFolders(tmp_path, split="val").pixels(0)


# Darknet's lists.

FILES = ("images/1_cat.png", "images/2_dog.png", "images/3_cat.png")


def lists(root: Path, *, labels: str = "cat\ndog\n", files: Sequence[str] = FILES, more: str = "") -> Path:
    for name in files:
        image(root / name)
    (root / "labels.txt").write_text(labels)
    (root / "names.txt").write_text("a cat\na dog\n")
    (root / "all.list").write_text("\n".join(files) + "\n")
    text = "classes = 2\ntrain = all.list\nvalid = all.list\nlabels = labels.txt\nbackup = b\n"
    (root / "pets.data").write_text(text + more)
    return root / "pets.data"


def listed(file: Path) -> str:
    with pytest.raises(DataError) as caught:
        ClassifierLists(file, split="train")
    return str(caught.value).replace(str(file.parent), "DATA")


def test_an_image_is_of_the_class_whose_label_its_path_holds(tmp_path: Path) -> None:
    data = open_data(str(lists(tmp_path)), split="train")
    assert isinstance(data, ClassifierLists)
    assert (data.names, data.labels.tolist(), data.name(1)) == (("cat", "dog"), [0, 1, 0], FILES[1])
    assert data.pixels(2).shape == (4, 6, 3)


def test_the_label_may_stand_in_a_folders_name(tmp_path: Path) -> None:
    data = ClassifierLists(lists(tmp_path, files=("doghouse/1.png", "x/cat.png")), split="val")
    assert data.labels.tolist() == [1, 0]


def test_names_are_what_people_read(tmp_path: Path) -> None:
    data = ClassifierLists(lists(tmp_path, more="names = names.txt\n"), split="train")
    assert data.names == ("a cat", "a dog")


@pytest.mark.parametrize(
    ("line", "why"),
    [("images/catdog.png", "holds `cat` and `dog`"), ("images/emu.png", "holds no label")],
)
def test_an_image_without_one_label_is_told_with_its_line(tmp_path: Path, line: str, why: str) -> None:
    assert listed(lists(tmp_path, files=(FILES[0], line))) == (
        "DATA/all.list: error: has images without one label\n"
        f"DATA/all.list:2:1: `{line}` {why}\n"
        "   = the label is looked for anywhere in the path: `cat` also stands in `catfish`"
    )


def test_a_label_within_another_is_told(tmp_path: Path) -> None:
    text = listed(lists(tmp_path, labels="cat\ncatfish\n", files=("a/catfish.png",)))
    assert "all.list:1:1: `a/catfish.png` holds `cat` and `catfish`" in text


def test_many_errors_are_told_in_part(tmp_path: Path) -> None:
    text = listed(lists(tmp_path, files=[f"images/{k}.png" for k in range(8)]))
    assert text.count("holds no label") == 3
    assert "\nand 5 more lines\n" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": "cat\ncat\n"}, "DATA/labels.txt:2:1: error: is `cat`, the name of line 1"),
        ({"labels": "\n"}, "DATA/labels.txt: error: names no class"),
        (
            {"labels": "cat\ndog\nemu\n"},
            "DATA/pets.data:1:11: error: classes = 2, but DATA/labels.txt has 3 labels",
        ),
        ({"more": "names = labels3.txt\n"}, "DATA/pets.data: error: has 2 labels and 3 names"),
        ({"files": ()}, "DATA/all.list: error: lists no image"),
    ],
)
def test_lists_that_disagree_are_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    (tmp_path / "labels3.txt").write_text("a\nb\nc\n")
    assert listed(lists(tmp_path, **change)) == said


def test_a_listed_image_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = lists(tmp_path)
    (tmp_path / FILES[1]).unlink()
    assert "1 of 3 images are missing" in listed(file)


def test_a_data_file_without_labels_is_still_a_detectors(tmp_path: Path) -> None:
    file = lists(tmp_path, more="names = names.txt\n")
    file.write_text(file.read_text().replace("labels = labels.txt\n", ""))
    for name in FILES:
        (tmp_path / name).with_suffix(".txt").write_text("0 0.5 0.5 0.5 0.5\n")
    assert isinstance(open_data(str(file), split="train"), DarknetLists)


# CIFAR-10's pickles.

LABEL_NAMES = ["plane", "car", "bird"]


class Python2(pickle._Pickler):
    """Writes texts, bytes and arrays as Python 2 and its numpy did, in which CIFAR-10 is published."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes(self, obj: bytes) -> None:
        short = len(obj) < 256
        self.write(b"U" + bytes([len(obj)]) if short else b"T" + struct.pack("<i", len(obj)))
        self.write(obj)
        self.memoize(obj)

    def save_text(self, obj: str) -> None:
        self.save_bytes(obj.encode("latin1"))

    def save_global(self, obj: Any, name: str | None = None) -> None:
        if getattr(obj, "__name__", "") == "_reconstruct":
            self.write(b"cnumpy.core.multiarray\n_reconstruct\n")
        else:
            super().save_global(obj, name)

    dispatch[bytes], dispatch[str], dispatch[type] = save_bytes, save_text, save_global


def dumped(file: Path, value: object, *, python2: bool = True) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        if python2:
            Python2(stream, protocol=2).dump(value)
        else:
            pickle.dump(value, stream, protocol=4)


def batch(count: int, seed: int) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    return {
        "batch_label": "one of five",
        "labels": draw.integers(0, 3, count).tolist(),
        "data": draw.integers(0, 256, (count, 3072), np.uint8),
        "filenames": [f"{k}.png" for k in range(count)],
    }


def cifar(root: Path, *, python2: bool = True) -> Path:
    home = root / "cifar-10-batches-py"
    meta = {"num_cases_per_batch": 4, "label_names": LABEL_NAMES, "num_vis": 3072}
    dumped(home / "batches.meta", meta, python2=python2)
    for k in range(1, 6):
        dumped(home / f"data_batch_{k}", batch(4, k), python2=python2)
    dumped(home / "test_batch", batch(6, 6), python2=python2)
    return root


@pytest.mark.parametrize("python2", [True, False])
@pytest.mark.parametrize("inside", [False, True])
def test_cifars_pictures_are_rows_of_red_green_and_blue(tmp_path: Path, python2: bool, inside: bool) -> None:
    root = cifar(tmp_path, python2=python2)
    home = root / "cifar-10-batches-py"
    if python2:
        assert b"cnumpy.core.multiarray\n_reconstruct\n" in (home / "test_batch").read_bytes()
        assert b"U\x0blabel_names" in (home / "batches.meta").read_bytes()
    train, val = (open_data(str(home if inside else root), split=split) for split in ("train", "val"))
    assert isinstance(train, Cifar10)
    assert isinstance(val, Cifar10)
    assert (train.names, len(train), len(val)) == (tuple(LABEL_NAMES), 20, 6)
    assert train.labels.tolist() == [label for k in range(1, 6) for label in batch(4, k)["labels"]]
    row = batch(6, 6)["data"][4]
    pixels = val.pixels(4)
    assert (pixels.shape, pixels.dtype) == ((32, 32, 3), np.uint8)
    for y, x, channel in ((0, 0, 0), (0, 1, 0), (3, 7, 1), (31, 31, 2)):
        assert pixels[y, x, channel] == row[channel * 1024 + y * 32 + x]
    assert val.record(4).name == "00004"


class Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("where", ["batches.meta", "data_batch_3"])
@pytest.mark.parametrize("inside", [False, True])
def test_a_hostile_pickle_is_refused_and_not_run(tmp_path: Path, where: str, inside: bool) -> None:
    mark = tmp_path / "was-here"
    value = {"data": Hostile(mark), "label_names": LABEL_NAMES} if inside else Hostile(mark)
    file = cifar(tmp_path) / "cifar-10-batches-py" / where
    file.write_bytes(pickle.dumps(value, protocol=2))
    found = refusal(tmp_path, split="train")
    assert not mark.exists()
    assert found == (
        f"DATA/cifar-10-batches-py/{where}: error: is not a file of CIFAR-10: it asks for posix.system"
    )
    pickle.loads(file.read_bytes())
    assert mark.exists(), "the file of the test would have done harm"


@pytest.mark.parametrize(
    "stream",
    [
        b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x031+1\x85R.",
        b"cnumpy\ndtype.__class__\n.",
        b"cnumpy.core.multiarray\nfromfile\n.",
        b"\x82\x01.",
        b"Pelsewhere\n.",
    ],
    ids=["eval", "dotted", "another of numpy", "extension", "persistent"],
)
def test_what_arrays_do_not_need_is_not_let_through(tmp_path: Path, stream: bytes) -> None:
    (cifar(tmp_path) / "cifar-10-batches-py" / "test_batch").write_bytes(stream)
    assert "test_batch: error: is not a file of CIFAR-10: " in refusal(tmp_path)


@pytest.mark.parametrize("share", [0, 0.3, 0.99])
def test_a_file_that_ends_too_early_is_refused(tmp_path: Path, share: float) -> None:
    file = cifar(tmp_path) / "cifar-10-batches-py" / "test_batch"
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    assert refusal(tmp_path).startswith(
        "DATA/cifar-10-batches-py/test_batch: error: is not a file of CIFAR-10: "
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": np.zeros((6, 3073), np.uint8)}, "holds no pictures of 3 x 32 x 32 bytes"),
        ({"data": np.zeros((6, 3072), np.int64)}, "holds no pictures of 3 x 32 x 32 bytes"),
        ({"data": np.zeros(3072, np.uint8)}, "holds no pictures of 3 x 32 x 32 bytes"),
        ({"data": np.zeros((0, 3072), np.uint8), "labels": []}, "holds no pictures"),
        ({"data": [0] * 6}, "holds no pictures of 3 x 32 x 32 bytes"),
        ({"labels": [0, 1]}, "holds not one label for each picture"),
        ({"labels": None}, "holds not one label for each picture"),
        ({"labels": [0, 1, 2, 3, 0, 0]}, "holds a label that is not 0 to 2"),
        ({"labels": [0, 1, 2, -1, 0, 0]}, "holds a label that is not 0 to 2"),
        ({"labels": [0, 1, 2, "a", 0, 0]}, "holds a label that is not 0 to 2"),
    ],
)
def test_a_batch_of_another_form_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    dumped(cifar(tmp_path) / "cifar-10-batches-py" / "test_batch", batch(6, 6) | change)
    assert refusal(tmp_path) == f"DATA/cifar-10-batches-py/test_batch: error: {said}"


@pytest.mark.parametrize("names", [None, "abc", [1, 2], []])
def test_class_names_must_be_texts(tmp_path: Path, names: object) -> None:
    dumped(cifar(tmp_path) / "cifar-10-batches-py" / "batches.meta", {"label_names": names})
    assert refusal(tmp_path) == "DATA/cifar-10-batches-py/batches.meta: error: names no classes"


def test_a_missing_batch_is_named(tmp_path: Path) -> None:
    (cifar(tmp_path) / "cifar-10-batches-py" / "data_batch_4").unlink()
    assert refusal(tmp_path, split="train") == (
        "DATA/cifar-10-batches-py/data_batch_4: error: cannot be read: No such file or directory"
    )


def test_cifar_has_two_splits(tmp_path: Path) -> None:
    assert refusal(cifar(tmp_path), split="minival") == (
        "DATA: error: has no split `minival`; it has train and val"
    )


def test_names_that_are_the_labels_in_another_order_are_matched_by_name(tmp_path: Path) -> None:
    file = lists(tmp_path, more="names = names.txt\n")
    data = ClassifierLists(file, split="train")
    assert (data.names, data.notes) == (("a cat", "a dog"), ())  # other words stand line by line
    (tmp_path / "names.txt").write_text("Dog\nCat\n")
    data = ClassifierLists(file, split="train")
    assert (data.names, data.labels.tolist()) == (("Cat", "Dog"), [0, 1, 0])
    assert data.notes == (
        f"{file}: `names` lists the classes in another order than `labels`: matched by name",
    )
