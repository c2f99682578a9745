"""Story: file names whose bytes are not UTF-8, in lists, folders, trainings, conversions and JSON.

Oracle: the bytes of what is written, and what the same data set under other names gives.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from darknet_py.data.formats.registry import open_data
from darknet_py.data.tools.convert import convert
from darknet_py.errors import DataError
from tests.command import Cli
from tests.data.verify.test_run import put_set

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
NAME = "caf\udce9"  # b"caf\xe9", Latin-1


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A YOLO folder in which an image of each split has such a name."""
    folder = tmp_path / "set"
    put_set(folder)
    for split in ("train", "val"):
        for kind, suffix in (("images", "jpg"), ("labels", "txt")):
            (folder / kind / split / f"1.{suffix}").rename(folder / kind / split / f"{NAME}.{suffix}")
    return folder


def put_lists(folder: Path) -> str:
    """A `.data` file whose lists name the images of a YOLO folder, as `find` writes them."""
    for split in ("train", "val"):
        paths = sorted((folder / "images" / split).iterdir())
        (folder / f"{split}.txt").write_bytes(b"".join(os.fsencode(path) + b"\n" for path in paths))
    (folder / "a.data").write_text(
        f"classes=1\ntrain={folder}/train.txt\nvalid={folder}/val.txt\nnames={folder}/classes.txt\n"
    )
    return str(folder / "a.data")


def test_a_list_names_files_by_their_bytes(data: Path, cli: Cli) -> None:
    spec = put_lists(data)
    found = open_data(spec, split="train")
    names = [os.path.basename(found.record(index).name) for index in range(len(found))]
    assert f"{NAME}.jpg" in names
    assert all(len(found.record(index).labels) == 1 for index in range(len(found)))
    checked = cli("data", "check", spec, "--json")
    assert (checked.code, json.loads(checked.out)["boxes"]) == (0, 9)


def test_a_missing_image_of_a_list_is_named_with_its_bytes_spelt(data: Path, cli: Cli) -> None:
    spec = put_lists(data)
    (data / "train.txt").write_bytes(b"gone-\xe9.jpg\n")
    assert r"gone-\udce9.jpg" in cli("data", "check", spec).out
    with pytest.raises(DataError, match=r"gone-\\udce9\.jpg"):
        open_data(spec, split="train")


def test_a_conversion_to_darknet_spells_what_a_list_cannot_hold(data: Path, tmp_path: Path) -> None:
    images = data / "images" / "train"
    (images / "0.jpg").rename(images / "a\nb.jpg")
    (data / "labels/train/0.txt").rename(data / "labels/train/a\nb.txt")
    (images / "2.jpg").rename(images / " c.jpg")
    (data / "labels/train/2.txt").rename(data / "labels/train/ c.txt")
    done = convert(str(data), to="darknet", out=tmp_path / "out")
    lines = (tmp_path / "out/train.txt").read_bytes().decode().splitlines()
    assert [Path(line).name for line in lines] == [
        "%20c.jpg", "3.jpg", "4.jpg", "5.jpg", "a%0Ab.jpg", "caf%E9.jpg"
    ]  # fmt: skip
    assert done.changes["file name that a list cannot hold, written with %"] == 4
    found = open_data(str(tmp_path / "out/obj.data"), split="train")
    assert sum(len(found.record(index).labels) for index in range(6)) == 6
    assert os.readlink(tmp_path / "out/train/caf%E9.jpg") == str(images / f"{NAME}.jpg")


def test_a_conversion_to_coco_copies_under_names_that_json_holds(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        convert(str(data), to="coco", out=tmp_path / "linked")
    assert str(error.value) == (
        rf"{data}/images/train/caf\udce9.jpg: error: `caf\udce9.jpg` is not UTF-8, and an "
        "annotation file holds nothing else\n   = --copy writes copies under names in UTF-8"
    )
    assert not (tmp_path / "linked").exists()
    convert(str(data), to="coco", out=tmp_path / "copied", copy=True)
    images = json.loads((tmp_path / "copied/annotations/instances_val.json").read_bytes())["images"]
    assert [image["file_name"] for image in images] == ["0.jpg", "2.jpg", "caf%E9.jpg"]
    assert len(open_data(str(tmp_path / "copied"), split="val")) == 3


def test_a_folder_of_such_a_name_is_converted_into_and_read(data: Path, tmp_path: Path) -> None:
    out = tmp_path / f"{NAME}-out"
    convert(str(data), to="darknet", out=out)
    assert b"caf\xe9-out/train/0.jpg\n" in (out / "train.txt").read_bytes()
    assert len(open_data(str(out / "obj.data"), split="train")) == 6


def test_a_class_of_such_a_name_is_spelt_in_all_files_of_a_run(
    write_cfg: Callable[..., str], cli: Cli, tmp_path: Path
) -> None:
    for split in ("train", "val"):
        for name in ("dog", NAME, "two\nlines"):
            (tmp_path / "set" / split / name).mkdir(parents=True)
            Image.new("RGB", (20, 20)).save(tmp_path / "set" / split / name / f"{NAME}.png")
    cfg = write_cfg(
        "[net]\nwidth=8\nheight=8\nchannels=3\nbatch=2\nmax_batches=1\n"
        "[convolutional]\nfilters=3\n[avgpool]\n[softmax]\n"
    )
    run = tmp_path / f"run-{NAME}"
    trained = cli("train", "--cfg", cfg, "--data", tmp_path / "set", "--out", run, "--json")
    assert trained.code == 0, trained.err
    names = [r"caf\udce9", "dog", r"two\nlines"]
    assert (run / "final.names").read_bytes().decode().splitlines() == names
    assert json.loads((run / "result.json").read_bytes().decode())["data"]["classes"] == names
    words = ("--cfg", cfg, "--weights", run / "final.weights", "--data", tmp_path / "set", "--json")
    evaluated = cli("eval", *words)
    assert evaluated.code == 0, evaluated.err
    assert list(json.loads(evaluated.out)["per_class"]) == names


def test_detections_in_an_image_of_such_a_name_are_valid_json(
    data: Path, tiny_cfg: Callable[..., str], cli: Cli, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    trained = cli("train", "--cfg", tiny_cfg(), "--data", data, "--out", run, "--json")
    assert trained.code == 0, trained.err
    image = data / "images" / "val" / f"{NAME}.jpg"
    words = ("--cfg", tiny_cfg(), "--weights", run / "final.weights", image, "--out", tmp_path / "drawn")
    found = cli("detect", *words, "--json")
    assert json.loads(found.out)[0]["image"].encode().endswith(rb"caf\udce9.jpg")
    assert os.listdir(os.fsencode(tmp_path / "drawn")) == [b"caf\xe9.jpg"]
