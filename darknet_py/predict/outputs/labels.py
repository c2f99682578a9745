"""YOLO label files of what was detected, one for each image and for each frame of a video."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from darknet_py.predict.detections import Detections
from darknet_py.predict.outputs.pictures import publish_file
from darknet_py.predict.sources.frames import Frame


class Labels:
    """Lines of class, centre, size and score: what `score` reads; an image without detections has none.

    Args:
        paths: of the label file of each source; those of frames have the frame's number behind.
    """

    def __init__(self, paths: Mapping[int, Path]) -> None:
        self.paths = paths

    def write(self, frame: Frame, detections: Detections) -> None:
        """Publish the labels of a frame."""
        publish_file(framed(self.paths[frame.source], frame), detections.to_yolo(scores=True).encode())

    def close(self) -> None:
        """Nothing is open."""


def framed(path: Path, frame: Frame) -> Path:
    """A file's name for one frame: `street.txt`, or `street_000017.txt` of frame 17."""
    return path if frame.number is None else path.with_stem(f"{path.stem}_{frame.number:06}")
