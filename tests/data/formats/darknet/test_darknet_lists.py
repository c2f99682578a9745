"""Oracle: small Darknet data sets written by hand, and Darknet's own rules for paths. Kind: story."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darknet_py.data.formats.darknet.image_lists import DarknetLists
from darknet_py.data.formats.registry import open_data
from darknet_py.errors import DataError

GOOD = "0 0.5 0.5 0.5 0.25\n1 0.25 0.75 0.1 0.1\n"


def image(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 20)).save(path)
    return path


def written(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def data_file(root: Path, labels: str | bytes | None = GOOD, *, images: tuple[str, ...] = ("a.jpg",)) -> Path:
    """Write a data set of two classes; the labels go beside the first image."""
    for name in images:
        image(root / name)
    if labels is not None:
        written((root / images[0]).with_suffix(".txt"), labels)
    written(root / "val.txt", "\n".join(images) + "\n")
    written(root / "obj.names", "cat\ndog\n")
    return written(
        root / "obj.data", "classes = 2\ntrain=val.txt\nvalid = val.txt\nnames = obj.names\nbackup = b\n"
    )


def opened(file: Path) -> DarknetLists:
    return DarknetLists(file, split="val")


def complaint(file: Path) -> str:
    with pytest.raises(DataError) as caught:
        opened(file)
    return str(caught.value)


def test_fractions_become_pixels_from_the_corner_and_ids_count_from_one(tmp_path: Path) -> None:
    data = open_data(str(data_file(tmp_path)), split="val")
    record = data.record(0)
    assert (data.names, data.category_ids) == (("cat", "dog"), (1, 2))
    assert (record.image_id, record.width, record.height, record.name) == (1, 40, 20, "a.jpg")
    np.testing.assert_allclose(record.boxes_xywh, [[10, 7.5, 20, 5], [8, 14, 4, 2]])
    np.testing.assert_array_equal(record.labels, [0, 1])
    assert data.pixels(0).shape == (20, 40, 3)
    assert data.ground_truth()["annotations"][1] == {
        "image_id": 1,
        "category_id": 2,
        "bbox": pytest.approx([8, 14, 4, 2]),
        "area": pytest.approx(8),
        "iscrowd": 0,
        "id": 2,
    }


def test_a_path_is_looked_up_from_the_current_folder_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = data_file(tmp_path / "data")
    written(tmp_path / "here" / "obj.names", "bird\nfish\n")
    assert opened(file).names == ("cat", "dog")
    monkeypatch.chdir(tmp_path / "here")
    assert opened(file).names == ("bird", "fish")


PLACES = [
    ("a.jpg", "a.txt"),
    ("a.b.jpeg", "a.b.txt"),
    ("images/a.jpg", "images/a.txt"),  # AlexeyAB does not map a plain images folder
    ("images/a.jpg", "labels/a.txt"),  # pjreddie does
    ("coco/images/train2017/a.jpg", "coco/labels/train2017/a.txt"),
    ("VOC/JPEGImages/a.jpg", "VOC/labels/a.txt"),
    ("raw/a.png", "labels/a.txt"),
]


@pytest.mark.parametrize(("picture", "label"), PLACES)
def test_labels_are_found_where_darknet_looks(tmp_path: Path, picture: str, label: str) -> None:
    file = data_file(tmp_path / "raw images", None, images=(picture,))
    written(tmp_path / "raw images" / label, GOOD)
    assert len(opened(file).record(0).labels) == 2


def test_AlexeyAB_s_place_comes_before_pjreddie_s(tmp_path: Path) -> None:
    file = data_file(tmp_path, "0 .5 .5 .1 .1\n", images=("images/a.jpg",))
    written(tmp_path / "labels/a.txt", GOOD)
    assert len(opened(file).record(0).labels) == 1


LINES = [
    ("0 0.5 0.5 0.5", "1: has 4 columns, not the 5 of `class x y width height`"),
    (
        "0 0.5 0.5 0.5 0.5 1",
        "1: has 6 columns, not the 5 of `class x y width height`; detections with a score have 6",
    ),
    ("0,0.5,0.5,0.5,0.5", "1: has commas; columns are separated by spaces, decimals by a point"),
    ("2 0.5 0.5 0.5 0.5", "1: class 2 is not one of the 2, 0 to 1"),
    ("-1 0.5 0.5 0.5 0.5", "1: class `-1` is not a whole number of 0 or more"),
    ("1.5 0.5 0.5 0.5 0.5", "1: class `1.5` is not a whole number of 0 or more"),
    ("cat 0.5 0.5 0.5 0.5", "1: class `cat` is not a whole number of 0 or more"),
    ("\u0661 0.5 0.5 0.5 0.5", "1: class `\u0661` is not a whole number of 0 or more"),
    ("0 1.2 0.5 0.5 0.5", "3: x = 1.2 is not a fraction of the image, 0 to 1"),
    ("0 0.5 -0.1 0.5 0.5", "7: y = -0.1 is not a fraction of the image, 0 to 1"),
    ("0 0.5 0.5 320 0.5", "11: width = 320: columns are pixels, not fractions of the image"),
    ("0 0.5 0.5 0.5 1e99", "15: height = 1e99: columns are pixels, not fractions of the image"),
    ("0 0.5 0.5 nan 0.5", "11: width is `nan`"),
    ("0 0.5 0.5 0.5 inf", "15: height is `inf`"),
    ("0 0_5 0.5 0.5 0.5", "3: x `0_5` is not a number"),
    ("0 0,5 0.5 0.5 0.5", "3: has commas; columns are separated by spaces, decimals by a point"),
]


@pytest.mark.parametrize(("line", "told"), LINES)
def test_D17_a_line_that_is_no_label_is_refused_with_its_number(tmp_path: Path, line: str, told: str) -> None:
    file = data_file(tmp_path, f"{GOOD}\n{line}\n{GOOD}")
    assert (
        complaint(file)
        == f"{tmp_path / 'val.txt'}: error: labels cannot be used\n{tmp_path / 'a.txt'}:4:{told}"
    )


def test_D17_label_errors_are_collected_over_lines_and_files(tmp_path: Path) -> None:
    file = data_file(tmp_path, "5 0 0 0 0\n" * 2, images=("a.jpg", "b.jpg"))
    written(tmp_path / "b.txt", "0\n" * 3)
    assert complaint(file).split("\n")[1:] == [
        f"{tmp_path / 'a.txt'}:1:1: class 5 is not one of the 2, 0 to 1",
        f"{tmp_path / 'a.txt'}:2:1: class 5 is not one of the 2, 0 to 1",
        f"{tmp_path / 'b.txt'}:1:1: has 1 columns, not the 5 of `class x y width height`",
        "and 2 more lines",
    ]


@pytest.mark.parametrize(
    ("labels", "count", "dropped"),
    [
        (b"\xef\xbb\xbf0 .5 .5 .1 .1\r\n\r\n1 .5 .5 .1 .1\r\n", 2, {}),
        (b"0 .5 .5 .1 .1", 1, {}),
        (b"\t0\t.5  .5 1e-1 .1 \n", 1, {}),
        (b"", 0, {}),
        (b"0 .5 .5 .1 .1\n0 .5 .5 .1 .1\n", 1, {"line given twice": 1}),
        (b"0 .5 .5 0 .1\n0 .5 .5 .1 0.0\n", 0, {"no width or no height": 2}),
        (b"0 1.00001 .5 1.00001 1\n", 1, {}),
    ],
)
def test_D17_bom_crlf_empty_files_and_duplicates_are_read(
    tmp_path: Path, labels: bytes, count: int, dropped: dict[str, int]
) -> None:
    data = opened(data_file(tmp_path, labels))
    assert len(data.record(0).labels) == count
    assert data.dropped == dropped


@pytest.mark.parametrize(
    ("labels", "told"), [(b"0 \xff", "is not UTF-8 at byte 2"), (b"0 \0 1", "is not text: it has a NUL")]
)
def test_D17_bytes_that_are_no_text_are_refused(tmp_path: Path, labels: bytes, told: str) -> None:
    assert told in complaint(data_file(tmp_path, labels))


def test_an_image_without_a_label_file_has_no_objects_and_is_counted(tmp_path: Path) -> None:
    data = opened(data_file(tmp_path, GOOD, images=("a.jpg", "b.jpg")))
    assert data.record(1).boxes_xywh.shape == (0, 4)
    assert data.dropped == {"image without a label file": 1}


def test_a_list_without_any_label_file_is_refused(tmp_path: Path) -> None:
    assert complaint(data_file(tmp_path, None)) == (
        f"{tmp_path / 'val.txt'}: error: none of its 1 images has a label file\n"
        f"   = the first was looked for at {tmp_path / 'a.txt'}"
    )


DATA_FILES = [
    ("classes = 2\nnames = obj.names\n", ": error: `valid =` is missing; found classes, names"),
    ("valid = val.txt\nnames = obj.names\n", ": error: `classes =` is missing; found valid, names"),
    ("", ": error: `classes =` is missing; found nothing"),
    (
        "classes = two\nnames = obj.names\n",
        ":1:11: error: classes = two is not a whole number from 1 to 999999",
    ),
    ("classes = 0\nnames = obj.names\n", ":1:11: error: classes = 0 is not a whole number from 1 to 999999"),
    ("# c\n\nclasses\n", ":3: error: `classes` is not `key = value`"),
    ("classes =\n", ":1: error: `classes =` is not `key = value`"),
    ("classes = 2\nclasses = 2\n", ":2: error: `classes` is given twice"),
]


@pytest.mark.parametrize(("text", "told"), DATA_FILES)
def test_D18_a_data_file_that_lacks_something_is_refused(tmp_path: Path, text: str, told: str) -> None:
    file = written(data_file(tmp_path), text)
    assert complaint(file).split("\n")[0] == f"{file}{told}"


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("cat\n", "obj.data:1:11: error: classes = 2, but {root}/obj.names has 1 names"),
        ("cat\n\ndog\n", "obj.names:2:1: error: is blank; to Darknet it is a class without a name"),
        ("cat\ncat\n", "obj.names:2:1: error: is `cat`, the name of line 1"),
        ("", "obj.names: error: names no class"),
    ],
)
def test_D18_names_that_do_not_fit_are_refused(tmp_path: Path, names: str, told: str) -> None:
    file = data_file(tmp_path)
    written(tmp_path / "obj.names", names)
    assert complaint(file) == f"{tmp_path}/{told.format(root=tmp_path)}"


def test_D18_blank_lines_after_the_last_name_are_no_classes(tmp_path: Path) -> None:
    file = data_file(tmp_path)
    written(tmp_path / "obj.names", "cat\r\ndog\r\n\r\n")
    assert opened(file).names == ("cat", "dog")


def test_D09_missing_files_are_named(tmp_path: Path) -> None:
    file = data_file(tmp_path)
    written(tmp_path / "val.txt", "a.jpg\nb.jpg\n")
    assert complaint(file) == (
        f"{tmp_path / 'val.txt'}: error: 1 of 2 images are missing: `{tmp_path / 'b.jpg'}`"
    )
    written(tmp_path / "val.txt", "a.jpg\n" + "x" * 300)
    assert "1 of 2 images are missing" in complaint(file)
    (tmp_path / "val.txt").unlink()
    assert complaint(file) == f"{file}:3:9: error: `valid = val.txt` does not exist"
    assert complaint(tmp_path / "none.data") == f"{tmp_path / 'none.data'}: error: does not exist"


def test_D20_an_empty_list_is_refused(tmp_path: Path) -> None:
    file = data_file(tmp_path)
    written(tmp_path / "val.txt", "\n \n")
    assert complaint(file) == f"{tmp_path / 'val.txt'}: error: lists no image"


def test_D19_the_fingerprint_follows_the_labels(tmp_path: Path) -> None:
    before = opened(data_file(tmp_path)).fingerprint
    assert before == opened(data_file(tmp_path)).fingerprint
    assert before != opened(data_file(tmp_path, "0 .5 .5 .1 .1\n")).fingerprint


def test_an_unknown_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no split `test`; it has train and val"):
        DarknetLists(data_file(tmp_path), split="test")


WRITTEN = [  # a line of the list, and where the labels are
    ("./images/train/a.jpg", "labels/train/a.txt"),
    ("images//train/a.jpg", "labels/train/a.txt"),
    ("x/../images/train/a.jpg", "labels/train/a.txt"),
    ("images/x/../train/a.jpg", "labels/train/a.txt"),  # labels/x is not there
    ("images/../images/train/a.jpg", "labels/train/a.txt"),  # pjreddie's first `images` is not the folder
    ("images/train/a.jpg", "labels/train/a.txt"),
    ("./images/train2017/a.jpg", "labels/train2017/a.txt"),
    (".//JPEGImages/./a.jpg", "labels/a.txt"),
    ("Images/train/a.JPG", "labels/train/a.txt"),
    ("Images/train/a.JPG", "Labels/train/a.txt"),
    ("./images/train/a.jpg", "images/train/a.txt"),
    ("./images/train2017/a.jpg", "images/train2017/a.txt"),
]


@pytest.mark.parametrize(("line", "label"), WRITTEN)
def test_labels_are_found_however_the_list_writes_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, label: str
) -> None:
    for folder in ("x", "images/x"):
        (tmp_path / folder).mkdir(parents=True)
    file = data_file(tmp_path, None, images=(line,))
    written(tmp_path / label, GOOD)
    assert opened(file).dropped == {}
    monkeypatch.chdir(tmp_path)
    assert len(opened(Path("obj.data")).record(0).labels) == 2
    written(tmp_path / "val.txt", f"{tmp_path}/{line}\n")
    assert len(opened(file).record(0).labels) == 2


def test_a_list_of_mixed_paths_keeps_all_boxes(tmp_path: Path) -> None:
    lines = (
        "images/train/a.jpg",
        "./images/train/b.jpg",
        "images/train//c.jpg",
        "./images/../images/train/d.jpg",
    )
    file = data_file(tmp_path, None, images=lines)
    for name in "abcd":
        written(tmp_path / f"labels/train/{name}.txt", GOOD)
    data = opened(file)
    assert [len(data.record(index).labels) for index in range(4)] == [2, 2, 2, 2]
    assert data.dropped == {}


def test_a_folder_of_images_above_the_data_is_not_replaced(tmp_path: Path) -> None:
    root = tmp_path / "images" / "pets"
    file = data_file(root, None, images=("images/a.jpg",))
    written(root / "labels" / "a.txt", GOOD)
    written(root / "val.txt", f"{root}/images/a.jpg\n")
    assert len(opened(file).record(0).labels) == 2
