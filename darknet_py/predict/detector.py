"""A network made ready to detect: images in, Detections in the images' own pixels out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from darknet_py.boxes import clip
from darknet_py.errors import UsageError
from darknet_py.predict.decode import Candidates, Detections, candidates
from darknet_py.predict.letterbox import Fit, fit_for
from darknet_py.predict.nms import nms

if TYPE_CHECKING:
    from darknet_py.model.network import Network

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as OpenCV makes an image grey for `channels=1`


class Detector:
    """Fit, network, decode, NMS, undo: what Darknet's `detector test` does with an image.

    The kind of NMS and its beta come from the last head, as in Darknet.

    Args:
        network: a Network; it is moved to `device`, laid out channels last, and put in evaluation mode.
        threshold: of the objectness and of each score, 0..1.
        nms: threshold of the overlap, 0..1.
        device: where the network runs.
        batch: images that run at once.
        relative: NMS measures in fractions of the image, as `detector test`; else in pixels, as `detector
            valid`. It matters to `greedynms` and `diounms`.
        keep_per_class: detections of one class that an image has at most, the best; all without.
        keep: detections that an image has at most, the best; all without.

    Raises:
        UsageError: when a threshold is not in 0..1, `batch` is less than 1, or the network has no head.
    """

    def __init__(
        self,
        network: Network,
        *,
        threshold: float = 0.25,
        nms: float = 0.45,
        device: str = "cpu",
        batch: int = 1,
        relative: bool = True,
        keep_per_class: int | None = None,
        keep: int | None = None,
    ) -> None:
        """Check the figures, and move the network to `device`."""
        for name, value in (("threshold", threshold), ("nms", nms)):
            if not 0 <= value <= 1:  # NaN too
                raise UsageError(f"{name} is {value}, and must lie in 0..1")
        if batch < 1:
            raise UsageError(f"batch is {batch}, and must be at least 1")
        if not network.graph.heads:
            raise UsageError("the network has no head such as [yolo] or [region], so it detects nothing")
        # yolov3-tiny takes 37 ms so on two threads, 51 ms channels first. Torch's stubs lack the overload.
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.graph = network.graph
        self.threshold, self.nms, self.device, self.batch = threshold, nms, device, batch
        self.relative = relative
        self.most = {"keep_per_class": keep_per_class, "keep": keep}
        last: Any = self.graph[self.graph.heads[-1]].layer
        self.nms_kind, self.beta_nms = last.nms_kind, last.beta_nms

    def detect(self, images: Iterable[np.ndarray]) -> Iterator[Detections]:
        """Detections of each image, in order; reads `batch` images ahead and no more.

        Args:
            images: (H, W, 3) uint8 RGB, of any sizes.

        Yields:
            Detections with boxes_xyxy in pixels, clipped to the image, in descending score.
        """
        waiting = iter(images)
        while batch := list(islice(waiting, self.batch)):
            yield from self._detect_batch(batch)

    def _detect_batch(self, images: list[np.ndarray]) -> list[Detections]:
        self.network.eval()
        fits = [fit_for(self.graph, image.shape[:2]) for image in images]
        with torch.inference_mode():
            inputs = torch.stack([fit.apply(image) for fit, image in zip(fits, images, strict=True)])
            inputs = self._as_channels(inputs.to(self.device)).contiguous(memory_format=torch.channels_last)
            found = candidates(self.graph, self.network(inputs), threshold=self.threshold)
            return [self._finish(fit, each) for fit, each in zip(fits, found, strict=True)]

    def _as_channels(self, images: Tensor) -> Tensor:
        if self.graph.net.channels == 3:
            return images
        if self.graph.net.channels == 1:
            return torch.tensordot(images.new_tensor(LUMA), images, dims=([0], [1]))[:, None]  # (N, 1, H, W)
        raise UsageError(
            f"[net] channels={self.graph.net.channels}, and an image has 3 channels or, as grey, 1"
        )

    def _finish(self, fit: Fit, found: Candidates) -> Detections:
        fractions = fit.correct(found.boxes_cxcywh_fraction)
        boxes = fractions if self.relative else fit.to_pixels(fractions)
        how: dict[str, Any] = {"kind": self.nms_kind, "beta": self.beta_nms, **self.most}
        kept = nms(boxes, found.scores, threshold=self.nms, **how)
        boxes_xyxy_px = fit.to_pixels(kept.boxes_xyxy) if self.relative else kept.boxes_xyxy
        return replace(kept, boxes_xyxy=clip(boxes_xyxy_px, fit.image_size), dropped=found.dropped)
