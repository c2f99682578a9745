"""Oracle: cfgs written by hand, and the same cfg compiled again. Kind: story."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from darknet_py.__main__ import main
from darknet_py.cfg.document import must_parse, read
from darknet_py.graph.compile import compile
from darknet_py.layers.heads.anchored import Anchored
from tests.data.check.damaged import coco, coco_content, put

HEAD = """[convolutional]
filters=14
size=1
stride=1
activation=linear

[yolo]
mask={mask}  {comment}
anchors = 10,14, 23,27,37,58, 81,82  # of COCO
classes=2
num=4
"""
CFG = f"""# a cfg of mine
[net]
width=64
height=32
channels=3

[maxpool]
size=4
stride=4

[maxpool]
size=2
stride=2

{HEAD.format(mask="0,1", comment="# coarse")}
[route]
layers=0

{HEAD.format(mask="2,3", comment="")}"""
REGION = """[net]
width=64
height=32
channels=3

[convolutional]
filters=14
size=1
stride=16
activation=linear

[region]
anchors = 1,1, 2,2
classes=2
num=2
coords=4
"""


def boxes(root: Path, rows: list[list[float]]) -> str:
    content = coco_content("train")
    content["annotations"] = [
        {"id": at, "image_id": 7, "category_id": 9, "bbox": row, "area": row[2] * row[3], "iscrowd": 0}
        for at, row in enumerate(rows)
    ]
    coco(root)
    put(root / "annotations" / "instances_train.json", json.dumps(content))
    return str(root)


FOUR = [[0, 0, 5, 6], [1, 1, 10, 6], [2, 2, 15, 15], [0, 0, 40, 30]]  # 8x6.4, 16x6.4, 24x16, 64x32 of 64 x 32


def test_12_anchors_are_written_into_the_heads_and_finer_heads_take_the_smaller(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg = put(tmp_path / "my.cfg", CFG)
    assert main(["data", "anchors", boxes(tmp_path / "d", FOUR), "--write", str(cfg)]) == 0
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "layer 6 [yolo], 8 x 16 cells: mask 0,1 (was 2,3), anchors 8,6, 16,6",
        "layer 3 [yolo], 4 x 8 cells: mask 2,3 (was 0,1), anchors 24,16, 64,32",
        f"written to {cfg}",
    ]
    expected = CFG.replace("10,14, 23,27,37,58, 81,82", "8,6, 16,6, 24,16, 64,32")
    expected = expected.replace("mask=0,1", "mask=A").replace("mask=2,3", "mask=0,1").replace("=A", "=2,3")
    assert cfg.read_text() == expected  # comments and layout stay
    heads = [node.layer for node in compile(must_parse(read(cfg))) if isinstance(node.layer, Anchored)]
    assert [head.masked for head in heads] == [((24, 16), (64, 32)), ((8, 6), (16, 6))]


def test_12_another_file_is_written_with_o_and_none_is_overwritten(tmp_path: Path) -> None:
    cfg, data = put(tmp_path / "my.cfg", CFG), boxes(tmp_path / "d", FOUR)
    assert (
        main(["data", "anchors", data, "--write", str(cfg), "-o", str(tmp_path / "new.cfg"), "--json"]) == 0
    )
    assert cfg.read_text() == CFG
    assert "mask=2,3  # coarse" in (tmp_path / "new.cfg").read_text()
    assert main(["data", "anchors", data, "--write", str(cfg), "-o", str(tmp_path / "new.cfg")]) == 2


def test_12_region_has_anchors_in_cells(tmp_path: Path) -> None:
    cfg = put(tmp_path / "my.cfg", REGION)
    assert main(["data", "anchors", boxes(tmp_path / "d", FOUR[2:]), "--write", str(cfg)]) == 0
    assert "anchors = 1.5000,1.0000, 4.0000,2.0000\n" in cfg.read_text()


def test_12_one_head_without_the_keys_gets_them(tmp_path: Path) -> None:
    text = (
        REGION.replace("anchors = 1,1, 2,2\n", "")
        .replace("filters=14", "filters=21")
        .replace("num=2", "num=3")
    )
    cfg = put(tmp_path / "my.cfg", text.replace("[region]", "[yolo]").replace("coords=4\n", ""))
    assert main(["data", "anchors", boxes(tmp_path / "d", FOUR[1:]), "--write", str(cfg)]) == 0
    assert cfg.read_text().endswith("num=3\nanchors=16,6, 24,16, 64,32\nmask=0,1,2\n")


REFUSED = [
    ((), CFG.replace("[yolo]", "[maxpool]").replace("classes=2", ""), "has no head with anchors"),
    (("--num", "6"), CFG, "--num 6, but its heads predict 2 + 2 = 4 anchors in a cell"),
    (("--width", "416"), CFG, "--width 416, but its input has width=64"),
]


@pytest.mark.parametrize(("options", "text", "message"), REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], text: str, message: str
) -> None:
    cfg = put(tmp_path / "my.cfg", text)
    data = boxes(tmp_path / "d", FOUR)
    assert main(["data", "anchors", data, "--write", str(cfg), *options]) in (2, 3)
    assert message in capsys.readouterr().err
    assert cfg.read_text() == text


def test_a_shipped_cfg_is_not_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "anchors", boxes(tmp_path, FOUR), "--write", "yolov3-tiny"]) == 2
    assert "is a shipped cfg, which is not changed" in capsys.readouterr().err


def test_A4_anchors_are_refused_where_no_box_has_a_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = boxes(tmp_path / "d", [[5, 5, 0.02, 0.02], [1, 2, 9, 0.01]])
    assert main(["data", "anchors", data, "--num", "1"]) == 3
    assert "all 2 boxes have a side below 0.001 of the image's" in capsys.readouterr().err


def test_A4_no_side_of_an_anchor_is_printed_as_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = boxes(tmp_path / "d", [[5, 5, 0.1, 20], [1, 2, 20, 9]])
    assert main(["data", "anchors", data, "--num", "2", "--width", "64", "--height", "64"]) == 0
    assert capsys.readouterr().out.startswith("anchors = 0.16,43, 32,19\n")
