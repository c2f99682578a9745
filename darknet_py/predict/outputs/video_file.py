"""A video that is written frame by frame, and gets its name when it is complete."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from darknet_py.errors import UsageError
from darknet_py.predict.sources.ffmpeg import options_of

PATIENCE_S = 15.0  # a stream that hangs while it is opened keeps FFmpeg's options; then nothing is counted
MOTION_JPEG = {".avi"}  # the others are MPEG-4: every FFmpeg encodes it, and H.264 not


class VideoFile:
    """A video in the making, with one size and one rate.

    FFmpeg encodes even sizes alone and cuts others, without a word. So a video with an odd side becomes an
    `.avi`, which OpenCV itself writes.

    Args:
        path: its name; a missing folder is made.
        size: (height, width) in pixels; frames of another size are scaled to it.
        rate: frames a second.

    Raises:
        UsageError: when it cannot be written.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: float) -> None:
        odd = size[0] % 2 or size[1] % 2
        self.path = path if not odd or path.suffix.lower() in MOTION_JPEG else Path(f"{path}.avi")
        self.size, self.frames = size, 0
        self._temporary = self.path.with_name(f".{os.urandom(8).hex()}{self.path.suffix.lower()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._temporary.touch(exist_ok=False)
        except OSError as error:
            raise UsageError(f"cannot be written: {error.strerror}", where=self.path) from None
        code = "MJPG" if self.path.suffix.lower() in MOTION_JPEG else "mp4v"
        backend = cv2.CAP_OPENCV_MJPEG if odd else cv2.CAP_FFMPEG
        self._writer = cv2.VideoWriter(
            str(self._temporary.absolute()), backend, cv2.VideoWriter.fourcc(*code), rate, size[::-1]
        )
        if not self._writer.isOpened():
            self.discard()
            hint = "this build of OpenCV has no encoder for it; another ending, such as .avi, may do"
            raise UsageError("cannot be written: no encoder opens", where=self.path, hint=hint)

    def append(self, picture: np.ndarray) -> None:
        """Append (H, W, 3) uint8 RGB."""
        if picture.shape[:2] != self.size:
            picture = cv2.resize(picture, self.size[::-1], interpolation=cv2.INTER_AREA)
        self._writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        self.frames += 1

    def publish(self) -> None:
        """Complete the file under its name.

        Raises:
            UsageError: when not all of it reached the disk; OpenCV reports no error then.
        """
        self._writer.release()
        with options_of("file", patience_s=PATIENCE_S) as readable:
            written = _frames_in(self._temporary) if readable else self.frames
        if written < self.frames:
            self.discard()
            message = f"cannot be written: {max(0, written):.0f} of {self.frames} frames are in the file"
            raise UsageError(message, where=self.path, hint="is the disk full?")
        try:
            self._temporary.replace(self.path)
        except OSError as error:
            self.discard()
            raise UsageError(f"cannot be written: {error.strerror}", where=self.path) from None

    def discard(self) -> None:
        """Leave nothing."""
        self._writer.release()
        with suppress(OSError):
            self._temporary.unlink()


def _frames_in(path: Path) -> float:
    video = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    count = video.get(cv2.CAP_PROP_FRAME_COUNT) if video.isOpened() else 0.0
    video.release()
    return count
