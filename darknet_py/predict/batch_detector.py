"""A network made ready to detect: batches of images in, Detections in the images' own pixels out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np

from darknet_py.boxes import clip
from darknet_py.data.images.channels import check_channels, in_channels
from darknet_py.errors import UsageError, quoted
from darknet_py.predict.decode import Candidates, candidates
from darknet_py.predict.detections import Detections
from darknet_py.predict.letterbox import Fit, fit_for
from darknet_py.predict.nms import NMS_KINDS, NmsSettings, nms

if TYPE_CHECKING:
    from darknet_py.engines.base import Engine, Floats
    from darknet_py.graph.graph import Graph
    from darknet_py.layers.net import Net


@dataclass(frozen=True)
class DetectorSettings:
    """How a network's raw maps become detections.

    Args:
        threshold: of the objectness and of each score, 0..1.
        nms: threshold of the overlap, 0..1.
        batch: images that run at once.
        relative: NMS measures in fractions of the image, as `detector test`; else in pixels, as `detector
            valid`. It matters to `greedynms` and `diounms`.
        keep_per_class: detections of one class that an image has at most, the best; without, all.
        keep: detections that an image has at most, the best; without, all.
        clip: boxes are clipped to the image; Darknet's `map` counts them as they are.
        nms_kind: of Darknet; without, the one of the last head.
        letterbox: images keep their shape, or are stretched; without, as `[net] letter_box` says.

    Raises:
        UsageError: when a threshold is not in 0..1, or `batch` is less than 1.
    """

    threshold: float = 0.25
    nms: float = 0.45
    batch: int = 1
    relative: bool = True
    keep_per_class: int | None = None
    keep: int | None = None
    clip: bool = True
    nms_kind: str | None = None
    letterbox: bool | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, value in (("threshold", self.threshold), ("nms", self.nms)):
            if not isinstance(value, Real):
                raise UsageError(f"{name} is {quoted(repr(value))}, and must be a number in 0..1")
            if not 0 <= value <= 1:  # NaN too
                raise UsageError(f"{name} is {value}, and must lie in 0..1")
        if self.nms_kind not in (None, *NMS_KINDS):
            kinds = ", ".join(NMS_KINDS)
            raise UsageError(f"nms_kind is {quoted(self.nms_kind)}, and must be one of {kinds}")
        if not isinstance(self.batch, Integral):
            raise UsageError(f"batch is {quoted(repr(self.batch))}, and must be a whole number")
        if self.batch < 1:
            raise UsageError(f"batch is {self.batch}, and must be at least 1")


def _check_classes(graph: Graph) -> None:
    """Refuse heads with other numbers of classes than the last, which alone Darknet makes room for."""
    last = graph.head_layers[-1].classes
    for index, head in zip(graph.heads, graph.head_layers, strict=True):
        if head.classes != last:
            message = f"layer {index} has {head.classes} classes, and layer {graph.heads[-1]} has {last}"
            raise UsageError(message, hint="a label is one class: set the same `classes` in every head")


def fitted_images(net: Net, images: Sequence[np.ndarray], fits: Sequence[Fit]) -> Floats:
    """Images in the channels of a network, each fitted to its input, (N, C, H, W)."""
    fitted = np.empty((len(images), net.channels, net.height, net.width), np.float32)
    for image, fit, out in zip(images, fits, fitted, strict=True):
        fit.apply(in_channels(image, net.channels), out)
    return fitted


class BatchDetector:
    """Fit, network, decode, NMS, and back to pixels: what Darknet's `detector test` does with an image.

    The kind of NMS and its beta come from the last head, as in Darknet.

    Args:
        engine: what runs the network.
        names: of the classes, for the Detections.

    Raises:
        UsageError: when the network has no head, heads of different classes, or its input is no image.
    """

    def __init__(
        self, engine: Engine, settings: DetectorSettings | None = None, *, names: Sequence[str] = ()
    ) -> None:
        """Check that the network detects."""
        self.engine, self.graph, self.names = engine, engine.graph, tuple(names)
        self.settings = settings or DetectorSettings()
        if not self.graph.heads:
            raise UsageError("the network has no head such as [yolo] or [region], so it detects nothing")
        check_channels(self.graph)
        _check_classes(self.graph)
        last = self.graph.head_layers[-1]
        self.nms_settings = NmsSettings(
            threshold=self.settings.nms,
            kind=self.settings.nms_kind or last.nms_kind,
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
            fits = [self.fit(image.shape[:2]) for image in batch]
            yield from self.found(self.engine(self.inputs(batch, fits)), fits)

    def fit(self, image_size: tuple[int, int]) -> Fit:
        """How an image of this (height, width) is fitted to the network's input."""
        return fit_for(self.graph.net, image_size, letterbox=self.settings.letterbox)

    def inputs(self, images: Sequence[np.ndarray], fits: Sequence[Fit]) -> Floats:
        """What the engine is given: the images in the network's channels, each fitted, (N, C, H, W)."""
        return fitted_images(self.graph.net, images, fits)

    def found(self, raws: Sequence[Floats], fits: Sequence[Fit]) -> Iterator[Detections]:
        """The detections of each image, from the raw maps that the engine gave."""
        decoded = candidates(self.graph, raws, threshold=self.settings.threshold)
        for fit, each in zip(fits, decoded, strict=True):
            yield self._suppress(fit, each)

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
        return replace(
            kept,
            boxes_xyxy=boxes_xyxy_px,
            names=self.names,
            dropped=found.dropped,
            image_size=fit.image_size,
        )
