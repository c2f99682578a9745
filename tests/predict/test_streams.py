"""Story. A stream on the loopback address that dies, stalls and sends garbage is reconnected or given up."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from darknet_py.__main__ import main
from darknet_py.errors import StreamLost
from darknet_py.predict.running import Detected, Running
from darknet_py.predict.sources.capture import Capture, Limits
from darknet_py.predict.sources.found import Video
from tests.predict.stream_server import Send, camera, jpeg_part
from tests.predict.test_videos import frame_of, square_detector

QUICK = Limits(open_s=0.4, read_s=0.4, reconnects=2, pause_s=0.02)


def send_frames(send: Send, count: int) -> None:
    for number in range(count):
        send(jpeg_part(frame_of(number)))


def dies(number: int, send: Send, ended: threading.Event) -> None:
    send_frames(send, 3)


def stalls(number: int, send: Send, ended: threading.Event) -> None:
    send_frames(send, 3)
    ended.wait()


def is_silent(number: int, send: Send, ended: threading.Event) -> None:
    ended.wait()


def drips(number: int, send: Send, ended: threading.Event) -> None:
    for byte in jpeg_part(frame_of(0)):
        send(bytes([byte]))
        if ended.wait(0.05):
            return


def sends_garbage(number: int, send: Send, ended: threading.Event) -> None:
    for chunk in np.random.default_rng(number).integers(0, 256, (20, 50_000), np.uint8):
        send(chunk.tobytes())


def turns_to_garbage(number: int, send: Send, ended: threading.Event) -> None:
    send_frames(send, 3)
    sends_garbage(number, send, ended)


def hangs_up(number: int, send: Send, ended: threading.Event) -> None:
    """It answers with nothing."""


def run(url: str, notes: list[str], limits: Limits = QUICK) -> list[Detected]:
    found: list[Detected] = []
    with pytest.raises(StreamLost) as lost:
        found.extend(iter_into(Running(square_detector(), note=notes.append, limits=limits), url, found))
    notes.append(str(lost.value))
    assert lost.value.exit_code == 6
    return found


def iter_into(running: Running, url: str, found: list[Detected]) -> list[Detected]:
    for detected in running.detect([Video(url)]):
        found.append(detected)
    return []


@pytest.mark.parametrize(
    ("serve", "frames", "reason"),
    [
        (dies, 9, "it ended"),
        (stalls, 9, "it ended|no frame for 0.4 s"),
        (is_silent, 0, "no answer in 0.4 s|no frame for 0.4 s"),
        (drips, 0, "no answer in 0.4 s|no frame for 0.4 s"),
        (sends_garbage, 0, "no video came from there|no frame for|it ended"),
        (turns_to_garbage, 9, "it ended|no frame for|decoded"),
        (hangs_up, 0, "no video came from there"),
    ],
)
def test_I12_a_stream_that_fails_is_reconnected_and_then_lost(
    serve: Callable[..., None], frames: int, reason: str
) -> None:
    notes: list[str] = []
    began = time.monotonic()
    with camera(serve) as server:
        found = run(server.url, notes)
    assert time.monotonic() - began < 8
    assert server.connections == 3
    assert len(found) >= frames
    assert [detected.frame.number for detected in found] == list(range(len(found)))
    assert len(notes) == 3
    assert all(notes[at].startswith(f"{server.url}: lost after ") for at in range(2))
    assert notes[0].endswith("reconnect 1 of 2 in 0.02 s")
    assert notes[1].endswith("reconnect 2 of 2 in 0.04 s")
    assert notes[2].splitlines()[0].endswith("(reconnects tried: 2)")
    assert all(any(each in note for each in reason.split("|")) for note in notes), notes


def test_I12_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    notes: list[str] = []
    assert run(url, notes, Limits(open_s=0.5, reconnects=0)) == []
    (error,) = notes
    assert error.splitlines()[0] == f"{url}: error: lost after 0 frames: no video came from there"


def test_I12_rtsp_that_never_answers_is_given_up_in_time() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        notes: list[str] = []
        run(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/main", notes, Limits(open_s=0.4, reconnects=0))
        assert time.monotonic() - began < 3
    assert "0.4 s" in notes[0]


def test_I12_after_a_reconnect_the_frames_go_on() -> None:
    def serve(number: int, send: Send, ended: threading.Event) -> None:
        send_frames(send, 200 if number else 3)
        if number:
            ended.wait()

    with camera(serve) as server:
        running = Running(square_detector(), limits=QUICK)
        found = running.detect([Video(server.url)])
        numbers = [next(found).frame.number for _ in range(6)]
        found.close()
    assert numbers == list(range(6))
    assert server.connections == 2


class Hanging:
    """A capture of OpenCV whose time-outs do not work."""

    def __init__(self, hang: threading.Event, frames: int) -> None:
        self.hang, self.frames = hang, frames

    def isOpened(self) -> bool:
        return True

    def get(self, prop: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, np.ndarray]:
        if not self.frames:
            self.hang.wait()
        self.frames -= 1
        return True, frame_of(0)

    def release(self) -> None:
        pass


def test_I12_a_decoder_that_hangs_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    hang, notes = threading.Event(), list[str]()
    monkeypatch.setattr(
        "darknet_py.predict.sources.capture.opened", lambda video, limits: Hanging(hang, frames=2)
    )
    began = time.monotonic()
    found = run("http://a/", notes, Limits(open_s=0.2, read_s=0.2, reconnects=0))
    assert (len(found), time.monotonic() - began < 2) == (2, True)
    assert "lost after 2 frames: no frame for 0.2 s" in notes[0]
    hang.set()


def test_I13_a_playlist_reaches_nothing_else(tmp_path: Path) -> None:
    with camera(dies) as other:
        (tmp_path / "list.ts").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other.url}.ts\n")
        running = Running(square_detector())
        (detected,) = running.detect([Video(tmp_path / "list.ts")])
        assert "is not a video that can be decoded" in str(detected.frame.error)

        def playlist(number: int, send: Send, ended: threading.Event) -> None:
            send((tmp_path / "list.ts").read_bytes())

        with camera(playlist, "application/vnd.apple.mpegurl") as server:
            run(server.url, [], Limits(open_s=0.5, reconnects=0))
        assert other.connections == 0


def test_I14_frames_that_come_too_fast_are_left_out_and_counted() -> None:
    def floods(number: int, send: Send, ended: threading.Event) -> None:
        send_frames(send, 100)

    with camera(floods) as server:
        capture = Capture(Video(server.url), QUICK, threading.Event())
        shots = capture.shots()
        next(shots)
        deadline = time.monotonic() + 5
        while capture.dropped < 90 and time.monotonic() < deadline:
            time.sleep(0.01)
        rest = sum(1 for _ in shots)
    assert rest <= QUICK.ahead
    assert rest + 1 + capture.dropped == 100


def test_I16_control_c_ends_a_stream_with_a_video_that_plays(
    tmp_path: Path, tiny_cfg: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    from darknet_py import load
    from darknet_py.model.weights import save_weights
    from tests.predict.test_videos import read_all

    stopped = threading.Event()

    def serve(number: int, send: Send, ended: threading.Event) -> None:
        send_frames(send, 20)
        while not (tmp_path / "out").exists() and not ended.wait(0.5):
            send_frames(send, 1)  # a slow machine must not take the stream for lost
        if not ended.wait(0.1) and not stopped.is_set():
            stopped.set()
            os.kill(os.getpid(), signal.SIGINT)
        ended.wait()

    cfg = tiny_cfg()
    save_weights(load(cfg), tmp_path / "a.weights")
    with camera(serve) as server:
        words = ["detect", "--cfg", cfg, "--weights", str(tmp_path / "a.weights"), server.url, "--json"]
        began = time.monotonic()
        before = signal.signal(
            signal.SIGINT, signal.default_int_handler
        )  # ignored where a shell's `&` starts us
        try:
            assert main([*words, "--out", str(tmp_path / "out")]) == 130
        finally:
            signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 60
    (written,) = (tmp_path / "out").iterdir()
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith('{"image": "http://127.0.0.1') for line in lines)
    assert len(list(read_all(written))) >= len(lines) > 0
