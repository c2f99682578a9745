"""Story. `detect` as it is typed: outputs, choices, and what is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from darknet_py.predict.outputs.crops import folder_name
from tests.command import Cli, Outcome
from tests.fake_engine import FakeEngine
from tests.predict.test_videos import draw_video

ROWS = np.array([[0.5, 0.5, 0.5, 0.5, 1, 0.9, 0, 0], [0.25, 0.25, 0.2, 0.2, 1, 0, 0.8, 0]])


@pytest.fixture
def detect(
    tmp_path: Path, tiny_cfg: Callable[..., str], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Runs `detect` in a folder with images; whatever the image, the network finds a cat and a dog."""
    cfg = tiny_cfg(classes=3)
    engine = FakeEngine(lambda image: ROWS, width=32, height=32)
    monkeypatch.setattr("darknet_py.engines.opening.open_engine", lambda *_, **__: engine)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.names").write_text("cat\ntraffic light\ndog/wolf\n")
    for name in ("a/x.jpg", "b/x.jpg", "a/y.png", "a/x.png"):
        Path(name).parent.mkdir(exist_ok=True)
        cv2.imwrite(name, np.full((40, 80, 3), 90, np.uint8))
    return lambda *words: cli("detect", "--cfg", cfg, "--weights", "tiny.weights", *words)


def files(folder: str) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())


def test_I07_files_of_one_name_have_outputs_of_their_own(detect: Callable[..., Outcome]) -> None:
    done = detect("a", "b", "--out", "out", "--txt", "txt", "--crops", "crops", "--coco", "coco.json")
    assert done.code == 0, done.err
    assert files("out") == ["a-x.jpg", "b-x.jpg", "x.png", "y.png"]
    assert files("txt") == ["a-x-2.txt", "a-x.txt", "b-x.txt", "y.txt"]
    assert files("crops/cat") == ["a-x-1.jpg", "a-x-2-1.jpg", "b-x-1.jpg", "y-1.jpg"]
    assert files("crops/traffic light")[-1] == "y-2.jpg"
    assert cv2.imread("crops/cat/y-1.jpg").shape == (20, 40, 3)
    assert Path("txt/y.txt").read_text().splitlines()[0] == "0 0.500000 0.500000 0.500000 0.500000 0.900000"
    results = json.loads(Path("coco.json").read_text())
    assert [each["image_id"] for each in results[::2]] == ["a/x.jpg", "a/x.png", "a/y.png", "b/x.jpg"]
    assert results[0] == {
        "image_id": "a/x.jpg", "category_id": 1, "bbox": [20.0, 10.0, 40.0, 20.0], "score": 0.9
    }  # fmt: skip
    summary = done.err.splitlines()[-1]
    assert summary.startswith("4 images, 8 detections in ")
    assert "side by side: decode" in summary


@pytest.mark.parametrize(
    ("classes", "found"),
    [
        ("cat", {"cat"}),
        ("Traffic Light, 2", {"traffic light"}),
        ("0,1", {"cat", "traffic light"}),
        ("2", set()),
    ],
)
def test_classes_are_names_or_numbers(detect: Callable[..., Outcome], classes: str, found: set[str]) -> None:
    entries = json.loads(detect("a/y.png", "--classes", classes, "--json").printed())
    assert {each["class"] for each in entries[0]["detections"]} == found


@pytest.mark.parametrize("fit", ["--letterbox", "--stretch"])
@pytest.mark.parametrize("kind", ["default", "greedynms", "diounms", "cornersnms"])
def test_fit_and_nms_are_chosen_over_the_cfg(detect: Callable[..., Outcome], fit: str, kind: str) -> None:
    entries = json.loads(detect("a/y.png", fit, "--nms-kind", kind, "--json").printed())
    box = entries[0]["detections"][0]["box_xyxy"]
    assert box == ([20, 0, 60, 40] if fit == "--letterbox" else [20, 10, 60, 30])


