"""Decoding in other processes: a file that makes a decoder crash or hang is one bad file among others."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Pipe
from pathlib import Path
from threading import Event, Lock
from typing import Any

import numpy as np

from darknet_py.data.images.kinds import MOST_PIXELS
from darknet_py.errors import DataError
from darknet_py.predict.sources.capture import FILE_LIMITS, USUAL_RATE, Interrupted, Limits, Shot
from darknet_py.predict.sources.decoder_process import FACTS, request_of
from darknet_py.predict.sources.found import Video
from darknet_py.predict.sources.standard_input import NAME, GivenImage
from darknet_py.predict.sources.waiting import TICK, Halted

CHILD = """
import json, sys
from multiprocessing.connection import Connection
pipe = Connection(int(sys.argv[1]))
sys.path[:] = json.loads(pipe.recv_bytes())
from darknet_py.predict.sources.decoder_process import serve
serve(pipe)
"""
MESSAGE_BYTES = 1 << 16
HINT = "the file is damaged, or made to do this"


class Isolated:
    """Decodes in processes that are started when they are needed, as many as there are threads that wait.

    Args:
        child: the program of a process; its argument is a file descriptor.
        limits: `read_s` for an image, and `open_s` more for a process that starts.
    """

    def __init__(self, child: str = CHILD, limits: Limits = FILE_LIMITS) -> None:
        self._child, self._limits, self._lock = child, limits, Lock()
        self._idle: list[_Process] = []

    def image(self, found: Path | GivenImage, stop: Event) -> np.ndarray:
        """See `Decoder.image`."""
        given = isinstance(found, GivenImage)
        with self.process(NAME if given else str(found), stop) as process:
            process.ask(request_of(found), found.data if isinstance(found, GivenImage) else None)
            pixels = process.pixels(process.answer(self._limits.read_s))
            process.busy = False
            return pixels

    def capture(self, video: Video, limits: Limits, stop: Event) -> IsolatedCapture:
        """See `Decoder.capture`."""
        return IsolatedCapture(self, video, limits, stop)

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            while self._idle:
                self._idle.pop().end()

    @contextlib.contextmanager
    def process(self, name: str, stop: Event) -> Iterator[_Process]:
        """A process for one source; one that answered to the end is kept for the next source."""
        with self._lock:
            process = self._idle.pop() if self._idle else _Process(self._child, self._limits.open_s)
        process.name, process.stop = name, stop
        try:
            yield process
        except (KeyError, RecursionError, TypeError, ValueError):
            raise process.crash("sent something else than an answer") from None
        finally:
            if process.busy:
                process.end()
            else:
                with self._lock:
                    self._idle.append(process)


class IsolatedCapture:
    """A connection to a video in another process; see `Capture` for its attributes."""

    def __init__(self, decoder: Isolated, video: Video, limits: Limits, stop: Event) -> None:
        self._decoder, self._video, self._limits, self._stop = decoder, video, limits, stop
        self.rate, self.count, self.dropped, self.decoding_s = USUAL_RATE, 0, 0, 0.0

    def shots(self) -> Iterator[Shot]:
        """See `Capture.shots`."""
        with self._decoder.process(self._video.name, self._stop) as process:
            process.ask(request_of(self._video, self._limits))
            wait = self._limits.open_s
            while "shape" in (message := process.answer(wait + TICK)):
                self._note(message)
                yield Shot(process.pixels(message), float(message["seconds"]))
                wait = self._limits.read_s
            process.busy = False
            if "interrupted" in message:
                raise Interrupted(str(message["interrupted"]))
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        for name in FACTS:
            setattr(self, name, type(getattr(self, name))(message[name]))


class _Process:
    """One process. What it sends may be anything after its decoder was led astray, so it is checked."""

    def __init__(self, child: str, start_s: float) -> None:
        self.name, self.stop, self.busy = "", Event(), False
        self._pipe, theirs = Pipe()
        self._patience = start_s
        command = [sys.executable, "-I", "-c", child, str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])  # noqa: S603 - `child` is ours
        theirs.close()
        self._pipe.send_bytes(json.dumps(sys.path).encode())

    def ask(self, request: bytes, data: bytes | None = None) -> None:
        """Give it work; its end is noticed where the answer is missing."""
        self.busy = True
        with contextlib.suppress(ConnectionError):
            self._pipe.send_bytes(request)
            if data is not None:
                self._pipe.send_bytes(data)

    def answer(self, limit_s: float) -> dict[str, Any]:
        """Its next message.

        Raises:
            DataError: when the source cannot be decoded, the process crashed or does not answer.
            Halted: when `stop` is set.
        """
        self._wait(limit_s + self._patience)
        self._patience = 0.0
        message = json.loads(self._bytes(MESSAGE_BYTES))
        if "error" in message:
            self.busy = False
            raise DataError(str(message["error"]), where=self.name, hint=str(message["hint"] or ""))
        return dict(message)

    def pixels(self, message: dict[str, Any]) -> np.ndarray:
        """The image that a message announces."""
        height, width, channels = map(int, message["shape"])
        if not (0 < height * width <= MOST_PIXELS and channels == 3):
            raise self.crash("sent no image")
        data = self._bytes(height * width * channels)
        return np.frombuffer(bytearray(data), np.uint8).reshape(height, width, channels)

    def crash(self, what: str) -> DataError:
        """What to raise when it did something else than to answer."""
        code = self._process.poll()
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(1)
        killed = f" ({signal.Signals(-code).name})" if code and code < 0 else ""
        return DataError(f"cannot be decoded: the decoder {what}{killed}", where=self.name, hint=HINT)

    def end(self) -> None:
        """End it, whatever it does."""
        self._pipe.close()
        self._process.kill()
        self._process.wait()

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._pipe.poll(TICK):
            if self.stop.is_set():
                raise Halted
            if time.monotonic() > until:
                raise DataError(f"the decoder did not answer for {seconds:g} s", where=self.name, hint=HINT)

    def _bytes(self, most: int) -> bytes:
        try:
            return self._pipe.recv_bytes(most)
        except (EOFError, OSError):
            raise self.crash("crashed") from None
