"""Story. Videos that the tests draw, through a detector whose boxes are what a frame shows."""

from __future__ import annotations

import os
import re
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from darknet_py.errors import UsageError
from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
from darknet_py.predict.detect_files import entry_of
from darknet_py.predict.outputs.pictures import Drawn
from darknet_py.predict.outputs.video_file import VideoFile
from darknet_py.predict.running import Running
from darknet_py.predict.sources.ffmpeg import OPTIONS, options_of
from darknet_py.predict.sources.found import Video
from tests.fake_engine import FakeEngine

WIDTH, HEIGHT, SIDE = 96, 64, 16


def square_of(number: int) -> tuple[int, int]:
    """Left and top of the white square that frame `number` shows."""
    return number * 7 % (WIDTH - SIDE), number * 3 % (HEIGHT - SIDE)


def frame_of(number: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    left, top = square_of(number)
    frame[top : top + SIDE, left : left + SIDE] = 255
    return frame[: size[0], : size[1]]


def draw_video(path: Path, frames: int, *, rate: float = 24.0, code: str = "MJPG") -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), rate, (WIDTH, HEIGHT))
    for number in range(frames):
        writer.write(frame_of(number))
    writer.release()
    return path


def white_square(image: np.ndarray) -> np.ndarray:
    """One row: the box around what is bright in (C, H, W)."""
    rows, columns = np.nonzero(image[0] > 0.5)
    _, height, width = image.shape
    if not len(rows):
        return np.zeros((1, 6))
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    box = [
        (left + right) / 2 / width,
        (top + bottom) / 2 / height,
        (right - left) / width,
        (bottom - top) / height,
    ]
    return np.array([[*box, 1.0, 0.9]])


def square_detector(batch: int = 1) -> BatchDetector:
    engine = FakeEngine(white_square, classes=1, width=WIDTH, height=HEIGHT)
    return BatchDetector(engine, DetectorSettings(batch=batch), names=("square",))


def read_all(path: Path) -> Iterator[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    while (frame := capture.read())[0]:
        yield frame[1]


def entries_of(path: Path, *, notes: list[str] | None = None, batch: int = 1) -> list[dict]:
    said = [] if notes is None else notes
    return [
        entry_of(each) for each in Running(square_detector(batch), note=said.append).detect([Video(path)])
    ]


@pytest.mark.parametrize(("name", "code", "batch"), [("a.avi", "MJPG", 1), ("b.mp4", "mp4v", 4)])
def test_a_drawn_video_has_every_frame_the_size_the_rate_and_the_boxes_in_place(
    tmp_path: Path, name: str, code: str, batch: int
) -> None:
    source = draw_video(tmp_path / name, 300, rate=24, code=code)
    out = tmp_path / "out" / name
    running = Running(square_detector(batch), [Drawn({0: out})])
    entries = [entry_of(each) for each in running.detect([Video(source)])]
    assert [entry["frame"] for entry in entries] == list(range(300))
    assert entries[240]["seconds"] == pytest.approx(10, abs=0.05)
    for number in range(0, 300, 7):
        ((left, top, right, bottom),) = [each["box_xyxy"] for each in entries[number]["detections"]]
        assert (left, top) == pytest.approx(square_of(number), abs=2)
        assert (right - left, bottom - top) == pytest.approx((SIDE, SIDE), abs=3)
    drawn = cv2.VideoCapture(str(out))
    assert [drawn.get(each) for each in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)] == [
        WIDTH,
        HEIGHT,
    ]
    assert drawn.get(cv2.CAP_PROP_FPS) == pytest.approx(24)
    frames = list(read_all(out))
    assert [frame.shape for frame in frames] == [(HEIGHT, WIDTH, 3)] * 300
    for number in range(0, 300, 7):
        left, top = square_of(number)
        red = frames[number][..., 2].astype(int) - frames[number][..., 1]  # the class's colour is red
        ys, xs = np.nonzero(red > 60)
        assert ys.max() <= top + SIDE + 4
        assert abs(ys.max() - (top + SIDE)) <= 4
        assert left - 3 <= xs.min() <= left + 3 or xs.min() < left  # the tag may begin further left
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name], "nothing else is left"


def test_a_video_of_odd_size_keeps_it(tmp_path: Path) -> None:
    video = VideoFile(tmp_path / "a.mp4", (47, 63), 25)
    for number in range(5):
        video.append(frame_of(number, (47, 63)))
    video.publish()
    assert [frame.shape for frame in read_all(tmp_path / "a.mp4.avi")] == [(47, 63, 3)] * 5


def test_I10_a_video_that_is_cut_gives_what_can_be_decoded_and_one_warning(tmp_path: Path) -> None:
    data = draw_video(tmp_path / "a.avi", 60).read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: len(data) // 2])
    notes: list[str] = []
    entries = entries_of(tmp_path / "cut.avi", notes=notes)
    assert 20 < len(entries) < 40
    (note,) = notes
    part = f"{len(entries)} of the 60 frames that its header promises were decoded"
    assert note == f"{tmp_path / 'cut.avi'}: warning: {part}"