def test_a_video_has_a_line_of_json_for_each_frame(detect: Callable[..., Outcome], tmp_path: Path) -> None:
    draw_video(tmp_path / "v.avi", 5)
    words = ("a/y.png", "v.avi", "--txt", "txt", "--crops", "crops", "--out", "out")
    lines = [json.loads(line) for line in detect(*words, "--json").printed().splitlines()]
    assert [line.get("frame") for line in lines] == [None, 0, 1, 2, 3, 4]
    assert detect(*words, "--json", "-o", "v.jsonl").out == ""
    assert [json.loads(line) for line in Path("v.jsonl").read_text().splitlines()] == lines
    assert files("txt")[:2] == ["v_000000.txt", "v_000001.txt"]
    assert files("crops/cat")[-1] == "y-1.jpg"
    assert files("out") == ["v.avi", "y.png"]
    assert detect("v.avi").printed().startswith("v.avi frame 0: 2 detections\n  cat 90% at 24,16 - 72,48\n")


def test_standard_input_is_an_image_or_a_list(
    detect: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    for data, first in ((Path("a/y.png").read_bytes(), "standard input: 2"), (b"b/x.jpg\n", "b/x.jpg: 2")):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        assert detect("-", "--out", "out").printed().startswith(first)
    assert files("out") == ["standard-input.png", "x.jpg"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["99"], 3, "camera 99: error: cannot be opened"),
        (["ftp://u:secret@h/a.mp4"], 2, "ftp://u:***@h/a.mp4: error: no such file, and no URL that is read"),
        (["http://"], 2, "is no URL with a host"),
        (["http://127.0.0.1:9/", "--reconnects", "0"], 6, "lost after 0 frames: no video came from there"),
        (["*.gif"], 3, "*.gif: error: no file has a name of this pattern"),
        (["a", "0"], 2, "camera 0 has no end"),
        (["a/y.png", "--classes", "cta"], 2, "the network has no class `cta`\n   = did you mean `cat`?"),
        (["a/y.png", "--classes", "3"], 2, "a number from 0 to 2 does, too"),
        (["a/y.png", "--show"], 2, "--show: there is no screen"),
        (["a/y.png", "--coco", "no/c.json"], 2, "no: error: there is no such folder"),
        (["v.avi", "--coco", "c.json"], 2, "COCO results are of images"),
        (["a/y.png", "--out", "a"], 2, "would overwrite an input"),
        (["a/y.png", "--out", "a/y.png"], 2, "is a file, not a folder"),
        (["a/y.png", "--txt", "a"], 2, "would overwrite its true labels"),
        (["a/y.png", "--crops", "a/y.png"], 2, "is a file, not a folder"),
        (["v.avi", "--out", "."], 2, "would overwrite an input"),
        (["text.mp4"], 3, "text.mp4: error: is not a video that can be decoded"),
        (["a/y.png", "--txt", "a/y.png/in"], 2, "in/y.txt: error: cannot be written: Not a directory"),
    ],
)  # fmt: skip
def test_I08_I11_one_message_says_what_is_wrong(
    detect: Callable[..., Outcome],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    Path("text.mp4").write_text("dear diary")
    Path("a/y.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    draw_video(Path("v.avi"), 2)
    before = files(".")
    done = detect(*words)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert done.err.count("error:") == 1
    assert files(".") == before


@pytest.mark.parametrize("option", ["--threshold", "--nms"])
@pytest.mark.parametrize("value", ["-0.1", "1.5", "nan", "inf"])
def test_I04_thresholds_out_of_range_are_refused(
    detect: Callable[..., Outcome], option: str, value: str
) -> None:
    done = detect("a", f"{option}={value}")
    assert (done.code, done.out) == (2, "")
    assert f"{option[2:]} is {float(value)}, and must lie in 0..1" in done.err


def test_names_of_classes_are_names_of_folders() -> None:
    assert [folder_name(each) for each in ("dog/wolf", "..", "a\0b", "x" * 300)] == [
        "dog_wolf", "_", "a_b", "x" * 100
    ]  # fmt: skip
