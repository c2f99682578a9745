"""Story: damaged images among good ones, found before anything is done with them; and what is remembered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darknet_py.data.formats.registry import open_data
from darknet_py.data.verify import run, verified
from darknet_py.data.verify.limit import SkipLimit
from darknet_py.data.verify.run import UNREADABLE, UnreadableImages, readable
from darknet_py.data.verify.verified import VerifiedImages
from darknet_py.errors import UsageError


def put_set(folder: Path, *, train: int = 6, val: int = 3, labels: bool = True) -> str:
    """A YOLO folder of JPEG files."""
    for split, count in (("train", train), ("val", val)):
        (folder / "images" / split).mkdir(parents=True)
        (folder / "labels" / split).mkdir(parents=True)
        for number in range(count):
            pixels = np.full((40, 60, 3), 20 * number % 256, np.uint8)
            Image.fromarray(pixels).save(folder / "images" / split / f"{number}.jpg")
            (folder / "labels" / split / f"{number}.txt").write_text("0 .5 .5 .4 .4\n")
    (folder / "classes.txt").write_text("thing\n")
    return str(folder)


def cut(path: Path, count: int = 100) -> Path:
    path.write_bytes(path.read_bytes()[:-count])
    return path


def test_a_set_without_damage_is_returned_as_it_is(tmp_path: Path) -> None:
    spec, done = put_set(tmp_path), []
    train, val = open_data(spec, split="train"), open_data(spec, split="val")
    found = readable(train, val, progress=lambda *at: done.append(at))
    assert found == (train, val)
    assert done == [(number, 9) for number in range(1, 10)]


def test_every_damaged_image_of_all_splits_is_named_at_once(tmp_path: Path) -> None:
    spec = put_set(tmp_path)
    one = cut(tmp_path / "images/train/1.jpg")
    (tmp_path / "images/train/4.jpg").write_bytes(b"")
    (tmp_path / "images/val/2.jpg").write_text("<html>not found</html>")
    with pytest.raises(UnreadableImages) as error:
        readable(open_data(spec, split="train"), open_data(spec, split="val"))
    lines = str(error.value).splitlines()
    assert lines[0] == "error: 3 of 9 images cannot be read"
    assert lines[1].startswith(f"  {one}: is a damaged image: ")
    assert lines[2] == f"  {tmp_path / 'images/train/4.jpg'}: is empty: 0 bytes"
    assert lines[3].startswith(f"  {tmp_path / 'images/val/2.jpg'}: is not an image: it begins with '<html>")
    assert lines[4] == "   = fetch or export them again; --skip-bad 3 goes on without them"
    assert [entry["image"] for entry in error.value.to_json()] == [
        str(path) for path, _ in error.value.images
    ]


def test_a_long_list_is_cut_and_counted(tmp_path: Path) -> None:
    spec = put_set(tmp_path, train=25)
    for path in (tmp_path / "images/train").iterdir():
        cut(path)
    with pytest.raises(UnreadableImages) as error:
        readable(open_data(spec, split="train"))
    lines = str(error.value).splitlines()
    assert (lines[0], len(lines), lines[21]) == ("error: 25 of 25 images cannot be read", 23, "  and 5 more")
    assert len(error.value.to_json()) == 25


def test_images_are_left_out_up_to_the_limit_of_each_split(tmp_path: Path) -> None:
    spec = put_set(tmp_path)
    cut(tmp_path / "images/train/1.jpg")
    cut(tmp_path / "images/val/0.jpg", 300)
    train, val = open_data(spec, split="train"), open_data(spec, split="val")
    found = readable(train, val, limit=SkipLimit.parse("1"))
    assert [len(one) for one in found] == [5, 2]
    assert [one.dropped[UNREADABLE] for one in found] == [1, 1]
    names = [found[0].record(index).name for index in range(5)]
    assert names == [f"images/train/{number}.jpg" for number in (0, 2, 3, 4, 5)]
    assert [found[0].record(index).image_id for index in range(5)] == [1, 3, 4, 5, 6], "of the complete set"
    assert found[0].pixels(1).mean() == pytest.approx(40, abs=1)
    assert found[1].ground_truth()["images"][0]["id"] == 2
    with pytest.raises(UnreadableImages, match=r"2 of 9 images .* read, and --skip-bad 20% allows fewer"):
        readable(train, val, limit=SkipLimit.parse("20%"))  # 1 of 6, and 0 of 3
    assert len(readable(train, limit=SkipLimit.parse("20%"))[0]) == 5


def test_labelled_images_are_left_out_with_their_labels(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for name, count in (("cat", 3), ("dog", 2)):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (30, 20)).save(tmp_path / split / name / f"{number}.png")
    cut(tmp_path / "train/cat/1.png", 5)
    (found,) = readable(open_data(str(tmp_path), split="train"), limit=SkipLimit.parse("1"))
    assert found.labels.tolist() == [0, 0, 1, 1]
    assert [found.record(index).name for index in range(4)] == [
        "cat/0.png", "cat/2.png", "dog/0.png", "dog/1.png"
    ]  # fmt: skip
    assert len(found.fingerprint) == 64


def test_an_image_of_another_size_than_the_annotations_say_is_found_before(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "val").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "val/a.png")
    (tmp_path / "annotations/instances_val.json").write_text(
        '{"images": [{"id": 1, "file_name": "a.png", "width": 30, "height": 21}], '
        '"annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5], "area": 25, '
        '"iscrowd": 0}], "categories": [{"id": 1, "name": "thing"}]}'
    )
    with pytest.raises(
        UnreadableImages, match=r"30 x 20 pixels upright, but instances_val\.json says 30 x 21"
    ):
        readable(open_data(str(tmp_path), split="val"))


def test_images_to_evaluate_on_are_decoded_where_some_may_be_skipped(tmp_path: Path) -> None:
    """Damage between header and end: a look does not show it, and an evaluation cannot replace an image."""
    spec = put_set(tmp_path)
    for split in ("train", "val"):
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)).save(
            tmp_path / f"images/{split}/1.png"
        )
        (tmp_path / f"images/{split}/1.jpg").unlink()
        path = tmp_path / f"images/{split}/1.png"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 255
        path.write_bytes(data)
    train, val = open_data(spec, split="train"), open_data(spec, split="val")
    assert readable(train, val) == (train, val)
    assert [len(one) for one in readable(train, val, limit=SkipLimit.parse("1"))] == [6, 2]


def test_what_has_no_files_has_nothing_to_verify() -> None:
    scenes = open_data("scenes:val=3", split="val")
    assert readable(scenes) == (scenes,)


@pytest.mark.parametrize(
    ("text", "images", "number"),
    [("0", 100, 0), ("7", 100, 7), ("1%", 1234, 12), ("0.5%", 1000, 5), ("1%", 99, 0), ("100%", 9, 9)],
)
def test_a_limit_is_a_number_or_a_share(text: str, images: int, number: int) -> None:
    assert SkipLimit.parse(text).of(images) == number


@pytest.mark.parametrize("text", ["", "-1", "1.5", "101%", "nan%", "1 %", "%", "1e3", "٣"])
def test_another_limit_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not how many images may be skipped"):
        SkipLimit.parse(text)


def test_files_that_are_unchanged_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, opened = put_set(tmp_path / "set"), []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(run, "WORTHWHILE", 1)
    original = run.opened_image
    monkeypatch.setattr(run, "opened_image", lambda path: opened.append(path.name) or original(path))
    train = open_data(spec, split="train")
    readable(train)
    assert sorted(opened) == [f"{number}.jpg" for number in range(6)]
    opened.clear()
    readable(train)
    assert opened == []
    cut(tmp_path / "set/images/train/3.jpg")
    for _ in range(2):  # what is damaged is not remembered
        opened.clear()
        with pytest.raises(UnreadableImages, match=r"1 of 6"):
            readable(train)
        assert opened == ["3.jpg"]


@pytest.mark.parametrize("content", [b"", b"junk", verified.HEAD + b"x" * 40, b"\xff" * 100])
def test_a_damaged_list_of_verified_files_is_as_good_as_none(content: bytes, tmp_path: Path) -> None:
    file, image = tmp_path / "list", tmp_path / "a.jpg"
    file.write_bytes(content)
    image.write_bytes(b"1")
    known = VerifiedImages(file)
    key = known.key(image, "look")
    assert key not in known.known
    known.add(key)
    known.save()
    assert key in VerifiedImages(file).known
    assert VerifiedImages(file).key(tmp_path / "gone.jpg", "look") == b""


def test_a_list_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    known = VerifiedImages(tmp_path / "file" / "list")
    known.add(b"0" * 16)
    known.save()
