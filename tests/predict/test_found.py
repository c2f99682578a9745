"""Table. What a word of the command line names."""

from __future__ import annotations

import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from darknet_py.errors import DataError, UsageError
from darknet_py.predict.sources.files import MissingImage
from darknet_py.predict.sources.found import Video, find_sources
from darknet_py.predict.sources.frames import still
from darknet_py.predict.sources.standard_input import GivenImage


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def reason(found: object) -> str:
    assert isinstance(found, MissingImage)
    return str(found.error)


@pytest.mark.parametrize(
    "word",
    ["0", "99", "/dev/video3", "rtsp://h/a", "RTSP://u:p@h:554/a?b#c", "https://[::1]:80/", "http://h"],
)
def test_cameras_and_streams(word: str) -> None:
    (video,) = find_sources([word])
    assert isinstance(video, Video)
    assert video.live
    assert ":p@" not in video.name


@pytest.mark.parametrize(
    "word",
    [
        "file:///etc/passwd", "file:a.mp4", "concat:a.ts|b.ts", "subfile,,start,0,end,9,,:a.mp4", "gopher://h/",
        "data:video/mp4;base64,AA", "pipe:0", "ftp://u:secret@h/a.mp4", "tcp://h:1", "hls+http://h/a",
    ],
)  # fmt: skip
def test_I13_other_schemes_are_refused_unless_there_is_such_a_file(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no such file, and no URL that is read: its scheme is") as error:
        find_sources([word])
    assert "secret" not in str(error.value)
    if "/" not in word:
        touch(tmp_path / word)
        (found,) = find_sources([word])
        assert found in (Video(Path(word)), Path(word))


@pytest.mark.parametrize(
    "word", ["http://", "rtsp:///a", "http:h/a", "http://h:x/", "http://h/a b", "http://h/\n"]
)
def test_I13_a_url_without_a_host_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="is no URL with a host"):
        find_sources([word])


def test_I13_passwords_are_shown_nowhere() -> None:
    video = Video("rtsp://admin:se:cr@et@10.0.0.7/main?x=1")
    assert video.name == "rtsp://admin:***@10.0.0.7/main?x=1"
    assert str(video.file_name) == "rtsp-10.0.0.7-main.mp4"


def test_a_source_without_end_stands_alone(tmp_path: Path) -> None:
    for words in (["0", "1"], ["http://h/", str(touch(tmp_path / "a.jpg"))]):
        with pytest.raises(UsageError, match="has no end, so no other source is taken with it"):
            find_sources(words)


def test_patterns_folders_and_files_of_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.jpg", "a.jpg", "in/c.jpg", "in/deep/d.jpg", "v.MP4", "[1].jpg", "7"):
        touch(Path(name))
    assert list(find_sources(["?.jpg"])) == [Path("a.jpg"), Path("b.jpg")]
    assert list(find_sources(["**/d.jpg", "[1].jpg"])) == [Path("in/deep/d.jpg"), Path("[1].jpg")]
    assert list(find_sources(["in"])) == [Path("in/c.jpg")]
    assert list(find_sources(["in"], recursive=True)) == [Path("in/c.jpg"), Path("in/deep/d.jpg")]
    assert list(find_sources(["v.MP4", "7"])) == [Video(Path("v.MP4")), Path("7")]
    (nothing,) = find_sources(["z*.jpg"])
    assert reason(nothing) == "z*.jpg: error: no file has a name of this pattern"


def test_I06_links_in_circles_and_pipes_of_a_folder_end(tmp_path: Path) -> None:
    touch(tmp_path / "a/b/x.jpg")
    (tmp_path / "a/b/loop").symlink_to(tmp_path / "a")
    os.mkfifo(tmp_path / "a/pipe.jpg")
    found = list(find_sources([str(tmp_path / "a")], recursive=True))
    assert found == [tmp_path / "a/b/x.jpg", tmp_path / "a/pipe.jpg"]
    assert "is a pipe or a device" in str(still(0, found[1]).error)


@pytest.mark.parametrize("word", ["", "\0", "a" * 5000, "x\0.jpg", "no\n.jpg"])
def test_I09_words_that_no_file_can_have_are_missing(word: str) -> None:
    (found,) = find_sources([word])
    if isinstance(found, Path):
        assert isinstance(still(0, found).error, DataError)
    else:
        assert "error: " in reason(found)


def test_standard_input_is_a_list_or_one_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    for ending in (".png", ".bmp", ".webp", ".jpg", ".ppm", ".tiff"):
        data = cv2.imencode(ending, pixels)[1].tobytes()
        (image,) = find_sources(["-"], given=io.BytesIO(data))
        assert isinstance(image, GivenImage), ending
        assert image.read().shape == (4, 6, 3)
    for name in ("BMW.jpg", "P6.png", "II.png"):
        touch(tmp_path / name)
    found = list(find_sources(["-"], given=io.BytesIO(b"BMW.jpg\r\n\nII.png\nnone.jpg\n")))
    assert found[:2] == [Path("BMW.jpg"), Path("II.png")]
    assert reason(found[2]).startswith("standard input:4: error: no such image: none.jpg")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "standard input: error: the list names no image"),
        (b"\n \n", "standard input: error: the list names no image"),
        (b"a\0b", "standard input: error: is neither an image that is read nor a list"),
        (b"\xff\xd8\xff\xe0cut", "standard input: error: is a damaged image"),
    ],
)
def test_standard_input_that_is_neither(data: bytes, message: str) -> None:
    (found,) = find_sources(["-"], given=io.BytesIO(data))
    assert not isinstance(found, Video)
    assert str(still(0, found).error).startswith(message)


@pytest.mark.filterwarnings("ignore")  # pytest removes the filters of the reader
@pytest.mark.parametrize("count", [40, pytest.param(2000, marks=pytest.mark.soak)])
def test_damaged_images_are_pixels_or_one_error(tmp_path: Path, count: int) -> None:
    random = np.random.default_rng(3)
    pixels = random.integers(0, 256, (64, 64, 3), np.uint8)
    endings = (".jpg", ".png", ".webp", ".bmp", ".tiff", ".jp2")
    for number in range(count):
        ending = endings[number % len(endings)]
        data = np.frombuffer(cv2.imencode(ending, pixels)[1].tobytes(), np.uint8).copy()
        places = random.integers(0, len(data), random.integers(1, 30))
        data[places] = random.integers(0, 256, len(places))
        path = tmp_path / f"bad{ending}"
        path.write_bytes(data[: random.integers(1, len(data) + 1)].tobytes())
        frame = still(0, path)
        if frame.pixels is None:
            assert str(frame.error).startswith(f"{path}: error: ")
        else:
            assert (frame.pixels.dtype, frame.pixels.shape[2]) == (np.uint8, 3)
