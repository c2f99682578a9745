"""Property. Oracle: the same images one by one; a barrier that opens when enough threads are there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Lock, active_count

import cv2
import numpy as np
import pytest

from darknet_py import compile
from darknet_py.cli.detect import _callers
from darknet_py.engines.base import callers_of
from darknet_py.engines.opening import open_engine
from darknet_py.engines.threads import callers_for
from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
from darknet_py.predict.detect_files import entry_of
from darknet_py.predict.running import Running
from darknet_py.predict.sources.found import Found, Video
from tests.command import Cli

CFG = """[net]
width=32
height=32
channels=3
[convolutional]
filters=8
size=8
stride=8
activation=leaky
[convolutional]
filters=14
size=1
stride=1
activation=linear
[yolo]
anchors=4,4, 8,8
num=2
classes=2
"""
IMAGES = 12


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Noise of many sizes; the fourth is no image."""
    draw, paths = np.random.default_rng(0), []
    for number in range(IMAGES):
        paths.append(tmp_path / f"{number:02}.png")
        pixels = draw.integers(0, 256, (20 + 9 * number, 70 - 3 * number, 3), np.uint8)
        cv2.imwrite(str(paths[-1]), pixels)
    paths[3].write_bytes(b"none")
    return paths


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    size = sum(node.layer.cost(*node.maps).parameters for node in compile(CFG))
    floats = np.random.default_rng(1).normal(0, 0.1, size).astype(np.float32)
    path = tmp_path / "net.weights"
    path.write_bytes(np.array([0, 2, 5, 0, 0], np.int32).tobytes() + floats.tobytes())
    return path


class Meeting:
    """An engine whose calls return when `callers` of them are there; fails when they are more."""

    name, device = "meeting", "cpu"

    def __init__(self, callers: int | None) -> None:
        self.graph = compile(CFG)
        if callers is not None:
            self.callers = callers
        self.barrier, self.lock, self.inside, self.most = Barrier(callers or 1), Lock(), 0, 0

    def __call__(self, images: np.ndarray) -> list[np.ndarray]:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.barrier.wait(timeout=10)
        with self.lock:
            self.inside -= 1
        return [np.full((len(images), 14, 4, 4), images.mean(), np.float32)]


@pytest.mark.parametrize(("callers", "batch"), [(None, 1), (1, 2), (3, 1), (4, 1)])
def test_so_many_images_are_in_the_network_at_once_as_it_allows(
    images: list[Path], callers: int | None, batch: int
) -> None:
    good = images[4:] + images[:1] * 4  # 12
    engine = Meeting(callers)
    running = Running(BatchDetector(engine, DetectorSettings(threshold=0, batch=batch)))
    assert [each.frame.name for each in running.detect(good)] == list(map(str, good))
    assert engine.most == (callers or 1)


@pytest.mark.parametrize(("callers", "batch"), [(2, 1), (4, 1), (2, 3)])
def test_what_is_found_side_by_side_is_what_is_found_one_by_one(
    images: list[Path], weights: Path, callers: int, batch: int
) -> None:
    def entries(callers: int) -> list[dict]:
        engine = open_engine(compile(CFG), weights, engine="onnxruntime", callers=callers)
        assert callers_of(engine) == callers
        detector = BatchDetector(engine, DetectorSettings(threshold=0.2, batch=batch))
        return [entry_of(each) for each in Running(detector).detect(images)]

    expected = entries(1)
    assert ["error" in entry for entry in expected] == [number == 3 for number in range(IMAGES)]
    assert sum(len(entry.get("detections", ())) for entry in expected) > IMAGES
    assert entries(callers) == expected


def test_an_error_in_the_network_ends_the_run_and_leaves_no_thread_waiting(images: list[Path]) -> None:
    engine = Meeting(2)
    engine.barrier.abort()
    before = active_count()
    with pytest.raises(BrokenBarrierError):
        list(Running(BatchDetector(engine)).detect(images[4:]))
    assert active_count() == before


@pytest.mark.parametrize(
    ("found", "batch", "threads", "expected"),
    [
        ([Path("a")], 1, 2, 1),
        ([Path("a")] * 2, 1, 2, 2),
        ([Path("a")] * 128, 1, 64, 4),
        ([Path("a")] * 8, 8, 2, 1),
        ([Path("a")] * 9, 8, 2, 2),
        ([Video(Path("a.mp4"))], 1, 2, 2),
        ([Video("rtsp://host/a")], 1, 2, 1),
        ([Path("a")] * 9, 1, 1, 1),
        ([], 1, 2, 1),
    ],
)
def test_one_image_and_a_stream_have_all_threads(
    found: Sequence[Found], batch: int, threads: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    assert _callers(found, batch) == expected


def test_an_engine_has_the_callers_that_it_can_have(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for threads, expected in {1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 3, 7: 3, 8: 4, 64: 4}.items():
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        assert callers_for(100) == expected
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    assert callers_for(3) == 3
    graph = compile(CFG)
    assert callers_of(open_engine(graph, weights, engine="torch", callers=3)) == 1
    session = open_engine(graph, weights, callers=3)._session
    assert session.get_session_options().intra_op_num_threads == 2


def test_an_exported_file_is_run_side_by_side_too(
    images: list[Path], weights: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg, names = tmp_path / "net.cfg", [str(path) for path in images[4:]]
    cfg.write_text(CFG)
    target = tmp_path / "net.onnx"
    assert cli("export", str(cfg), "--weights", str(weights), "-o", str(target)).code == 0
    printed = []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        for words in (
            ["--model", str(target)],
            ["--cfg", str(cfg), "--weights", str(weights)],
        ):
            printed.append(cli("detect", *words, *names, "--threshold", "0.2", "--json").printed())
    assert printed[0] == printed[2]
    assert printed[1] == printed[3]
