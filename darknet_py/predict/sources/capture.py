"""A video, camera or stream that OpenCV reads in a thread of its own: whoever waits, waits not for ever.

FFmpeg opens what a container tells it to open: a playlist names other files and hosts. So each kind of
address has the protocols that it needs and no other, and containers that only refer to others are not read.
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import cv2
import numpy as np

from darknet_py.data.images.kinds import MOST_PIXELS, regular_file
from darknet_py.errors import DataError
from darknet_py.predict.sources.ffmpeg import options_of
from darknet_py.predict.sources.found import Video
from darknet_py.predict.sources.waiting import Halted, put, take

LOG_LEVEL = "OPENCV_FFMPEG_LOGLEVEL"
USUAL_RATE = 25.0  # where a source does not say


@dataclass(frozen=True)
class Limits:
    """How long a source may take, in seconds, and how often a lost stream is opened again.

    Args:
        open_s: until the first frame.
        read_s: from one frame to the next.
        reconnects: in a row; a connection that held for `steady_s` starts the count again.
        pause_s: before the first; each next pause is twice as long, 10 s at most.
        ahead: frames that are decoded before they are asked for.
    """

    open_s: float = 5.0
    read_s: float = 5.0
    reconnects: int = 5
    pause_s: float = 0.5
    steady_s: float = 10.0
    ahead: int = 4


STREAM_LIMITS = Limits()
FILE_LIMITS = Limits(open_s=30.0, read_s=30.0)  # a disk may be slow, and a decoder may be damaged by its file


@dataclass(frozen=True)
class Shot:
    """One frame as it was decoded.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        seconds: its time in the video.
    """

    pixels: np.ndarray
    seconds: float


class Interrupted(Exception):
    """A source that does not answer, or ended where it should not; the text says which."""


@dataclass
class Capture:
    """One connection to a source.

    Attributes:
        rate: frames a second.
        count: frames that the header promises; 0 where it does not say.
        dropped: frames of a live source that came while earlier ones were still being worked on.
        decoding_s: time that the decoder took.
    """

    video: Video
    limits: Limits
    stop: Event
    rate: float = USUAL_RATE
    count: int = 0
    dropped: int = 0
    decoding_s: float = 0.0
    _queue: queue.Queue[Shot | Exception | None] = field(init=False)
    _closed: Event = field(init=False, default_factory=Event)

    def shots(self) -> Iterator[Shot]:
        """The frames, until the source ends.

        Raises:
            DataError: when it is no video.
            Halted: when `stop` is set.
            Interrupted: when the next frame did not come in time.
        """
        self._queue = queue.Queue(self.limits.ahead)
        Thread(target=self._run, name="capture", daemon=True).start()
        wait = self.limits.open_s
        try:
            while True:
                try:
                    shot = take(self._queue, self.stop, wait)
                except queue.Empty:
                    raise Interrupted(f"no frame for {wait:g} s") from None
                if isinstance(shot, Exception):
                    raise shot
                if shot is None:
                    return
                yield shot
                wait = self.limits.read_s
        finally:
            self._closed.set()

    def _run(self) -> None:
        """The thread: a decoder that hangs keeps it, and nothing else."""
        end: Exception | None = None
        try:
            self._read()
        except Halted:
            return
        except (cv2.error, MemoryError) as error:
            end = DataError(f"cannot be decoded: {type(error).__name__}", where=self.video.name)
        except Exception as error:  # whoever waits for a frame raises it
            end = error
        with contextlib.suppress(Halted):
            put(self._queue, end, self._closed)

    def _read(self) -> None:
        began = time.monotonic()
        capture = opened(self.video, self.limits)
        try:
            if not capture.isOpened():
                raise self._refusal(time.monotonic() - began)
            self._note_facts(capture)
            while not self._closed.is_set():
                began = time.perf_counter()
                done, image = capture.read()
                if not done:
                    return
                check_size(image.shape[1], image.shape[0], self.video)
                pixels = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
                self.decoding_s += time.perf_counter() - began
                self._offer(Shot(pixels, max(0.0, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)))
        finally:
            capture.release()

    def _note_facts(self, capture: cv2.VideoCapture) -> None:
        width, height = (capture.get(each) for each in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        check_size(width, height, self.video)
        rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.rate = rate if math.isfinite(rate) and 0.1 <= rate <= 1000 else USUAL_RATE
        self.count = int(count) if math.isfinite(count) and 0 < count < 1e9 else 0

    def _offer(self, shot: Shot) -> None:
        if not self.video.live:
            return put(self._queue, shot, self._closed)
        while not self._closed.is_set():
            try:
                return self._queue.put_nowait(shot)
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    self._queue.get_nowait()
                    self.dropped += 1
        return None

    def _refusal(self, took: float) -> Exception:
        if isinstance(self.video.address, int):
            hint = "it is not there, or another program has it"
            return DataError("cannot be opened", where=self.video.name, hint=hint)
        if isinstance(self.video.address, Path):
            hint = "convert it, for example to .mp4, or fetch it again"
            return DataError("is not a video that can be decoded", where=self.video.name, hint=hint)
        late = took >= 0.9 * self.limits.open_s
        return Interrupted(f"no answer in {self.limits.open_s:g} s" if late else "no video came from there")


def check_size(width: float, height: float, video: Video) -> None:
    """Refuse frames that are larger than any image that is read.

    Raises: DataError
    """
    if not width * height <= MOST_PIXELS:
        hint = f"at most {MOST_PIXELS // 1_000_000} million pixels are read"
        raise DataError(f"has frames of {width:.0f} x {height:.0f} pixels", where=video.name, hint=hint)


def opened(video: Video, limits: Limits) -> cv2.VideoCapture:
    """OpenCV's capture of a source; it may not have opened.

    Raises: DataError: when a file is empty, a folder or cannot be read.
    """
    os.environ.setdefault(LOG_LEVEL, "-8")  # quiet: one message of ours is enough
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    if isinstance(video.address, int):
        return cv2.VideoCapture(video.address)
    if isinstance(video.address, Path):
        with regular_file(video.address):
            pass
        scheme, place = "file", str(video.address.absolute())  # absolute: `data:a.mp4` is a name, no URL
    else:
        scheme, place = video.address.partition(":")[0], video.address
    timeouts = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(1000 * limits.open_s)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(1000 * limits.read_s)),
    ]
    with options_of(scheme):
        return cv2.VideoCapture(place, cv2.CAP_FFMPEG, timeouts)
