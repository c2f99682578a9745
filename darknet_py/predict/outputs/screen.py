"""A window that shows what is detected, where there is a screen."""

from __future__ import annotations

import os
import sys

import cv2
import numpy as np

from darknet_py.errors import UsageError
from darknet_py.predict.detections import Detections
from darknet_py.predict.drawing import draw

TITLE = "darknet-py detect"
END = {27, ord("q")}  # Escape


class Screen:
    """Shows one frame after the other; OpenCV's windows belong to the main thread.

    Raises:
        UsageError: when there is no screen, or OpenCV was built without windows.
    """

    def __init__(self) -> None:
        if sys.platform.startswith("linux") and not (
            os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        ):
            raise _no_screen("neither DISPLAY nor WAYLAND_DISPLAY is set")
        try:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL)
        except cv2.error:
            raise _no_screen("this build of OpenCV has no windows") from None

    def show(self, pixels: np.ndarray, detections: Detections, *, wait_ms: int) -> bool:
        """Show a frame until a key is pressed or the time is over; whether to go on."""
        cv2.imshow(TITLE, cv2.cvtColor(draw(pixels, detections), cv2.COLOR_RGB2BGR))
        key = cv2.waitKey(wait_ms) & 0xFF
        return key not in END

    def close(self) -> None:
        """Close the window."""
        cv2.destroyAllWindows()


def _no_screen(reason: str) -> UsageError:
    return UsageError(f"--show: there is no screen: {reason}", hint="--out FOLDER keeps what would be shown")
