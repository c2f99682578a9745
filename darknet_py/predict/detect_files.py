"""Detect in many image files: an entry for each, drawn pictures, and one bad image does not stop the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from darknet_py.data.images.read import read_image
from darknet_py.errors import DataError, UsageError, quoted
from darknet_py.files.atomic import publish_bytes
from darknet_py.predict.batch_detector import BatchDetector
from darknet_py.predict.detections import Detections
from darknet_py.predict.drawing import draw
from darknet_py.predict.sources import MissingImage, output_paths

Found = Path | MissingImage
NAMED = 5  # bad images named in the summary; the entries name them all


def detect_files(
    detector: BatchDetector, images: Sequence[Found], *, out: Path | None, keep_going: bool = False
) -> Iterator[dict[str, Any]]:
    """Detect in each image, in order.

    Args:
        detector: what finds the boxes; it has the names of the classes.
        out: folder for the drawn pictures, made when missing; None draws nothing.
        images: as `find_images` gives them.
        keep_going: an image that cannot be read does not make the call fail in the end.

    Yields:
        {"image", "width", "height", "detections": [{"label", "class", "score", "box_xyxy"}]} with boxes in
        pixels, or {"image", "error"} for an image that cannot be read. When the network gave boxes that are
        not finite, "dropped" counts them.

    Raises:
        DataError: after the last image, when some could not be read and `keep_going` is false.
        UsageError: when a drawn picture would overwrite an input, before the first, or cannot be written.
    """
    paths = [image.path if isinstance(image, MissingImage) else image for image in images]
    outputs = output_paths(paths, out) if out is not None else [None] * len(paths)
    bad: list[Path] = []
    for start in range(0, len(paths), detector.settings.batch):
        chunk = slice(start, start + detector.settings.batch)
        read = [_read(image) for image in images[chunk]]
        found = detector.detect(pixels for pixels in read if isinstance(pixels, np.ndarray))
        for path, pixels, output in zip(paths[chunk], read, outputs[chunk], strict=True):
            if isinstance(pixels, DataError):
                bad.append(path)
                yield {"image": str(path), "error": str(pixels)}
                continue
            detections = next(found)
            if output is not None:
                publish_picture(output, draw(pixels, detections))
            yield _entry(path, pixels, detections)
    if bad and not keep_going:
        hint = "the other images are done; --keep-going accepts this"
        raise DataError(unread_text(bad, len(paths)), hint=hint)


def unread_text(bad: Sequence[Path | str], total: int) -> str:
    """How many images could not be read, and the first of them."""
    named = ", ".join(quoted(path) for path in bad[:NAMED])
    more = f", and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    return f"{len(bad)} of {total} images could not be read: {named}{more}"


def _read(image: Found) -> np.ndarray | DataError:
    if isinstance(image, MissingImage):
        return image.error
    try:
        return read_image(image)
    except DataError as error:
        return error


def _entry(path: Path, pixels: np.ndarray, detections: Detections) -> dict[str, Any]:
    entry = {
        "image": str(path),
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "detections": [
            {
                "label": found.label,
                "class": found.name,
                "score": round(found.score, 6),
                "box_xyxy": [round(side, 2) for side in found.box_xyxy],
            }
            for found in detections
        ],
    }
    return entry | ({"dropped": detections.dropped} if detections.dropped else {})


def entry_text(entry: dict[str, Any]) -> str:
    """An entry as text: a line for the image, and an indented one per detection.

    >>> dog = {"class": "dog", "score": 0.87, "box_xyxy": [121.2, 33, 410, 402]}
    >>> print(entry_text({"image": "dog.jpg", "detections": [dog]}))
    dog.jpg: 1 detection
      dog 87% at 121,33 - 410,402
    """
    if "error" in entry:
        return str(entry["error"])
    image = quoted(entry["image"], limit=4096)
    found = entry["detections"]
    count = f"{len(found)} detection{'' if len(found) == 1 else 's'}"
    lost = f" ({entry['dropped']} boxes that are not finite are left out)" if "dropped" in entry else ""
    lines = [f"{image}: {count}{lost}"]
    for each in found:
        left, top, right, bottom = (round(value) for value in each["box_xyxy"])
        lines.append(f"  {quoted(each['class'])} {each['score']:.0%} at {left},{top} - {right},{bottom}")
    return "\n".join(lines)


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
