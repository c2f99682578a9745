"""What became of every detection and every truth, kept so that figures are computed without matching again.

A detection has one bit for each of `CELLS`: ten IoU thresholds in each of four ranges of area, as in COCO.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from darknet_py.errors import DataError, quoted
from darknet_py.files.atomic import publish_bytes
from darknet_py.scoring.tables import Doubles, Ints

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # of IoU
AREAS = {  # square pixels, both ends included
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
CELLS = len(AREAS) * len(THRESHOLDS)  # bit = area * 10 + threshold
MOST = 100  # detections of one class in one image that count
PLANES = {"scores": 8, "hits": CELLS // 8, "ignored": CELLS // 8}  # bytes of a number that are stored
LARGEST = 1 << 30  # bytes of a file; a million detections take some 12 MB
DAMAGE = (  # what zipfile and numpy raise where bytes of a file are wrong
    *(ValueError, TypeError, LookupError, EOFError, SyntaxError, RuntimeError),
    *(struct.error, zipfile.BadZipFile, zlib.error),
)

Bits = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Matches:
    """Detections in the order in which they are counted: by class, then by falling score.

    Equal scores keep the order of images, then that of the results. Of a class in an image, `MOST` are kept.

    Args:
        image_ids, category_ids: in ascending order; images and classes below are indices of these.
        starts: where the detections of each class begin, and the end of the last, (K + 1,).
        images: the image of each detection, (B,).
        scores: of each detection, (B,).
        ranks: of a detection among those of its class in its image, from 0, (B,).
        hits: the cells in which a detection has a truth, (B,).
        ignored: the cells in which it does not count: its truth is a crowd or outside the range of areas, or
            it has none and is itself outside, (B,).
        truth_images, truth_labels: of each truth, (T,).
        truth_areas: the ranges of area that a truth counts in, bit by bit; none for a crowd, (T,).
    """

    image_ids: Ints
    category_ids: Ints
    starts: Ints
    images: npt.NDArray[np.uint32]
    scores: Doubles
    ranks: npt.NDArray[np.uint8]
    hits: Bits
    ignored: Bits
    truth_images: npt.NDArray[np.uint32]
    truth_labels: npt.NDArray[np.uint32]
    truth_areas: npt.NDArray[np.uint8]

    def truths_per_class(self) -> Ints:
        """Truths that count, by class and range of areas, (K, 4)."""
        bits = (self.truth_areas[:, None] >> np.arange(len(AREAS), dtype=np.uint8)) & 1
        truths = np.zeros((len(self.category_ids), len(AREAS)), np.int64)
        np.add.at(truths, self.truth_labels, bits)
        return truths

    def to_bytes(self) -> bytes:
        """The content of a file of matches, compressed: at most 12 bytes a detection."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, width in PLANES.items():  # byte by byte, for most bytes equal those of the next detection
            arrays[name] = np.ascontiguousarray(arrays[name]).view(np.uint8).reshape(-1, 8)[:, :width].T
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in arrays.items():
                # numpy's savez stores the time, and equal runs would have different files
                entry = zipfile.ZipInfo(f"{name}.npy")
                entry.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(entry, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)
        return buffer.getvalue()

    def save(self, path: Path) -> None:
        """Write a file that `load_matches` reads; it appears when it is complete."""
        publish_bytes(path, self.to_bytes())


def load_matches(path: Path) -> Matches:
    """Read a file of `Matches.save`.

    Raises: DataError: when it is none, or is damaged.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"has more than {LARGEST} bytes, which no file of matches has", where=path)
        return matches_from_bytes(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=path) from None
    except DAMAGE as error:
        hint = "`darknet-py score` computes matches again, from detections.json"
        raise DataError(
            f"is no file of matches, or is damaged: {quoted(error)}", where=path, hint=hint
        ) from None


def matches_from_bytes(data: bytes) -> Matches:
    """What `Matches.to_bytes` wrote.

    Raises: `DAMAGE`: when it is something else.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(info.file_size for info in archive.infolist()) > LARGEST:
            raise ValueError(f"it unpacks to more than {LARGEST} bytes")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {field.name: file[field.name] for field in fields(Matches)}
    for name, width in PLANES.items():
        if arrays[name].dtype != np.uint8 or arrays[name].shape[:1] != (width,):
            raise ValueError(f"{name} has another form")
        wide = np.zeros((arrays[name].shape[1], 8), np.uint8)
        wide[:, :width] = arrays[name].T
        arrays[name] = wide.view(np.float64 if name == "scores" else np.uint64)[:, 0]
    matches = Matches(**arrays)
    _check(matches)
    return matches


def _check(matches: Matches) -> None:
    """Check that the arrays of a file belong together.

    Raises: ValueError: when they do not.
    """
    detections, truths, classes = (
        len(getattr(matches, name)) for name in ("scores", "truth_images", "category_ids")
    )
    counts = {"starts": classes + 1, "truth_labels": truths, "truth_areas": truths}
    counts |= dict.fromkeys(("images", "ranks", "hits", "ignored"), detections)
    for name, count in counts.items():
        array = getattr(matches, name)
        if array.shape != (count,) or array.dtype.kind not in "iu":
            raise ValueError(f"{name} has {array.size} numbers, expected {count}")
    limits = {
        "images": len(matches.image_ids),
        "truth_images": len(matches.image_ids),
        "truth_labels": classes,
    }
    for name, limit in limits.items():
        if (getattr(matches, name) >= limit).any():
            raise ValueError(f"{name} has an index of {limit} or more")
    if (np.diff(matches.starts, prepend=0, append=detections) < 0).any() or matches.starts[0]:
        raise ValueError("starts do not ascend")


def merged(parts: Sequence[Matches]) -> Matches:
    """The matches of a data set whose images several processes shared.

    Args:
        parts: each with all truths, and the detections of images that no other part has.
    """
    first = parts[0]
    labels = np.concatenate([np.repeat(np.arange(len(p.category_ids)), np.diff(p.starts)) for p in parts])
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("images", "scores", "ranks", "hits", "ignored")
    }
    order = np.lexsort((columns["ranks"], columns["images"], -columns["scores"], labels))
    starts = np.searchsorted(labels[order], np.arange(len(first.starts)))
    return replace(first, starts=starts, **{name: column[order] for name, column in columns.items()})
