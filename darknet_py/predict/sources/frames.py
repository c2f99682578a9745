"""The frames of sources: an image is one frame, a video many, and a lost stream is opened again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import numpy as np

from darknet_py.errors import DataError, StreamLost, quoted
from darknet_py.predict.sources.capture import FILE_LIMITS, Interrupted, Limits
from darknet_py.predict.sources.decoding import Decoder, InThisProcess, Shots
from darknet_py.predict.sources.files import MissingImage
from darknet_py.predict.sources.found import Found, Video
from darknet_py.predict.sources.standard_input import NAME, GivenImage
from darknet_py.predict.sources.waiting import Halted

LONGEST_PAUSE = 10.0
IN_PROCESS = InThisProcess()
NEVER = Event()


@dataclass(frozen=True)
class Frame:
    """One image, or one frame of a video; or why it could not be read.

    Args:
        source: the number of its source, from 0.
        name: of the source.
        pixels: (H, W, 3) uint8 RGB; None with an error.
        number: in its video, from 0; None of an image.
        seconds: its time in the video.
        rate: frames a second of its video.
    """

    source: int
    name: str
    pixels: np.ndarray | None = None
    error: DataError | None = None
    number: int | None = None
    seconds: float = 0.0
    rate: float = 0.0


@dataclass
class VideoReader:
    """Reads videos, one after the other.

    Args:
        limits: of cameras and streams.
        note: is called with what a person should know: a lost connection, frames that are missing.

    Attributes:
        decoding_s: time that decoders took.
    """

    limits: Limits
    stop: Event
    note: Callable[[str], None]
    decoder: Decoder
    decoding_s: float = 0.0

    def frames(self, source: int, video: Video) -> Iterator[Frame]:
        """The frames of a video; one with an error where it cannot be read.

        Raises:
            Halted: when `stop` is set.
            StreamLost: when a camera or stream is lost for good.
        """
        number, reconnects = 0, 0
        while True:
            capture = self.decoder.capture(video, self.limits if video.live else FILE_LIMITS, self.stop)
            began, first, reason = time.monotonic(), number, ""
            try:
                for shot in capture.shots():
                    yield Frame(
                        source, video.name, shot.pixels, None, number, round(shot.seconds, 3), capture.rate
                    )
                    number += 1
            except DataError as error:
                if number == 0 or not video.live:
                    yield Frame(source, video.name, error=error)
                    return
                reason = error.message
            except Interrupted as error:
                reason = str(error)
            self._account(capture, number - first, video)
            if _is_complete(capture, number - first, video, reason):
                if number == 0:
                    nothing = DataError(reason or "holds no frame that can be decoded", where=video.name)
                    yield Frame(source, video.name, error=nothing)
                return
            if time.monotonic() - began > self.limits.steady_s:
                reconnects = 0
            reconnects += 1
            self._wait_to_reconnect(video, reason or "it ended", number, reconnects)

    def _account(self, capture: Shots, read: int, video: Video) -> None:
        self.decoding_s += capture.decoding_s
        if not video.live and read and read < capture.count:
            promised = f"{read:,} of the {capture.count:,} frames that its header promises were decoded"
            self.note(f"{quoted(video.name, limit=400)}: warning: {promised}")
        if capture.dropped:
            lost = f"{capture.dropped:,} frames were left out, for they came faster than they are detected in"
            self.note(f"{quoted(video.name, limit=400)}: {lost}")

    def _wait_to_reconnect(self, video: Video, reason: str, number: int, reconnects: int) -> None:
        name = quoted(video.name, limit=400)
        if reconnects > self.limits.reconnects:
            tried = f" (reconnects tried: {reconnects - 1})" if reconnects > 1 else ""
            hint = "--timeout waits longer for a frame, --reconnects tries again more often"
            raise StreamLost(f"lost after {number:,} frames: {reason}{tried}", where=video.name, hint=hint)
        pause = min(LONGEST_PAUSE, self.limits.pause_s * 2 ** (reconnects - 1))
        self.note(
            f"{name}: lost after {number:,} frames: {reason}; "
            f"reconnect {reconnects} of {self.limits.reconnects} in {pause:g} s"
        )
        if self.stop.wait(pause):
            raise Halted


def _is_complete(capture: Shots, read: int, video: Video, reason: str) -> bool:
    """Whether this was all: a file ends; a stream does when it gave as many frames as it promised."""
    return not video.live or (not reason and capture.count > 0 and read >= capture.count - 1)


def still(
    source: int,
    found: Path | MissingImage | GivenImage,
    decoder: Decoder = IN_PROCESS,
    stop: Event = NEVER,
) -> Frame:
    """The frame of an image.

    Raises: Halted: when `stop` is set.
    """
    if isinstance(found, MissingImage):
        return Frame(source, str(found.path), error=found.error)
    name = NAME if isinstance(found, GivenImage) else str(found)
    try:
        pixels = decoder.image(found, stop)
    except DataError as error:
        return Frame(source, name, error=error)
    return Frame(source, name, pixels)


def name_of(found: Found) -> str:
    """What messages call a source."""
    if isinstance(found, MissingImage):
        return str(found.path)
    if isinstance(found, GivenImage):
        return NAME
    return found.name if isinstance(found, Video) else str(found)


def file_of(found: Found) -> Path:
    """The file that outputs of a source are named after."""
    if isinstance(found, MissingImage):
        return found.path
    if isinstance(found, GivenImage):
        return Path("standard-input.png")
    return found.file_name if isinstance(found, Video) else found
