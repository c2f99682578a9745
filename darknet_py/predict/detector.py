"""`darknet_py.Detector`: a cfg and weights made ready to find objects in images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, overload

from darknet_py.cfg.document import Document
from darknet_py.engines.onnx_file import ENDING, OnnxFileEngine
from darknet_py.engines.opening import open_given
from darknet_py.errors import DataError, UsageError
from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
from darknet_py.predict.detections import Detections
from darknet_py.predict.names import class_names
from darknet_py.predict.pixels import pixels_of, several_images

if TYPE_CHECKING:
    from darknet_py.model.network import Network
    from darknet_py.predict.pixels import PixelSource

    Listed = list[PixelSource] | tuple[PixelSource, ...]


class Detector(BatchDetector):
    """Find objects in images.

    >>> detector = Detector("yolov3-tiny", "yolov3-tiny.weights")
    >>> [(found.name, round(found.score, 2)) for found in detector("dog.jpg")]
    [('dog', 0.82), ('bicycle', 0.69), ('car', 0.66)]

    Args:
        cfg: a file, a shipped cfg by name, a text, a Document, a Network, or an ONNX file of `export`.
        weights: a complete `.weights` file; needed unless `cfg` is a Network or an ONNX file.
        threshold: the lowest score of a detection, 0..1.
        nms: overlap above which the weaker of two boxes of a class is left out, 0..1.
        device: `cpu`, `cuda`, `cuda:1` or `mps`.
        names: of the classes, or the file that lists them, one a line; without, the `.names` file next to the
            weights or the cfg, or COCO's names for 80 classes.
        batch: images that run at once, of several.
        engine: what runs the network: `onnxruntime`, `torch`, `openvino`, or `auto`, which is onnxruntime on
            a CPU if it can, else torch.

    Raises:
        CfgError, WeightsError, DataError: when the cfg, the weights or the file of names cannot be used.
        UsageError: when a number is out of its range, the device or the engine is not there, or
            weights are missing.
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
        batch: int = 1,
        engine: str = "auto",
    ) -> None:
        """Read the files."""
        settings = DetectorSettings(threshold=threshold, nms=nms, batch=batch)
        if model := _onnx_file(cfg):
            if weights is not None:
                hint = "Detector(cfg, weights), or Detector('net.onnx') alone"
                message = "is a complete network, and weights are given as well"
                raise UsageError(message, where=model, hint=hint)
            opened_file = OnnxFileEngine(model, engine=engine, device=device)
            super().__init__(opened_file, settings)
            classes = len(opened_file.names)
            self.names = opened_file.names if names is None else tuple(_names(names, classes, ()))
            return
        if isinstance(cfg, (str, Path, Document)) and weights is None:
            raise UsageError(
                "a detector needs weights", hint="Detector(cfg, weights), or Detector('net.onnx')"
            )
        opened = open_given(cfg, weights, engine=engine, device=device)
        files = [Path(weights)] if weights is not None else []
        if isinstance(cfg, (str, Path, Document)):
            files.append(Path(opened.graph.document.path))
        super().__init__(opened, settings)
        self.names = tuple(_names(names, self.graph.head_layers[-1].classes, files))

    @overload
    def __call__(self, images: PixelSource) -> Detections: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, images: Listed) -> list[Detections]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, images: Iterable[PixelSource]) -> Iterator[Detections]: ...
    def __call__(
        self, images: PixelSource | Iterable[PixelSource]
    ) -> Detections | list[Detections] | Iterator[Detections]:
        """Detect in one image, or in each of several.

        Args:
            images: a file, a PIL image, or an (H, W, 3) uint8 RGB array, for a cfg with channels=1 also an
                (H, W) grey one; or several such.

        Returns:
            Detections with boxes_xyxy in pixels, clipped to the image, best first. A list of them for a list
            or a tuple. For anything else that is iterable, such as a generator, an iterator, which reads
            `batch` images at a time, when their detections are asked for.

        Raises:
            DataError: when a file is not an image, or an array has another shape or type.
        """
        grey = self.graph.net.channels == 1
        several = several_images(images)
        if several is None:
            return next(self.detect([pixels_of(images, grey=grey)]))
        found = self.detect(pixels_of(one, grey=grey) for one in several)
        return list(found) if isinstance(several, (list, tuple)) else found


def _onnx_file(cfg: object) -> Path | None:
    """The path of an exported file, if it is one."""
    if not isinstance(cfg, (str, Path)) or "\n" in str(cfg) or Path(cfg).suffix.lower() != ENDING:
        return None
    return Path(cfg)


def _names(names: str | Path | Sequence[str] | None, classes: int, files: Sequence[Path]) -> Sequence[str]:
    if names is None or isinstance(names, (str, Path)):
        return class_names(classes, file=Path(names) if names else None, neighbours=files)
    if len(names) != classes:
        raise DataError(f"{len(names)} names are given; the network has {classes} classes")
    return names
