"""Images in the channels that a network reads: RGB, or grey with `[net] channels=1`, as in Darknet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from darknet_py.errors import UsageError

if TYPE_CHECKING:
    from darknet_py.graph.graph import Graph

CHANNELS = (1, 3)  # that an image can have


def in_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """An image in the channels of a network.

    Grey is OpenCV's, the luma of ITU-R BT.601 in 8 bits, before the image is resized or augmented.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        channels: 1 or 3.

    Returns:
        (H, W, channels) uint8.
    """
    assert channels in CHANNELS, "check_channels refuses others"
    return pixels if channels == 3 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[:, :, None]


def check_channels(graph: Graph) -> None:
    """Check that a network reads images.

    Raises:
        UsageError: when `[net] channels` is neither 3 nor 1; the cfg itself may be valid.
    """
    channels = graph.net.channels
    if channels not in CHANNELS:
        document = graph.document
        span = document.sections[0].span_of("channels")
        raise UsageError(
            f"[net] channels={channels}, and an image has 3 channels, or 1 as grey",
            where=f"{document.path}:{span.line}:{span.column}",
            hint="channels=3 or channels=1 reads images; others run in Python, on tensors of your own",
        )
