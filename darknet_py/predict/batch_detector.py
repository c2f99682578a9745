"""A network made ready to detect: batches of images in, Detections in the images' own pixels out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from darknet_py.boxes import clip
from darknet_py.data.images.channels import check_channels, in_channels
from darknet_py.errors import UsageError
from darknet_py.predict.decode import Candidates, candidates
from darknet_py.predict.detections import Detections
from darknet_py.predict.letterbox import Fit, fit_for
from darknet_py.predict.nms import NmsSettings, nms

if TYPE_CHECKING:
    from darknet_py.model.network import Network


@dataclass(frozen=True)
class DetectorSettings:
    """How a network's raw maps become detections.

    Args:
        threshold: of the objectness and of each score, 0..1.
        nms: threshold of the overlap, 0..1.
        device: where the network runs.
        batch: images that run at once.
        relative: NMS measures in fractions of the image, as `detector test`; else in pixels, as `detector
            valid`. It matters to `greedynms` and `diounms`.
        keep_per_class: detections of one class that an image has at most, the best; without, all.
        keep: detections that an image has at most, the best; without, all.
        clip: boxes are clipped to the image; Darknet's `map` counts them as they are.

    Raises:
        UsageError: when a threshold is not in 0..1, or `batch` is less than 1.
    """

    threshold: float = 0.25
    nms: float = 0.45
    device: str = "cpu"
    batch: int = 1
    relative: bool = True
    keep_per_class: int | None = None
    keep: int | None = None
    clip: bool = True

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, value in (("threshold", self.threshold), ("nms", self.nms)):
            if not 0 <= value <= 1:  # NaN too
                raise UsageError(f"{name} is {value}, and must lie in 0..1")
        if self.batch < 1:
            raise UsageError(f"batch is {self.batch}, and must be at least 1")


class BatchDetector:
    """Fit, network, decode, NMS, and back to pixels: what Darknet's `detector test` does with an image.

    The kind of NMS and its beta come from the last head, as in Darknet.

    Args:
        network: it is moved to the device, laid out channels last, and put in evaluation mode.
        names: of the classes, for the Detections.

    Raises:
        UsageError: when the network has no head, or its input is no image.
    """

    def __init__(
        self, network: Network, settings: DetectorSettings | None = None, *, names: Sequence[str] = ()
    ) -> None:
        """Move the network to the device."""
        self.settings, self.graph, self.names = settings or DetectorSettings(), network.graph, tuple(names)
        if not self.graph.heads:
            raise UsageError("the network has no head such as [yolo] or [region], so it detects nothing")
        check_channels(self.graph)
        # yolov3-tiny takes 37 ms on two threads, and 51 ms with channels first
        self.network = network.to(self.settings.device).to(memory_format=torch.channels_last)
        last = self.graph.head_layers[-1]
        self.nms_settings = NmsSettings(
            threshold=self.settings.nms,
            kind=last.nms_kind,
            beta=last.beta_nms,
            keep_per_class=self.settings.keep_per_class,
            keep=self.settings.keep,
        )

    def detect(self, images: Iterable[np.ndarray]) -> Iterator[Detections]:
        """Detections of each image, in order; reads `batch` images ahead and no more.

        Args:
            images: (H, W, 3) uint8 RGB, of any sizes.

        Yields:
            Detections with boxes_xyxy in pixels, in descending score; see `DetectorSettings.clip`.
        """
        waiting = iter(images)
        while batch := list(islice(waiting, self.settings.batch)):
            yield from self._detect_batch(batch)

    def _detect_batch(self, images: list[np.ndarray]) -> list[Detections]:
        self.network.eval()
        fits = [fit_for(self.graph.net, image.shape[:2]) for image in images]
        with torch.inference_mode():
            read = [in_channels(image, self.graph.net.channels) for image in images]
            inputs = torch.stack([fit.apply(image) for fit, image in zip(fits, read, strict=True)])
            inputs = inputs.to(self.settings.device)
            raws = self.network(inputs.contiguous(memory_format=torch.channels_last))
            return self.from_raw_maps(fits, raws)

    def from_raw_maps(self, fits: Sequence[Fit], raws: Sequence[Tensor]) -> list[Detections]:
        """Decode what the network computed of some images, and suppress.

        Args:
            fits: how each image was fitted to the input.
            raws: one map (N, C, H, W) per head, before its sigmoid.
        """
        found = candidates(self.graph, raws, threshold=self.settings.threshold)
        return [self._suppress(fit, each) for fit, each in zip(fits, found, strict=True)]

    def _suppress(self, fit: Fit, found: Candidates) -> Detections:
        fractions = fit.correct(found.boxes_cxcywh_fraction)
        if self.settings.relative:
            kept = nms(fractions, found.scores, self.nms_settings)
            boxes_xyxy_px = fit.to_pixels(kept.boxes_xyxy)
        else:
            kept = nms(fit.to_pixels(fractions), found.scores, self.nms_settings)
            boxes_xyxy_px = kept.boxes_xyxy
        if self.settings.clip:
            boxes_xyxy_px = clip(boxes_xyxy_px, fit.image_size)
        return replace(kept, boxes_xyxy=boxes_xyxy_px, names=self.names, dropped=found.dropped)
