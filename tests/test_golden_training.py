"""Golden. Oracle: whole training steps recorded from AlexeyAB's Darknet (tests/golden/README.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.losses.region import EARLY
from darknet_py.losses.truths import Truths
from darknet_py.losses.yolo import yolo_loss
from darknet_py.train import Replay, replay
from tests.paths import GOLDEN, ROOT

FOLDER = GOLDEN / "training"
CASES = sorted(path.stem for path in FOLDER.glob("*.npz"))
HEADS = sorted(FOLDER.with_name("training-heads").glob("*.npz"))
ITERATIONS = 10


def truths_of(rows: np.ndarray) -> Truths:
    """The lists of some images; they end at the first x of 0."""
    return Truths.of([image[: int(np.argmax(np.append(image[:, 0], 0) == 0)), :5] for image in rows])


def relative(mine: np.ndarray, darknet: np.ndarray) -> float:
    return float(np.abs(mine.astype(np.float64) - darknet).max() / np.abs(darknet).max())


def train(
    recorded: Mapping[str, np.ndarray], tmp_path: Path, text: str = "", *, seen: int | None = None
) -> Replay:
    """Ten iterations of a recorded training, or on its images of another cfg or after another number seen."""
    (tmp_path / "net.cfg").write_text(text or str(recorded["cfg"]))
    (tmp_path / "net.weights").write_bytes(recorded["weights_before"].tobytes())
    files = tmp_path / "net.cfg", tmp_path / "net.weights"
    seen = int(recorded.get("seen", 0)) if seen is None else seen
    return replay(*files, recorded["images"], recorded["truths"], ITERATIONS, seen=seen)


def floats(weights: bytes) -> np.ndarray:
    return np.frombuffer(weights[20:], "<f4")


@pytest.mark.parametrize("case", CASES)
def test_the_delta_is_darknets(case: str) -> None:
    with np.load(FOLDER / f"{case}.npz", allow_pickle=False) as recorded:
        graph = compile(parse(str(recorded["cfg"])))
        layer, net = graph[graph.heads[0]].layer, graph.net
        output = torch.from_numpy(recorded["yolo_output_iteration1_last_minibatch"])
        n = len(output)
        raw = output.clone().view(n, len(layer.mask), layer.entries, *output.shape[2:])
        raw[:, :, :2] = (raw[:, :, :2] + 0.5 * (layer.scale_x_y - 1)) / layer.scale_x_y
        if not layer.new_coords:
            raw[:, :, :2] = raw[:, :, :2].double().logit().float()
            raw[:, :, 4:] = raw[:, :, 4:].double().logit().float()
        found = yolo_loss(
            layer, raw.view_as(output), truths_of(recorded["truths"][-n:]), (net.height, net.width)
        )
        assert relative(found.delta.numpy(), recorded["yolo_delta_iteration1_last_minibatch"]) <= 1e-5


@pytest.mark.parametrize("case", CASES)
def test_ten_iterations_are_darknets(case: str, tmp_path: Path) -> None:
    with np.load(FOLDER / f"{case}.npz", allow_pickle=False) as recorded:
        found = train(recorded, tmp_path)
        delta = recorded["yolo_delta_iteration1_last_minibatch"]
        assert relative(np.array(found.learning_rate), recorded["learning_rate"]) <= 1e-6
        assert relative(np.array(found.loss), recorded["loss"]) <= 1e-5
        assert relative(floats(found.weights), floats(recorded["weights_after_10"].tobytes())) <= 2e-6
        assert [one.shape for one in found.deltas] == [delta.shape]
        assert relative(found.deltas[0], delta) <= 1e-5


@pytest.mark.parametrize("path", HEADS, ids=lambda path: path.stem)
def test_ten_iterations_with_another_head_are_darknets(path: Path, tmp_path: Path) -> None:
    with np.load(path, allow_pickle=False) as recorded, np.load(FOLDER / "ciou.npz") as scene:
        found = train({**recorded, "images": scene["images"], "truths": scene["truths"]}, tmp_path)
        assert relative(np.array(found.learning_rate), recorded["learning_rate"]) <= 1e-6
        assert relative(np.array(found.loss), recorded["loss"]) <= 1e-5
        assert relative(floats(found.weights), floats(recorded["weights_after_10"].tobytes())) <= 1e-5
        assert relative(found.deltas[0], recorded["delta_iteration1_last_minibatch"]) <= 1e-5


@pytest.mark.parametrize("case", ["region-late", "region-yolov2"])
def test_from_when_on_boxes_are_not_drawn_to_anchors_matters(case: str, tmp_path: Path) -> None:
    """A control: the bound above can fail."""
    with np.load(FOLDER.with_name("training-heads") / f"{case}.npz") as recorded:
        swapped = EARLY if recorded["seen"] < EARLY else 0
        with np.load(FOLDER / "ciou.npz") as scene:
            both = {**recorded, "images": scene["images"], "truths": scene["truths"]}
            found = train(both, tmp_path, seen=swapped)
        assert relative(floats(found.weights), floats(recorded["weights_after_10"].tobytes())) > 1e-3


def test_without_weight_decay_the_weights_miss_darknets(tmp_path: Path) -> None:
    """A control: the bound above can fail."""
    with np.load(FOLDER / "objsmooth.npz", allow_pickle=False) as recorded:
        found = train(recorded, tmp_path, str(recorded["cfg"]).replace("decay=0.0005", "decay=0"))
        assert relative(floats(found.weights), floats(recorded["weights_after_10"].tobytes())) > 2e-6


def test_the_table_of_the_documents_has_every_recording() -> None:
    page = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| ([a-z0-9-]+) \| \d\.\de-\d\d \|", page)
    assert sorted(rows) == sorted([*CASES, *(path.stem for path in HEADS)])
