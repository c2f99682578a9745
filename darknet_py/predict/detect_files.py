"""Detect in many image files: an entry for each, drawn pictures, and one bad image does not stop the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from darknet_py.errors import DataError, quoted
from darknet_py.predict.batch_detector import BatchDetector
from darknet_py.predict.outputs.names import output_paths
from darknet_py.predict.outputs.pictures import Drawn
from darknet_py.predict.running import Detected, Running
from darknet_py.predict.sources.files import MissingImage
from darknet_py.predict.sources.frames import file_of

NAMED = 5  # bad images named in the summary; the entries name them all
KEEP_GOING = "the other images are done; --keep-going accepts this"


def detect_files(
    detector: BatchDetector,
    images: Sequence[Path | MissingImage],
    *,
    out: Path | None,
    keep_going: bool = False,
) -> Iterator[dict[str, Any]]:
    """Detect in each image, in order.

    Args:
        detector: what finds the boxes; it has the names of the classes.
        out: folder for the drawn pictures, made when missing; None draws nothing.
        images: as `find_images` gives them.
        keep_going: an image that cannot be read does not make the call fail in the end.

    Yields:
        What `entry_of` makes of each image.

    Raises:
        DataError: after the last image, when some could not be read and `keep_going` is false.
        UsageError: when a drawn picture would overwrite an input, before the first, or cannot be written.
    """
    outputs = [] if out is None else [Drawn(dict(enumerate(output_paths([*map(file_of, images)], out))))]
    bad: list[str] = []
    for detected in Running(detector, outputs).detect(images):
        entry = entry_of(detected)
        if "error" in entry:
            bad.append(entry["image"])
        yield entry
    if bad and not keep_going:
        raise DataError(unread_text(bad, len(images)), hint=KEEP_GOING)


def unread_text(bad: Sequence[Path | str], total: int, *, count: int | None = None) -> str:
    """How many images could not be read, and the first of them.

    Args:
        bad: the first `NAMED`, or all.
        count: how many they are; without, as many as `bad`.
    """
    count = len(bad) if count is None else count
    named = ", ".join(quoted(path) for path in bad[:NAMED])
    more = f", and {count - NAMED} more" if count > NAMED else ""
    return f"{count} of {total} images could not be read: {named}{more}"


def entry_of(detected: Detected) -> dict[str, Any]:
    """What was found in a frame, for JSON.

    Returns:
        {"image", "width", "height", "detections": [{"label", "class", "score", "box_xyxy"}]} with boxes in
        pixels, or {"image", "error"} for an image that cannot be read. A frame of a video also has "frame",
        its number from 0, and "seconds". When the network gave boxes that are not finite, "dropped" counts
        them.
    """
    frame, detections = detected
    if detections is None or frame.pixels is None:
        return {"image": frame.name, "error": str(frame.error)}
    of_video = {} if frame.number is None else {"frame": frame.number, "seconds": frame.seconds}
    entry = {
        "image": frame.name,
        **of_video,
        "width": frame.pixels.shape[1],
        "height": frame.pixels.shape[0],
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
    if "frame" in entry:
        image += f" frame {entry['frame']}"
    found = entry["detections"]
    count = f"{len(found)} detection{'' if len(found) == 1 else 's'}"
    lost = f" ({entry['dropped']} boxes that are not finite are left out)" if "dropped" in entry else ""
    lines = [f"{image}: {count}{lost}"]
    for each in found:
        left, top, right, bottom = (round(value) for value in each["box_xyxy"])
        lines.append(f"  {quoted(each['class'])} {each['score']:.0%} at {left},{top} - {right},{bottom}")
    return "\n".join(lines)
