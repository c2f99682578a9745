"""Parity. Oracles: the torch network, `detect` with cfg and weights, and our numpy NMS."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch

import darknet_py
from darknet_py.deploy.api import export
from darknet_py.deploy.check import ExportDiffers
from darknet_py.deploy.settings import ExportSettings
from darknet_py.export import nms_graph
from darknet_py.export.nms_graph import ALL_BOXES, ALL_SCORES
from darknet_py.export.onnx_file import with_outputs
from darknet_py.model.api import load
from darknet_py.predict import nms as numpy_nms
from tests.command import Cli
from tests.export.test_onnx_graph import with_weights
from tests.onnx_runs import run_bytes
from tests.train.small_run import fork

NET = "[net]\nwidth=64\nheight=64\nchannels=3\n"
CONV = "[convolutional]\nbatch_normalize=1\nfilters={}\nsize=3\nstride={}\npad=1\nactivation=leaky\n"
LAST = "[convolutional]\nfilters={}\nsize=1\nactivation=linear\n"
YOLO = "[yolo]\nmask=0,1\nanchors=10,14, 23,27\nnum=2\nclasses=3\n"
POOLS = "[stochpool]\nsize=2\nstride=2\n[medianpool]\nsize=3\nstride=1\n[spp]\nsizes=3,5\n"
POOLED = NET + CONV.format(4, 2) + POOLS + CONV.format(6, 2) + LAST.format(16) + YOLO
HEADS = {
    "yolo": LAST.format(16) + YOLO + "scale_x_y=1.1\n",
    "new_coords": LAST.format(16).replace("linear", "logistic") + YOLO + "new_coords=1\n",
    "Gaussian_yolo": LAST.format(24) + YOLO.replace("yolo", "Gaussian_yolo") + "yolo_point=left_top\n",
    "region": LAST.format(16) + "[region]\nanchors=1,1.5,2,2\nnum=2\nclasses=3\nsoftmax=1\n",
    "region without softmax": LAST.format(16) + "[region]\nanchors=1,1.5,2,2\nnum=2\nclasses=3\n",
    "detection": "[connected]\noutput=52\nactivation=linear\n"
    "[detection]\nside=2\ncoords=4\nnum=2\nclasses=3\nsqrt=1\nsoftmax=1\n",
}


def saved(text: str, folder: Path) -> tuple[Path, Path]:
    """A cfg and drawn weights as files."""
    cfg, weights = folder / "net.cfg", folder / "net.weights"
    cfg.write_text(text)
    with_weights(text, weights)
    return cfg, weights


@pytest.fixture
def pooled(tmp_path: Path) -> tuple[Path, Path]:
    return saved(POOLED, tmp_path)


ALONE = """
import sys
for name in ("darknet_py", "torch", "onnx", "cv2"):
    sys.modules[name] = None
import numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
images = numpy.load(sys.argv[2])
numpy.savez(sys.argv[3], *session.run(None, {"images": images}))
"""


def test_numpy_and_onnxruntime_alone_give_the_raw_maps(pooled: tuple[Path, Path], tmp_path: Path) -> None:
    done = export(*pooled, tmp_path / "net.onnx")
    assert (done.to, done.inputs, done.images, done.any_batch, done.any_size) == ("onnx", 32, 4, True, True)
    assert done.difference < 1e-5
    images = np.random.default_rng(1).random((3, 3, 96, 64), np.float32)
    np.save(tmp_path / "images.npy", images)
    arguments = [tmp_path / "net.onnx", tmp_path / "images.npy", tmp_path / "maps.npz"]
    subprocess.run([sys.executable, "-I", "-c", ALONE, *map(str, arguments)], check=True, cwd=tmp_path)
    with np.load(tmp_path / "maps.npz") as found, torch.inference_mode():
        theirs = load(*pooled)(torch.from_numpy(images))
        assert len(found) == len(theirs) == 1
        assert np.abs(found["arr_0"] - theirs[0].numpy()).max() <= 1e-5 * theirs[0].abs().max()


@pytest.mark.parametrize("ending", ["xml", pytest.param("pt2", marks=pytest.mark.slow)])
def test_other_formats_are_run_and_kept(ending: str, tmp_path: Path) -> None:
    if ending == "xml":
        pytest.importorskip("openvino")
    cfg, weights = saved(NET + CONV.format(4, 4) + LAST.format(16) + YOLO, tmp_path)

    def exported() -> None:
        done = export(cfg, weights, tmp_path / f"out.{ending}")
        assert done.difference < 1e-4
        assert all((tmp_path / name).stat().st_size == size for name, size in done.files.items())
        assert {Path(name).suffix for name in done.files} == (
            {".xml", ".bin"} if ending == "xml" else {".pt2"}
        )

    child = fork(tmp_path / "exported", exported)  # after torch.export no fork of a process can train
    assert child.wait() == 0, child.said()


def test_darknet_gets_its_own_sections_and_the_same_network(tmp_path: Path) -> None:
    spp = "[spp]\nsizes=3,5\nname=pyramid\n[route]\nlayers=@pyramid\n"
    cfg, weights = saved(NET + CONV.format(4, 4) + spp + LAST.format(16) + YOLO, tmp_path)
    done = export(cfg, weights, tmp_path / "plain.cfg")
    text = (tmp_path / "plain.cfg").read_text()
    assert "[spp]" not in text
    assert "@" not in text
    assert done.notes == ("expanded into Darknet's sections: layer 1 [spp] (cfg line 12)",)
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        one, other = (load(*pair)(images)[0] for pair in ((cfg, weights), map(Path, done.files)))
    assert torch.equal(one, other)


def test_detecting_with_the_file_is_detecting_with_cfg_and_weights(
    pooled: tuple[Path, Path], tmp_path: Path, cli: Cli
) -> None:
    (tmp_path / "net.names").write_text("red\ngreen\nblue\n")
    scenes = darknet_py.open_data("scenes:train=1,val=3,size=96", split="val")
    images = [scenes.pixels(number) for number in range(3)]
    expected = darknet_py.Detector(*pooled, threshold=0.2)(images)
    assert sum(map(len, expected)) > 10
    for settings in (ExportSettings(), ExportSettings(with_nms=True), ExportSettings(size="fixed")):
        export(*pooled, tmp_path / "alone.onnx", settings=settings)
        found = darknet_py.Detector(tmp_path / "alone.onnx", threshold=0.2, batch=2)(images)
        for one, other in zip(found, expected, strict=True):
            assert one.names == ("red", "green", "blue")
            assert (one.labels == other.labels).all()
            assert np.abs(one.scores - other.scores).max() < 1e-5
            assert np.abs(one.boxes_xyxy - other.boxes_xyxy).max() < 1e-2
    picture = tmp_path / "picture.png"
    cv2.imwrite(str(picture), images[0])
    options = [picture, "--threshold", 0.2, "--json"]
    by_file = cli("detect", "--model", tmp_path / "alone.onnx", *options).printed()
    by_cfg = cli("detect", "--cfg", pooled[0], "--weights", pooled[1], *options).printed()
    classes = [[each["class"] for each in json.loads(text)[0]["detections"]] for text in (by_file, by_cfg)]
    assert classes[0] == classes[1] != []


@pytest.mark.parametrize("head", HEADS)
def test_a_file_with_nms_gives_what_our_plain_nms_leaves(head: str, tmp_path: Path) -> None:
    cfg, weights = saved(NET + CONV.format(4, 4) + CONV.format(6, 2) + HEADS[head], tmp_path)
    settings = ExportSettings(with_nms=True, threshold=0.1, nms=0.4)
    export(cfg, weights, tmp_path / "boxes.onnx", settings=settings)
    scenes = darknet_py.open_data("scenes:train=1,val=2,size=96", split="val")
    images = (
        np.stack([scenes.pixels(n)[:64, :64].transpose(2, 0, 1) for n in range(2)]).astype(np.float32) / 255
    )
    model = onnx.load(tmp_path / "boxes.onnx")
    assert [out.name for out in model.graph.output] == list(nms_graph.OUTPUTS)
    boxes, scores, labels, which = run_bytes(model.SerializeToString(), images)
    detector = darknet_py.Detector(tmp_path / "boxes.onnx", threshold=0.1, nms=0.4)
    raws = detector.engine(images)
    for image, found in enumerate(numpy_nms_of(detector, raws)):
        mine = np.flatnonzero(which == image)
        mine = mine[np.argsort(-scores[mine], kind="stable")]
        assert len(mine) == len(found) > 0
        assert np.abs(scores[mine] - found.scores).max() < 1e-5 * max(1, found.scores.max())
        assert sorted(labels[mine]) == sorted(found.labels)
        ours, theirs = (
            sorted(map(tuple, each.round(2).tolist())) for each in (boxes[mine], found.boxes_xyxy * 64)
        )
        assert np.abs(np.array(ours) - np.array(theirs)).max() < 0.03


def numpy_nms_of(detector: darknet_py.Detector, raws: list[np.ndarray]) -> list[darknet_py.Detections]:
    """Our NMS in fractions of the input, of the raw maps."""
    from darknet_py.predict.decode import candidates

    decoded = candidates(detector.graph, raws, threshold=0.1)
    settings = numpy_nms.NmsSettings(threshold=0.4)
    return [numpy_nms.nms(each.boxes_cxcywh_fraction, each.scores, settings) for each in decoded]


def test_as_many_boxes_take_part_as_in_our_nms() -> None:
    assert nms_graph.PER_CLASS == numpy_nms.PER_CLASS


def test_I19_a_node_that_computes_something_else_keeps_nothing_and_names_the_layer(
    pooled: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from darknet_py.layers.pools.medianpool import MedianPool

    monkeypatch.setattr(MedianPool, "onnx", lambda self, nodes, *maps: nodes.add("Neg", maps[0]))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(
        ExportDiffers, match=r"the first layer that differs is layer 2 \[medianpool\]"
    ) as caught:
        export(*pooled, tmp_path / "wrong.onnx")
    assert "nothing is kept" in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_decoder_that_is_wrong_keeps_nothing(
    pooled: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from darknet_py.onnx_ops.head import Cells

    monkeypatch.setattr(Cells, "centres", lambda cells, x_y, *_, **__: cells.nodes.add("Sigmoid", x_y))
    with pytest.raises(ExportDiffers, match="boxes or scores that differ"):
        export(*pooled, tmp_path / "wrong.onnx", settings=ExportSettings(with_nms=True))
    assert not (tmp_path / "wrong.onnx").exists()


def test_the_metadata_say_all_of_the_network(pooled: tuple[Path, Path], tmp_path: Path) -> None:
    export(*pooled, tmp_path / "net.onnx")
    found = {entry.key: entry.value for entry in onnx.load(tmp_path / "net.onnx").metadata_props}
    assert found["cfg"] == POOLED
    assert (found["width"], found["height"], found["resize"]) == ("64", "64", "stretch")
    assert json.loads(found["names"]) == ["class 0", "class 1", "class 2"]
    head = {
        "layer": 6,
        "section": "yolo",
        "classes": 3,
        "anchors": [[10, 14], [23, 27]],
        "anchors_unit": "pixels",
    }
    assert json.loads(found["heads"]) == [head]


def test_all_tensors_of_a_file_can_be_asked_for(pooled: tuple[Path, Path], tmp_path: Path) -> None:
    export(*pooled, tmp_path / "net.onnx", settings=ExportSettings(with_nms=True))
    model = with_outputs(onnx.load(tmp_path / "net.onnx"), [ALL_BOXES, ALL_SCORES])
    boxes, scores = run_bytes(model.SerializeToString(), np.zeros((2, 3, 64, 64), np.float32))
    assert (boxes.shape, scores.shape) == ((2, 128, 4), (2, 3, 128))
