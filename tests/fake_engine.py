"""An engine whose raw maps are what the boxes are meant to be, and the head that takes them as they are."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

from darknet_py.ops.cells import Predictions


def rows_above(rows: np.ndarray, threshold: float) -> Predictions:
    """What a head finds in `rows`, (N, B, 4 + 1 + K): boxes, objectness and classes."""
    kept = np.nonzero((rows[..., 4] > threshold) | ~np.isfinite(rows[..., 4]))
    found = rows[kept]
    return Predictions(kept[0], found[:, :4], found[:, 4], found[:, 5:])


class FakeEngine:
    """An engine, its graph and its head in one.

    Args:
        rows_of: of one image (C, H, W) in 0..1, what is found in it, (B, 5 + K).
        net: of `[net]`: height, width, channels and letter_box.
    """

    name, device = "fake", "cpu"
    heads, nms_kind, beta_nms = (0,), "default", 0.6
    graph = layer = property(lambda self: self)
    head_layers = property(lambda self: (self,))

    def __init__(self, rows_of: Callable[[np.ndarray], np.ndarray], classes: int = 3, **net: int) -> None:
        self.rows_of, self.classes = rows_of, classes
        self.net = SimpleNamespace(**{"height": 64, "width": 64, "channels": 3, "letter_box": False, **net})
        self.shapes: list[tuple[int, ...]] = []

    def __getitem__(self, index: int) -> FakeEngine:
        return self

    def __call__(self, images: np.ndarray) -> list[np.ndarray]:
        self.shapes.append(images.shape)
        return [np.stack([np.asarray(self.rows_of(image)) for image in images])]

    def predictions(self, raw: np.ndarray, net_size: tuple[int, int], *, threshold: float) -> Predictions:
        return rows_above(raw, threshold)
