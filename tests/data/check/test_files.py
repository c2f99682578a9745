"""Oracle: Darknet lists, YOLO folders, class folders and images, damaged in one way each. Kind: story."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from darknet_py.data.check.run import check
from darknet_py.data.formats.registry import open_data
from darknet_py.data.rules.classes import CLASSES
from darknet_py.data.rules.lists import LISTS
from darknet_py.data.rules.registry import GROUPS, RULES
from darknet_py.errors import DataError, UsageError
from tests.data.check.damaged import (
    LABELS,
    VOC,
    class_folders,
    classifier,
    coco,
    darknet,
    noise,
    put,
    voc,
    yolo,
)
from tests.data.check.test_coco import CASES as COCO_CASES

Base = Callable[[Path], Path]
Damage = Callable[[Path], object]


def write(name: str, content: bytes | str) -> Damage:
    return lambda root: put(root / name, content)


def append(name: str, content: str) -> Damage:
    return lambda root: put(root / name, (root / name).read_text() + content)


def replace(name: str, old: str, new: str) -> Damage:
    def damage(root: Path) -> None:
        before = (root / name).read_text()
        assert old in before
        put(root / name, before.replace(old, new, 1))

    return damage


def remove(*names: str) -> Damage:
    return lambda root: [(root / name).unlink() for name in names]


def label(line: str) -> Damage:
    """A third line in the labels of train/a.png."""
    return append("train/a.txt", line + "\n")


def picture(image: Image.Image, name: str = "train/a.png", **how: object) -> Damage:
    return lambda root: image.save(root / name, **how)


def encoded(image: Image.Image, kind: str, **how: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def jpeg(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(noise(50), "JPEG", exif=exif)


def bomb() -> bytes:
    return encoded(Image.new("1", (9000, 9000)), "PNG")


def deep() -> Image.Image:
    return Image.frombytes("I;16", (40, 30), random.Random(5).randbytes(2400))


def several() -> bytes:
    return encoded(noise(60), "WEBP", save_all=True, append_images=[noise(61)], lossless=True)


def fifo(name: str) -> Damage:
    def damage(root: Path) -> None:
        (root / name).unlink()
        os.mkfifo(root / name)

    return damage


def folder_at(name: str) -> Damage:
    def damage(root: Path) -> None:
        (root / name).unlink()
        (root / name).mkdir()

    return damage


def copy(old: str, new: str) -> Damage:
    return lambda root: put(root / new, (root / old).read_bytes())


def link_out(root: Path) -> None:
    (root / "train" / "train-a.png").rename(root / "elsewhere.png")
    (root / "train" / "train-a.png").symlink_to(root / "elsewhere.png")


def link_circle(root: Path) -> None:
    (root / "train" / "train-a.png").unlink()
    (root / "train" / "train-a.png").symlink_to("train-a.png")


def relative(root: Path) -> None:
    put(root / "train.txt", "train/a.png\ntrain/b.png\n")
    (root / "here").mkdir()
    os.chdir(root / "here")


def in_two_places(root: Path) -> None:
    relative(root)
    for name in "ab":
        put(root / "here" / "train" / f"{name}.png", noise(70 + ord(name)))
        put(root / "here" / "train" / f"{name}.txt", LABELS)


def other_place(root: Path) -> None:
    for name in ("a", "b"):
        put(root / "images" / f"{name}.png", noise(80 + ord(name)))
        put(root / "images" / f"{name}.txt", LABELS)
        put(root / "labels" / f"{name}.txt", LABELS if name == "b" else "0 .5 .5 .1 .1\n")
    put(root / "train.txt", f"{root}/images/a.png\n{root}/images/b.png\n")


def too_long(root: Path) -> None:
    with (root / "obj.names").open("wb") as file:
        file.truncate((64 << 20) + 1)


# the base, what is done, the code, and the place below the root
CASES: list[tuple[str, Base, Damage, str, str]] = [
    # the .data file, its lists and names
    ("D18 line", darknet, append("obj.data", "backup\n"), "data-line", "obj.data:5"),
    ("D18 twice", darknet, append("obj.data", "classes = 2\n"), "data-duplicate-key", "obj.data:5"),
    ("D18 no train", darknet, replace("obj.data", "train =", "trains ="), "missing-key", "obj.data"),
    ("D18 no list", darknet, remove("val.txt"), "missing-file", "obj.data:3:9"),
    ("D18 no names", darknet, remove("obj.names"), "missing-file", "obj.data:4:9"),
    ("D18 classes", darknet, replace("obj.data", "= 2", "= two"), "classes-value", "obj.data:1:11"),
    ("D18 count", darknet, append("obj.names", "cow\n"), "names-count", "obj.data:1:11"),
    ("D18 blank", darknet, write("obj.names", "\ndog\n"), "blank-name", "obj.names:1:1"),
    ("D18 name twice", darknet, write("obj.names", "cat\ncat\n"), "duplicate-name", "obj.names:2:1"),
    ("D18 no name", darknet, write("obj.names", "\n"), "no-classes", "obj.names"),
    ("D20 empty list", darknet, write("val.txt", "\n"), "no-images", "val.txt"),
    ("list of a folder", darknet, folder_at("val.txt"), "not-a-file", "val.txt"),
    ("list of a pipe", darknet, fifo("val.txt"), "not-a-file", "val.txt"),
    ("long names", darknet, too_long, "too-large", "obj.names"),
    ("D09 missing", darknet, remove("train/b.png"), "image-missing", "train.txt:2:1"),
    ("case", darknet, lambda r: (r / "train/b.png").rename(r / "train/B.PNG"), "image-case-differs",
     "train.txt:2:1"),
    ("backslash", darknet, replace("train.txt", "/train/b", "\\train\\b"), "path-backslash",
     "train.txt:2:1"),
    ("elsewhere", darknet, write("train.txt", "/content/train/a.png\n"), "path-elsewhere", "train.txt:1:1"),
    ("spaces", darknet, replace("train.txt", "b.png", "b.png "), "path-spaces", "train.txt:2"),
    ("CRLF list", darknet, replace("train.txt", "\n", "\r\n"), "carriage-returns", "train.txt:1"),
    ("relative", darknet, relative, "path-relative", "train.txt"),
    ("two places", darknet, in_two_places, "path-in-two-places", "train.txt:1"),
    ("listed twice", darknet, lambda r: append("train.txt", f"{r}/train/a.png\n")(r), "duplicate-image",
     "train.txt:3:1"),
    ("D25 leak", darknet, lambda r: append("val.txt", f"{r}/train/a.png\n")(r), "split-leak",
     "val.txt:3:1"),
    ("not listed", darknet, picture(noise(99), "train/c.png"), "image-not-listed", "train"),
    # labels
    ("D17 none", darknet, remove("train/b.txt"), "label-missing", "train.txt:2:1"),
    ("D17 none at all", darknet, remove("train/a.txt", "train/b.txt"), "labels-all-missing", "train.txt"),
    ("other labels", darknet, other_place, "label-in-two-places", "images/a.txt"),
    ("D17 no image", darknet, write("train/c.txt", LABELS), "label-without-image", "train"),
    ("D17 columns", darknet, label("0 .5 .5 .1"), "label-columns", "train/a.txt:3:1"),
    ("D17 polygon", darknet, label("0 .1 .1 .2 .1 .2 .2"), "label-polygon", "train/a.txt:3:1"),
    ("D17 key points", darknet, label("0 .8 .8 .1 .1 .8 .8 2"), "label-keypoints", "train/a.txt:3:1"),
    ("D17 six columns", darknet, label("0 .1 .1 .2 .1 .9"), "label-columns", "train/a.txt:3:1"),
    ("D17 commas", darknet, label("0, .5, .5, .1, .1"), "label-commas", "train/a.txt:3:1"),
    ("D17 decimal commas", darknet, label("0 .5 0,5 .1 .1"), "label-commas", "train/a.txt:3:6"),
    ("D17 class text", darknet, label("cat .5 .5 .1 .1"), "label-class", "train/a.txt:3:1"),
    ("D17 class float", darknet, label("1.0 .5 .5 .1 .1"), "label-class-float", "train/a.txt:3:1"),
    ("D17 class of a half", darknet, label("1.5 .5 .5 .1 .1"), "label-class", "train/a.txt:3:1"),
    ("D17 class negative", darknet, label("-1 .5 .5 .1 .1"), "label-class", "train/a.txt:3:1"),
    ("D17 class digit", darknet, label("\u0661 .5 .5 .1 .1"), "label-class", "train/a.txt:3:1"),
    ("D17 class", darknet, label("2 .5 .5 .1 .1"), "label-class-range", "train/a.txt:3:1"),
    ("D17 text", darknet, label("0 .5 x .1 .1"), "label-not-a-number", "train/a.txt:3:6"),
    ("D05 NaN", darknet, label("0 .5 .5 nan .1"), "box-not-finite", "train/a.txt:3:9"),
    ("D05 Inf", darknet, label("0 .5 .5 .1 -inf"), "box-not-finite", "train/a.txt:3:12"),
    ("D17 beyond", darknet, label("0 1.5 .5 .1 .1"), "label-out-of-range", "train/a.txt:3:3"),
    ("D17 below", darknet, label("0 .5 -.5 .1 .1"), "label-out-of-range", "train/a.txt:3:6"),
    ("D17 pixels", darknet, label("0 20 15 10 10"), "label-pixels", "train/a.txt:3:3"),
    ("all pixels", darknet, lambda r: [write(f"train/{n}.txt", "0 20 15 9 9\n0 9 9 4 4\n")(r) for n in "ab"],
     "box-units", "train.txt"),
    ("perhaps corners", darknet,
     lambda r: [write(f"train/{n}.txt", "0 .7 .6 .9 .9\n0 .3 .3 .5 .5\n")(r) for n in "ab"],
     "box-units-likely", "train.txt"),
    ("D05 negative", darknet, label("0 .5 .5 -.1 .1"), "box-negative-size", "train/a.txt:3:9"),
    ("D05 zero", darknet, label("0 .5 .5 0 .1"), "box-without-size", "train/a.txt:3:9"),
    ("D05 edge", darknet, label("0 .9 .5 .4 .1"), "box-crosses-edge", "train/a.txt:3:9"),
    ("tiny", darknet, label("0 .5 .5 .0004 .1"), "box-tiny", "train/a.txt:3:9"),
    ("D17 twice", darknet, label("0 0.5 0.5 0.5 0.25"), "duplicate-box", "train/a.txt:3"),
    ("D17 BOM", darknet, write("train/a.txt", "\ufeff" + LABELS), "byte-order-mark", "train/a.txt:1:1"),
    ("D17 CRLF", darknet, write("train/a.txt", LABELS.replace("\n", "\r\n")), "carriage-returns",
     "train/a.txt:1"),
    ("D17 latin", darknet, write("train/a.txt", b"0 .5 .5 .1 .1\n\xe9"), "not-utf8", "train/a.txt:2"),
    ("D17 NUL", darknet, write("train/a.txt", b"0 .5\0"), "not-text", "train/a.txt:1"),
    ("D20 no box", darknet, lambda r: [write(f"val/{n}.txt", "")(r) for n in "ab"], "no-boxes", "val.txt"),
    ("no box of a class", darknet, lambda r: [write(f"train/{n}.txt", "0 .5 .5 .1 .1\n")(r) for n in "ab"],
     "class-without-boxes", "obj.data"),
    # classifiers
    ("no label", classifier, lambda r: append("train.txt", f"{r}/train/cow.png\n")(r), "label-in-path",
     "train.txt:3:1"),
    # YOLO folders
    ("yaml", yolo, write("data.yaml", "nc: 2\n"), "yaml-not-read", "data.yaml"),
    ("no names file", yolo, remove("classes.txt"), "missing-file", ""),
    ("no val", yolo, lambda r: (r / "images/val").rename(r / "images/dev"), "missing-split", ""),
    ("label in YOLO", yolo, append("labels/val/b.txt", "7 .5 .5 .1 .1\n"), "label-class-range",
     "labels/val/b.txt:3:1"),
    ("circle", yolo, lambda r: (r / "images/train/loop").symlink_to(r / "images"), "folder-loop",
     "images/train/loop"),
    ("broken yaml", yolo, write("data.yaml", "names: &a [*a]\n"), "data-yaml", "data.yaml:1"),
    ("no valid", darknet, write("obj.data", "classes = 2\ntrain = train.txt\nnames = obj.names\n"),
     "not-divided", "obj.data"),
    # Pascal VOC
    ("no XML", voc, write("Annotations/a.xml", "<annotation>"), "not-xml", "Annotations/a.xml"),
    ("DTD", voc, write("Annotations/b.xml", "<!DOCTYPE a>\n<annotation/>"), "xml-refused",
     "Annotations/b.xml:1"),
    ("no size", voc, write("Annotations/c.xml", "<annotation/>"), "xml-element", "Annotations/c.xml:1"),
    ("number", voc, lambda r: put(r / "Annotations/a.xml", VOC.replace("<xmax>10", "<xmax>x")), "xml-number",
     "Annotations/a.xml:6"),
    # folders of classes
    ("class of val", class_folders, picture(noise(42), "val/cow.png"), "stray-file", "val/cow.png"),
    ("class unknown", class_folders, lambda r: put(r / "val/cow/a.png", noise(43)), "class-unknown",
     "val/cow"),
    ("class empty", class_folders, lambda r: (r / "train/cow").mkdir(), "class-without-boxes", "train/cow"),
    ("text among classes", class_folders, write("train/cat/a.md", "x"), "stray-file", "train/cat/a.md"),
    # images
    ("D08 link", coco, link_out, "link-leaves-folder", "annotations/instances_train.json:3:11"),
    ("D08 circle", coco, link_circle, "link-leaves-folder", "annotations/instances_train.json:3:11"),
    ("D09 empty", darknet, write("train/a.png", b""), "image-empty", "train/a.png"),
    ("D09 folder", darknet, folder_at("train/a.png"), "not-a-file", "train/a.png"),
    ("D10 png", darknet, lambda r: put(r / "train/a.png", encoded(noise(1), "PNG")[:-6]), "image-damaged",
     "train/a.png"),
    ("D10 jpeg", darknet, lambda r: put(r / "train/a.png", jpeg()[:-200]), "image-damaged", "train/a.png"),
    ("D11", darknet, write("train/a.png", bomb()), "image-too-large", "train/a.png"),
    ("D12 text", darknet, write("train/a.png", "dear diary"), "not-an-image", "train/a.png"),
    ("D12 icon", darknet, write("train/a.png", encoded(noise(1), "ICO")), "not-an-image",
     "train/a.png"),
    ("D12 jpeg", darknet, write("train/a.png", jpeg()), "wrong-extension", "train/a.png"),
    ("D12 grey", darknet, picture(noise(1).convert("L")), "image-grey", "train/a.png"),
    ("D12 bit", darknet, picture(noise(1).convert("1")), "image-grey", "train/a.png"),
    ("D12 palette", darknet, picture(noise(1).convert("P")), "image-palette", "train/a.png"),
    ("D12 alpha", darknet, picture(noise(1).convert("RGBA")), "image-alpha", "train/a.png"),
    ("D12 grey alpha", darknet, picture(noise(1).convert("LA")), "image-alpha", "train/a.png"),
    ("D12 cmyk", darknet, write("train/a.png", encoded(noise(1).convert("CMYK"), "JPEG")), "image-cmyk",
     "train/a.png"),
    ("D12 16 bit", darknet, picture(deep()), "image-16-bit", "train/a.png"),
    ("D12 frames", darknet, write("train/a.png", several()), "image-frames", "train/a.png"),
    ("D12 float", darknet, write("train/a.png", b"Pf\n4 4\n-1.0\n" + bytes(64)), "image-float",
     "train/a.png"),
    *((f"D13 {k}", darknet, write("train/a.png", jpeg(k)), "exif-rotated", "train/a.png")
      for k in range(2, 9)),
    ("D15", darknet, picture(noise(1, (400, 10))), "image-thin", "train/a.png"),
    ("D15 pixel", darknet, picture(noise(1, (1, 1))), "image-thin", "train/a.png"),
    ("bytes twice", darknet, copy("train/a.png", "train/b.png"), "same-content", "train/b.png"),
    ("D25 bytes", darknet, copy("train/a.png", "val/a.png"), "split-leak", "val/a.png"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "base", "damage", "code", "place"), CASES, ids=[f"{case[0]}" for case in CASES]
)
def test_a_damage_is_found_at_its_place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    base: Base,
    damage: Damage,
    code: str,
    place: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = base(tmp_path)
    damage(tmp_path)
    findings = check(str(spec))
    found = [str(finding).partition(": ")[0] for finding in findings.all if finding.code == code]
    told = [str(finding) for finding in findings.all]
    assert found[:1] == [str(tmp_path / place)], told


@pytest.mark.parametrize("base", [coco, darknet, classifier, yolo, class_folders])
def test_a_data_set_without_damage_gives_nothing_and_opens(tmp_path: Path, base: Base) -> None:
    spec = str(base(tmp_path))
    findings = check(spec)
    assert [str(finding) for finding in findings.all] == []
    assert findings.images == 4
    assert len(open_data(spec, split="train")) == len(open_data(spec, split="val")) == 2


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    yolo(tmp_path)
    closed = tmp_path / "images" / "train" / "closed"
    closed.mkdir()
    scandir = os.scandir

    def guarded(path: object) -> object:
        if Path(str(path)) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    (finding,) = check(str(tmp_path)).all
    assert str(finding) == f"{closed}: error[folder-unreadable]: cannot be listed: Permission denied"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = darknet(tmp_path)
    read = Path.read_bytes

    def guarded(path: Path) -> bytes:
        if path.name == "obj.names":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", guarded)
    told = [str(finding) for finding in check(str(spec)).all if finding.code == "unreadable"]
    assert told == [f"{tmp_path}/obj.names: error[unreadable]: cannot be read: Permission denied"]


def test_every_kind_of_damage_has_a_case() -> None:
    met = {case[3] for case in CASES} | {case[2] for case in COCO_CASES}
    assert met | {"folder-unreadable", "unreadable"} == set(RULES)
    assert len(RULES) == sum(map(len, GROUPS.values()))
    assert len(RULES) >= 60
    assert {rule.severity for rule in RULES.values()} == {"error", "warning"}
    assert all(code == rule.code and rule.summary and rule.explanation for code, rule in RULES.items())


REFUSED = [
    case for case in CASES if case[3] in {rule.code for rule in (*LISTS, *CLASSES)} and case[1] is darknet
]


@pytest.mark.parametrize(
    ("name", "base", "damage", "code", "place"), REFUSED, ids=[f"{case[0]}" for case in REFUSED]
)
def test_a_list_that_the_reader_refuses_has_an_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    base: Base,
    damage: Damage,
    code: str,
    place: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = str(base(tmp_path))
    damage(tmp_path)
    errors = [finding for finding in check(spec).all if finding.severity == "error"]
    try:
        for split in ("train", "val"):
            open_data(spec, split=split)
    except DataError:
        assert errors
    else:
        assert not errors


@pytest.mark.parametrize("spec", ["scenes", "scenes:val=3"])
def test_scenes_are_no_files(spec: str) -> None:
    with pytest.raises(UsageError, match="there are no files to check"):
        check(spec)


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a data set: found nothing of that name"):
        check(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "a\x00.png", "\x1b[31m.png", "$(rm).png", "é.png"])
def test_D08_a_strange_name_in_a_list_is_a_missing_image(tmp_path: Path, name: str) -> None:
    spec = darknet(tmp_path)
    put(tmp_path / "train.txt", f"{tmp_path}/train/a.png\n{tmp_path}/train/b.png\n{tmp_path}/{name}\n")
    found = {finding.code for finding in check(str(spec)).all}
    assert found & {"image-missing", "not-text"}
