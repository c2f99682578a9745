"""Pictures of detections: encoded as the ending of their name says, and complete when they appear."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from darknet_py.errors import UsageError
from darknet_py.files.atomic import publish_parts
from darknet_py.predict.detections import Detections
from darknet_py.predict.drawing import draw
from darknet_py.predict.outputs.video_file import VideoFile
from darknet_py.predict.sources.frames import Frame


class Drawn:
    """Detections drawn on images and videos.

    Args:
        paths: where the picture or the video of each source goes.
    """

    def __init__(self, paths: Mapping[int, Path]) -> None:
        self.paths = paths
        self._video: VideoFile | None = None
        self._source = -1

    def write(self, frame: Frame, detections: Detections) -> None:
        """Draw a frame: an image is published, a frame of a video is appended."""
        assert frame.pixels is not None
        picture = draw(frame.pixels, detections)
        if frame.number is None:
            publish_picture(self.paths[frame.source], picture)
            return
        if self._video is None or self._source != frame.source:
            self.close()
            size, path = picture.shape[:2], self.paths[frame.source]
            self._video, self._source = VideoFile(path, size, frame.rate), frame.source
        self._video.append(picture)

    def close(self) -> None:
        """Complete the video that is being written."""
        video, self._video = self._video, None
        if video is not None:
            video.publish()


def publish_picture(path: Path, picture: np.ndarray) -> None:
    """Encode (H, W, 3) uint8 RGB as the ending of `path` says, and publish it; a missing folder is made.

    Raises:
        UsageError: when it cannot be written.
    """
    import cv2

    done, encoded = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    assert done, path
    publish_file(path, encoded.tobytes())


def publish_file(path: Path, data: bytes) -> None:
    """Publish a file; a missing folder is made.

    Raises:
        UsageError: when it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        publish_parts(path, [data], lasting=False)  # can be made again; a wait for each costs the most
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=path) from None
