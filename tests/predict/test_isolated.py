"""Parity and story. Other processes decode what this one decodes, and a crash is one bad source."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest

from darknet_py.errors import DataError
from darknet_py.predict.detect_files import entry_of
from darknet_py.predict.running import Running
from darknet_py.predict.sources.capture import FILE_LIMITS, Limits
from darknet_py.predict.sources.decoding import InThisProcess
from darknet_py.predict.sources.found import Video
from darknet_py.predict.sources.isolated import CHILD, Isolated
from darknet_py.predict.sources.standard_input import GivenImage
from tests.predict.test_videos import draw_video, frame_of, square_detector

WILD = """
import os, time
from darknet_py.predict.sources import decoder_process
from darknet_py.predict.sources.decoding import InThisProcess

plain = InThisProcess.image
frames = 0

def image(self, found, stop):
    name = getattr(found, "name", "")
    if name.startswith("crash"):
        os.kill(os.getpid(), 11)
    if name.startswith("exit"):
        os._exit(3)
    if name.startswith("hang"):
        time.sleep(60)
    if name.startswith("memory"):
        return bytearray(5 << 30)
    for start, answer in (("text", b"{"), ("list", b"[1]"), ("huge", b'{"shape": [100000, 100000, 3]}'),
                          ("float", b'{"shape": "abc"}'), ("deep", b"[" * 50000), ("long", b" " * 100000)):
        if name.startswith(start):
            pipe.send_bytes(answer)
    return plain(self, found, stop)

def facts(capture):
    global frames
    frames += 1
    if frames > 3:
        os.kill(os.getpid(), 6)
    return before(capture)

before, decoder_process._facts = decoder_process._facts, facts
InThisProcess.image = image
serve(pipe)
"""


@pytest.fixture
def isolated() -> Iterator[Isolated]:
    decoder = Isolated()
    yield decoder
    decoder.close()


@pytest.fixture
def wild() -> Iterator[Isolated]:
    """Its decoder does what the name of a file says."""
    decoder = Isolated(CHILD.replace("serve(pipe)\n", WILD), Limits(open_s=4, read_s=1))
    yield decoder
    decoder.close()


def draw_image(path: Path) -> Path:
    cv2.imwrite(str(path), np.full((20, 30, 3), (10, 20, 200), np.uint8))
    return path


def test_pixels_facts_and_errors_are_those_of_this_process(isolated: Isolated, tmp_path: Path) -> None:
    image, video = draw_image(tmp_path / "a.png"), draw_video(tmp_path / "a.avi", 5)
    given = GivenImage(image.read_bytes())
    here = InThisProcess()
    for found in (image, given):
        np.testing.assert_array_equal(isolated.image(found, Event()), here.image(found, Event()))
    theirs, mine = (each.capture(Video(video), FILE_LIMITS, Event()) for each in (isolated, here))
    for shot, expected in zip(theirs.shots(), mine.shots(), strict=True):
        np.testing.assert_array_equal(shot.pixels, expected.pixels)
        assert shot.seconds == expected.seconds
    assert (theirs.rate, theirs.count) == (mine.rate, mine.count) == (24.0, 5)
    assert isolated.image(image, Event()).flags.writeable
    for bad in (tmp_path / "none.png", GivenImage(b"\x89PNG")):
        errors = []
        for decoder in (isolated, here):
            with pytest.raises(DataError) as caught:
                decoder.image(bad, Event())
            errors.append(str(caught.value))
        assert errors[0] == errors[1]


def test_a_source_that_does_not_answer_is_refused_as_here(isolated: Isolated) -> None:
    for decoder in (isolated, InThisProcess()):
        with pytest.raises(DataError, match="camera 99: error: cannot be opened"):
            list(decoder.capture(Video(99), Limits(), Event()).shots())


def test_I17_a_decoder_that_crashes_is_one_bad_image_of_many(wild: Isolated, tmp_path: Path) -> None:
    errors = errors_of(wild, tmp_path, ["a", "crash", "b", "memory", "text", "hang", "c"])
    hint = "\n   = the file is damaged, or made to do this"
    where = f"{tmp_path}/crash.png: error: "
    assert errors.pop("crash") == f"{where}cannot be decoded: the decoder crashed (SIGSEGV){hint}"
    assert "does not fit into 4 GB of memory" in errors.pop("memory")
    assert "the decoder sent something else than an answer" in errors.pop("text")
    assert "the decoder did not answer for" in errors.pop("hang")
    assert not errors


@pytest.mark.soak
def test_I17_a_decoder_that_was_led_astray_may_send_anything(wild: Isolated, tmp_path: Path) -> None:
    errors = errors_of(wild, tmp_path, ["a", "exit", "huge", "long", "list", "float", "deep", "b"])
    assert "the decoder crashed\n" in errors.pop("exit")
    assert "the decoder sent no image" in errors.pop("huge")
    assert "the decoder crashed" in errors.pop("long")
    assert len(errors) == 3
    for text in errors.values():
        assert "the decoder sent something else than an answer" in text


def errors_of(decoder: Isolated, folder: Path, names: list[str]) -> dict[str, str]:
    """By name, the errors of images."""
    files = [draw_image(folder / f"{name}.png") for name in names]
    entries = [entry_of(each) for each in Running(square_detector(), decoder=decoder).detect(files)]
    assert [entry["image"] for entry in entries] == [*map(str, files)]
    return {Path(entry["image"]).stem: entry["error"] for entry in entries if "error" in entry}


def test_I17_frames_before_a_crash_are_kept_and_the_next_video_is_read(
    wild: Isolated, tmp_path: Path
) -> None:
    videos = [Video(draw_video(tmp_path / name, 3 + 2 * at)) for at, name in enumerate(("a.avi", "b.avi"))]
    del videos[0]
    seen = [*Running(square_detector(), decoder=wild).detect([*videos, draw_image(tmp_path / "a.png")])]
    assert [each.frame.number for each in seen] == [0, 1, 2, None, None]
    assert "the decoder crashed (SIGABRT)" in str(seen[3].frame.error)
    assert seen[4].detections is not None
    expected = frame_of(2)
    assert seen[2].frame.pixels is not None
    assert np.abs(seen[2].frame.pixels.astype(int) - expected).mean() < 10


def test_I17_a_run_that_is_stopped_leaves_no_process(wild: Isolated, tmp_path: Path) -> None:
    files = [draw_image(tmp_path / name) for name in ("a.png", "hang.png")]
    wild.image(files[0], Event())
    (process,) = wild._idle
    process._patience = 30.0  # longer than the test
    results = Running(square_detector(), decoder=wild).detect(files)
    next(results)
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 5
    assert not wild._idle
    assert process._process.returncode is not None
