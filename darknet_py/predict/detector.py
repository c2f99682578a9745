"""`darknet_py.Detector`: a cfg and weights made ready to find objects in images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, overload

import numpy as np
from PIL import Image

from darknet_py.cfg.document import Document
from darknet_py.cfg.shipped import open_cfg
from darknet_py.data.images.read import read_image
from darknet_py.errors import DataError, UsageError
from darknet_py.lint.check import compile_checked
from darknet_py.model.device import usable
from darknet_py.model.network import Network
from darknet_py.model.restoring import restore
from darknet_py.model.weights import load_weights
from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
from darknet_py.predict.detections import Detections
from darknet_py.predict.names import class_names

PixelSource = str | Path | Image.Image | np.ndarray
PixelSourceT = TypeVar("PixelSourceT", bound=PixelSource)


class Detector(BatchDetector):
    """Find objects in images.

    >>> detector = Detector("yolov3-tiny", "yolov3-tiny.weights")
    >>> [(found.name, round(found.score, 2)) for found in detector("dog.jpg")]
    [('dog', 0.82), ('bicycle', 0.69), ('car', 0.66)]

    Args:
        cfg: a file, a shipped cfg by name, a text, a Document, or a Network.
        weights: a complete `.weights` file; needed unless `cfg` is a Network.
        threshold: the lowest score of a detection, 0..1.
        nms: overlap above which the weaker of two boxes of a class is left out, 0..1.
        device: `cpu`, `cuda`, `cuda:1` or `mps`.
        names: of the classes, or the file that lists them, one a line; without, the `.names` file next to the
            weights or the cfg, or COCO's names for 80 classes.

    Raises:
        CfgError, WeightsError, DataError: when the cfg, the weights or the file of names cannot be used.
        UsageError: when a number is out of its range, the device is not there, or weights are missing.
    """

    def __init__(
        self,
        cfg: str | Path | Document | Network,
        weights: str | Path | None = None,
        *,
        threshold: float = 0.25,
        nms: float = 0.45,
        device: str = "cpu",
        names: str | Path | Sequence[str] | None = None,
    ) -> None:
        """Read the files."""
        settings = DetectorSettings(threshold=threshold, nms=nms, device=usable(device))
        if isinstance(cfg, Network):
            network, files = cfg, []
            if weights is not None:
                load_weights(network, weights)
        elif weights is None:
            raise UsageError("a detector needs weights", hint="Detector(cfg, weights), or load the Network")
        else:
            document = open_cfg(cfg)
            network, files = restore(compile_checked(document), weights), [Path(document.path)]
        if weights is not None:
            files.insert(0, Path(weights))
        classes = network.graph.head_layers[-1].classes if network.graph.heads else 0
        super().__init__(network, settings, names=_names(names, classes, files))

    @overload
    def __call__(self, image: PixelSource) -> Detections: ...
    @overload
    def __call__(self, image: list[PixelSourceT]) -> list[Detections]: ...
    def __call__(self, image: PixelSource | list[PixelSourceT]) -> Detections | list[Detections]:
        """Detect in one image, or in each of several.

        Args:
            image: a file, a PIL image, or an (H, W, 3) uint8 RGB array, for a cfg with channels=1 also an
                (H, W) grey one; or a list of such.

        Returns:
            Detections with boxes_xyxy in pixels, clipped to the image, best first; of a list, a list.

        Raises:
            DataError: when a file is not an image, or an array has another shape or type.
        """
        grey = self.graph.net.channels == 1
        if isinstance(image, (str, Path, Image.Image, np.ndarray)):
            return next(self.detect([pixels_of(image, grey=grey)]))
        return list(self.detect(pixels_of(one, grey=grey) for one in image))


def pixels_of(image: PixelSource, *, grey: bool = False) -> np.ndarray:
    """An image as an (H, W, 3) uint8 RGB array.

    Args:
        grey: an array may also be (H, W) or (H, W, 1), which becomes three equal channels.

    Raises:
        DataError: when the file is not an image, or the array has another shape or type.
    """
    if isinstance(image, (str, Path)):
        return read_image(image)
    if isinstance(image, Image.Image):
        return np.array(image.convert("RGB"))
    if grey and image.ndim in (2, 3) and image.shape[2:] in ((), (1,)):
        image = np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        found = f"{' x '.join(map(str, image.shape))} {image.dtype}"
        expected = "H x W x 3 uint8 (RGB)" + (" or H x W (grey)" if grey else "")
        raise DataError(f"an image is an array of {expected}, and this one is {found}")
    return image


def _names(names: str | Path | Sequence[str] | None, classes: int, files: Sequence[Path]) -> Sequence[str]:
    if names is None or isinstance(names, (str, Path)):
        return class_names(classes, file=Path(names) if names else None, neighbours=files)
    if len(names) != classes:
        raise DataError(f"{len(names)} names are given; the network has {classes} classes")
    return names
