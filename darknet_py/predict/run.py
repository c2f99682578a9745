"""Detect in many images: one entry each, drawn pictures beside, and one bad image does not stop the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from darknet_py.data.images.read import read_image
from darknet_py.errors import DataError, UsageError, quoted
from darknet_py.files.atomic import publish_bytes
from darknet_py.predict.decode import Detections
from darknet_py.predict.detector import Detector
from darknet_py.predict.drawing import draw
from darknet_py.predict.sources import output_paths

LISTED = 5  # bad images named in the summary; the entries name them all


def detect_paths(
    detector: Detector,
    paths: Sequence[Path],
    names: Sequence[str],
    *,
    out: Path | None,
    keep_going: bool = False,
) -> Iterator[dict[str, Any]]:
    """Detect in each image, in order.

    Args:
        detector: what finds the boxes.
        paths: the images.
        names: of the classes.
        out: folder for the drawn pictures, made when missing; None draws nothing.
        keep_going: an image that cannot be read is no reason to fail in the end.

    Yields:
        {"image", "width", "height", "detections": [{"label", "class", "score", "box_xyxy"}]} with boxes in
        pixels, or {"image", "error"} for an image that cannot be read. When the network gave boxes that are
        not finite, "dropped" says how many.

    Raises:
        DataError: after the last image, when some could not be read and `keep_going` is false.
        UsageError: before the first, when a drawn picture would overwrite an input; or when one cannot be
            written.
    """
    outputs = output_paths(paths, out) if out is not None else [None] * len(paths)
    bad: list[Path] = []
    for start in range(0, len(paths), detector.batch):
        chunk = slice(start, start + detector.batch)
        entries = _of_chunk(detector, paths[chunk], names, outputs[chunk])
        for path, entry in zip(paths[chunk], entries, strict=True):
            bad += [path] if "error" in entry else []
            yield entry
    if bad and not keep_going:
        hint = "the other images are done; --keep-going accepts this"
        raise DataError(_summary(bad, len(paths)), hint=hint)


def line(entry: dict[str, Any]) -> str:
    """An entry as text: a line for the image, and an indented one per detection.

    >>> dog = {"class": "dog", "score": 0.87, "box_xyxy": [121.2, 33, 410, 402]}
    >>> print(line({"image": "dog.jpg", "detections": [dog]}))
    dog.jpg: 1 detection
      dog 87% at 121,33 - 410,402
    """
    if "error" in entry:
        return str(entry["error"])
    image = quoted(entry["image"], limit=4096)
    found = entry["detections"]
    count = f"{len(found)} detection{'' if len(found) == 1 else 's'}"
    lost = f" ({entry['dropped']} boxes that are not finite are left out)" if "dropped" in entry else ""
    return "\n".join([f"{image}: {count}{lost}", *(f"  {_one_line(each)}" for each in found)])


def _one_line(detection: dict[str, Any]) -> str:
    left, top, right, bottom = (round(value) for value in detection["box_xyxy"])
    return f"{quoted(detection['class'])} {detection['score']:.0%} at {left},{top} - {right},{bottom}"


def _summary(bad: Sequence[Path], total: int) -> str:
    named = ", ".join(quoted(path) for path in bad[:LISTED])
    more = f", and {len(bad) - LISTED} more" if len(bad) > LISTED else ""
    return f"{len(bad)} of {total} images could not be read: {named}{more}"


def _of_chunk(
    detector: Detector, paths: Sequence[Path], names: Sequence[str], outputs: Sequence[Path | None]
) -> Iterator[dict[str, Any]]:
    read = [_read(path) for path in paths]
    found = detector.detect(pixels for pixels in read if isinstance(pixels, np.ndarray))
    for path, pixels, output in zip(paths, read, outputs, strict=True):
        if isinstance(pixels, DataError):
            yield {"image": str(path), "error": str(pixels)}
            continue
        detections = next(found)
        if output is not None:
            publish_picture(output, draw(pixels, detections, names))
        yield _entry(path, pixels, detections, names)


def _read(path: Path) -> np.ndarray | DataError:
    try:
        return read_image(path)
    except DataError as error:
        return error


def _entry(path: Path, pixels: np.ndarray, detections: Detections, names: Sequence[str]) -> dict[str, Any]:
    found = zip(
        detections.labels.tolist(), detections.scores.tolist(), detections.boxes_xyxy.tolist(), strict=True
    )
    entry = {
        "image": str(path),
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "detections": [
            {
                "label": label,
                "class": names[label],
                "score": round(score, 6),
                "box_xyxy": [round(v, 2) for v in box],
            }
            for label, score, box in found
        ],
    }
    return entry | ({"dropped": detections.dropped} if detections.dropped else {})


def publish_picture(path: Path, picture: np.ndarray) -> None:
    """Encode (H, W, 3) uint8 RGB as the ending of `path` says, and publish it; a missing folder is made.

    Raises:
        UsageError: when it cannot be written.
    """
    import cv2

    done, encoded = cv2.imencode(path.suffix, np.ascontiguousarray(picture[..., ::-1]))  # OpenCV speaks BGR
    assert done, path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        publish_bytes(path, encoded.tobytes())
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=path) from None
