"""Who decodes images and videos: this process, or others that may crash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Protocol

import numpy as np

from darknet_py.data.images.read import read_image
from darknet_py.predict.sources.capture import Capture, Limits, Shot
from darknet_py.predict.sources.found import Video
from darknet_py.predict.sources.standard_input import GivenImage


class Shots(Protocol):
    """One connection to a video; see `Capture`."""

    rate: float
    count: int
    dropped: int
    decoding_s: float

    def shots(self) -> Iterator[Shot]:
        """See `Capture.shots`."""


class Decoder(Protocol):
    """Decodes in several threads at once."""

    def image(self, found: Path | GivenImage, stop: Event) -> np.ndarray:
        """(H, W, 3) uint8 RGB.

        Args:
            stop: ends the wait for it when it is set.

        Raises: DataError: when it is not an image.
        """

    def capture(self, video: Video, limits: Limits, stop: Event) -> Shots:
        """A connection to a video, which is opened when its shots are taken."""

    def close(self) -> None:
        """End what is running."""


class InThisProcess:
    """Decodes in the process that asks."""

    def image(self, found: Path | GivenImage, stop: Event) -> np.ndarray:
        """See `Decoder.image`."""
        return found.read() if isinstance(found, GivenImage) else read_image(found)

    def capture(self, video: Video, limits: Limits, stop: Event) -> Shots:
        """See `Decoder.capture`."""
        return Capture(video, limits, stop)

    def close(self) -> None:
        """Do nothing: nothing is running."""