def without_frames(path: Path) -> None:
    cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (WIDTH, HEIGHT)).release()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b""), "is empty: 0 bytes"),
        (lambda path: path.write_text("dear diary"), "is not a video that can be decoded"),
        (without_frames, "is not a video that can be decoded|holds no frame"),
        (
            lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\nother.ts\n"),
            "is not a video that can be decoded",
        ),
        (
            lambda path: path.write_text("ffconcat version 1.0\nfile a.avi\n"),
            "is not a video that can be decoded",
        ),
    ],
)
def test_I10_what_is_no_video_is_one_error_among_the_others(tmp_path: Path, make, message: str) -> None:
    good, bad = draw_video(tmp_path / "a.avi", 3), tmp_path / "bad.avi"
    make(bad)
    found = Running(square_detector()).detect([Video(bad), Video(good)])
    entries = [entry_of(each) for each in found]
    assert [entry.get("frame") for entry in entries] == [None, 0, 1, 2]
    assert entries[0]["image"] == str(bad)
    assert re.search(message, entries[0]["error"])


def test_I10_frames_of_another_size_are_scaled_to_the_first(tmp_path: Path) -> None:
    video = VideoFile(tmp_path / "a.avi", (HEIGHT, WIDTH), 25)
    for size in ((HEIGHT, WIDTH), (32, 48), (HEIGHT, WIDTH)):
        video.append(np.full((*size, 3), 90, np.uint8))
    video.publish()
    assert [frame.shape for frame in read_all(tmp_path / "a.avi")] == [(HEIGHT, WIDTH, 3)] * 3


def test_I10_frames_larger_than_any_image_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("darknet_py.predict.sources.capture.MOST_PIXELS", 1000)
    (entry,) = entries_of(draw_video(tmp_path / "a.avi", 3))
    assert "has frames of 96 x 64 pixels" in entry["error"]


def test_I15_a_video_that_has_no_encoder_or_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be written: (Not a directory|File exists)"):
        VideoFile(tmp_path / "file/a.mp4", (HEIGHT, WIDTH), 25)
    with pytest.raises(UsageError, match="no encoder opens"):
        VideoFile(tmp_path / "a.xyz", (HEIGHT, WIDTH), 25)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_I15_a_video_that_does_not_fit_on_the_disk_is_refused_and_removed(tmp_path: Path) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    video = VideoFile(tmp_path / "a.avi", (HEIGHT, WIDTH), 25)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, most))
    try:
        for _ in range(100):
            video.append(noise)
        with pytest.raises(UsageError, match="of 100 frames are in the file"):
            video.publish()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert list(tmp_path.iterdir()) == []


def test_I16_an_interrupted_run_leaves_a_video_that_plays(tmp_path: Path) -> None:
    source = draw_video(tmp_path / "a.avi", 200)
    results = Running(square_detector(), [Drawn({0: tmp_path / "out/a.mp4"})]).detect([Video(source)])
    for _ in range(20):
        next(results)
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt)
    assert 20 <= len(list(read_all(tmp_path / "out/a.mp4"))) < 60


def test_I18_a_batch_gives_what_single_frames_give(tmp_path: Path) -> None:
    source = draw_video(tmp_path / "a.avi", 11)
    assert entries_of(source, batch=4) == entries_of(source)


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux for the memory in use")
@pytest.mark.parametrize("frames", [600, pytest.param(10_000, marks=pytest.mark.soak)])
def test_I10_memory_does_not_grow_with_the_video(tmp_path: Path, frames: int) -> None:
    source, outputs = draw_video(tmp_path / "a.avi", frames), [Drawn({0: tmp_path / "out.mp4"})]
    sizes = [resident_mb() for _ in Running(square_detector(), outputs).detect([Video(source)])]
    assert len(sizes) == frames
    assert max(sizes[100:]) - sizes[100] < 16  # 500 frames decoded are 9 MB, and their inputs 37 MB


@pytest.mark.parametrize("count", [10, pytest.param(500, marks=pytest.mark.soak)])
def test_I10_damaged_videos_give_frames_or_one_error(tmp_path: Path, count: int) -> None:
    random = np.random.default_rng(7)
    whole = {
        name: draw_video(tmp_path / f"whole{name}", 8, code=code).read_bytes()
        for name, code in ((".avi", "MJPG"), (".mp4", "mp4v"))
    }
    for number in range(count):
        name = (".avi", ".mp4")[number % 2]
        data = np.frombuffer(whole[name], np.uint8).copy()
        places = random.integers(0, len(data), random.integers(1, 40))
        data[places] = random.integers(0, 256, len(places))
        path = tmp_path / f"bad{name}"
        path.write_bytes(data[: random.integers(1, len(data) + 1)].tobytes())
        notes: list[str] = []
        entries = entries_of(path, notes=notes)
        errors = [entry["error"] for entry in entries if "error" in entry]
        assert len(errors) + len(notes) <= 1
        assert all(error.startswith(f"{path}: error: ") for error in errors)
        assert entries


def test_I15_a_video_is_counted_while_a_stream_is_opened(tmp_path: Path) -> None:
    video = VideoFile(tmp_path / "a.avi", (32, 48), 10.0)
    for _ in range(5):
        video.append(np.zeros((32, 48, 3), np.uint8))
    opened, closed = threading.Event(), threading.Event()

    def stream() -> None:
        with options_of("http"):
            opened.set()
            closed.wait(0.3)

    thread = threading.Thread(target=stream)
    thread.start()
    opened.wait()
    video.publish()
    thread.join()
    assert len(list(read_all(tmp_path / "a.avi"))) == 5
    assert OPTIONS not in os.environ
