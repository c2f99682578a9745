"""Whether a file with NonMaxSuppression gives the boxes that the network's maps hold.

Two things are checked: all boxes and scores before suppression are those of `Head.decode`, and what is left
is what suppression promises. That is a statement about the result, with a tolerance: boxes that stay overlap
by at most the threshold, and one that went overlaps a better one that stayed. Equal results cannot be asked
for, since an overlap at the threshold goes either way by rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from darknet_py.boxes import iou, xyxy_from_cxcywh
from darknet_py.deploy.check import WITHIN, ExportDiffers, relative
from darknet_py.deploy.onnx_form import OnnxForm, session_of
from darknet_py.deploy.settings import ExportSettings
from darknet_py.export.names import IMAGES
from darknet_py.export.nms_graph import ALL_BOXES, ALL_SCORES
from darknet_py.export.onnx_file import with_outputs
from darknet_py.model.network import Network
from darknet_py.ops.cells import Floats

MOST = 400  # boxes of a class and image that are compared with each other, the best


class DetectionsCheck:
    """Checks a form with NonMaxSuppression, one input after the other."""

    def __init__(self, network: Network, form: OnnxForm, settings: ExportSettings, where: object) -> None:
        """Make two sessions: of the file as it is, and of what it suppresses."""
        self._network, self._settings, self._where = network, settings, where
        self._final = session_of(form.files[".onnx"])
        before = with_outputs(form.model, [ALL_BOXES, ALL_SCORES])
        self._before = session_of(before.SerializeToString())

    def __call__(self, images: Floats) -> float:
        """Check one input; the greatest difference of boxes and scores before suppression.

        Raises:
            ExportDiffers: when boxes differ, or what is left is not what suppression leaves.
        """
        boxes, scores = self._before.run(None, {IMAGES: images})
        expected = self._decoded(images)
        share = max(relative(boxes, expected[0]), relative(scores, expected[1]))
        if share > WITHIN:
            message = f"has boxes or scores that differ from the network's by {share:.2g}; nothing is kept"
            hint = "the raw maps agree: the difference is made where heads are decoded"
            raise ExportDiffers(message, where=self._where, hint=hint)
        found = self._final.run(None, {IMAGES: images})
        scores = np.where(expected[2] > self._settings.threshold + WITHIN, scores, 0)
        if problem := self._problem(boxes, scores, found):
            message = f"has detections that suppression does not leave: {problem}; nothing is kept"
            raise ExportDiffers(message, where=self._where)
        return share

    def _decoded(self, images: Floats) -> tuple[Floats, Floats, Floats]:
        """Boxes (N, B, 4) in pixels, scores (N, K, B) and objectness (N, 1, B), by torch."""
        height, width = images.shape[2:]
        with torch.inference_mode():
            raws = self._network(torch.from_numpy(images))
            heads = self._network.graph.head_layers
            parts = [head.decode(raw, height, width) for head, raw in zip(heads, raws, strict=True)]
        boxes = torch.cat([part[0] for part in parts], 1).numpy()
        objectness = torch.cat([part[1] for part in parts], 1).numpy()[:, None]
        classes = torch.cat([part[2] for part in parts], 1).numpy().transpose(0, 2, 1)
        sides = np.array([width, height, width, height], np.float32)
        return xyxy_from_cxcywh(boxes) * sides, classes * objectness, objectness

    def _problem(self, boxes: Floats, scores: Floats, found: list[Any]) -> str:
        kept_boxes, kept_scores, labels, which = found
        likely = np.argwhere(scores > self._settings.threshold + WITHIN)
        for image, label in np.unique(likely[:, :2], axis=0):
            mine = (which == image) & (labels == label)
            order = np.argsort(-scores[image, label])[:MOST]
            order = order[scores[image, label, order] > self._settings.threshold + WITHIN]
            kept = kept_boxes[mine][:MOST], kept_scores[mine][:MOST]
            if problem := self._left(boxes[image, order], scores[image, label, order], *kept):
                return f"{problem}, of class {label} in image {image}"
        return ""

    def _left(self, boxes: Floats, scores: Floats, kept: Floats, kept_scores: Floats) -> str:
        """What is wrong with the boxes that are left of the best of one class."""
        limit = self._settings.nms
        among = _iou(kept, kept)
        np.fill_diagonal(among, 0)
        if (among > limit + WITHIN).any():
            return f"two boxes that overlap by {among.max():.3f}"
        better = kept_scores[None] >= scores[:, None] - WITHIN
        beaten = ((_iou(boxes, kept) > limit - WITHIN) & better).any(axis=1)
        same = (np.abs(boxes[:, None] - kept[None]).max(axis=2, initial=0) == 0) & better
        lost = ~beaten & ~same.any(axis=1)
        return f"{lost.sum()} boxes are missing" if lost.any() else ""


def _iou(one: Floats, other: Floats) -> Floats:
    found: Floats = iou(torch.from_numpy(one), torch.from_numpy(other)).numpy()
    return found
