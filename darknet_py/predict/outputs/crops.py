"""What was detected, cut out of its image: a folder for each class."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from darknet_py.predict.detections import Detections
from darknet_py.predict.outputs.labels import framed
from darknet_py.predict.outputs.pictures import publish_picture
from darknet_py.predict.sources.frames import Frame

LONGEST = 100  # characters of a folder's name


class Crops:
    """A JPEG of each detection, `CLASS/IMAGE-1.jpg` of the best in the image, and so on.

    Args:
        paths: the name for each source; its ending is replaced.
    """

    def __init__(self, paths: Mapping[int, Path]) -> None:
        self.paths = paths

    def write(self, frame: Frame, detections: Detections) -> None:
        """Publish what was found in a frame; a box without a pixel in the image has none."""
        assert frame.pixels is not None
        height, width = frame.pixels.shape[:2]
        path = framed(self.paths[frame.source], frame)
        for number, found in enumerate(detections, start=1):
            left, top, right, bottom = found.box_xyxy
            rows = slice(max(0, math.floor(top)), min(height, math.ceil(bottom)))
            columns = slice(max(0, math.floor(left)), min(width, math.ceil(right)))
            pixels = frame.pixels[rows, columns]
            if pixels.size:
                folder = path.parent / folder_name(found.name)
                publish_picture(folder / f"{path.stem}-{number}.jpg", pixels)

    def close(self) -> None:
        """Nothing is open."""


def folder_name(name: str) -> str:
    """A class as a folder's name, on any system.

    >>> folder_name("traffic light"), folder_name("../a:b"), folder_name("...")
    ('traffic light', '_a_b', '_')
    """
    return re.sub(r"[^\w \-()+.]", "_", name).strip(" .")[:LONGEST] or "_"
