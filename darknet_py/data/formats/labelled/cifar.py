"""CIFAR-10 as torchvision keeps it: `cifar-10-batches-py`, five files to train on and one to test.

Krizhevsky, "Learning multiple layers of features from tiny images", 2009. The files are Python pickles; only
what an array of numbers needs is let through, so that a file from elsewhere cannot run anything.
"""

from __future__ import annotations

from pathlib import Path
from pickle import Unpickler, UnpicklingError
from typing import Any

import numpy as np

from darknet_py.data.dataset import SPLITS
from darknet_py.data.formats.labelled.base import Labelled
from darknet_py.errors import DataError, quoted

FOLDER = "cifar-10-batches-py"
FILES = {"train": tuple(f"data_batch_{k}" for k in range(1, 6)), "val": ("test_batch",)}
SIDE = 32
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): "numpy._core.multiarray",
    ("numpy._core.multiarray", "_reconstruct"): "numpy._core.multiarray",
    ("numpy", "ndarray"): "numpy",
    ("numpy", "dtype"): "numpy",
}


class Cifar10(Labelled):
    """60,000 pictures of 32 x 32 pixels in ten classes.

    Args:
        folder: `cifar-10-batches-py`, or the folder that holds it.
        split: "train" (50,000) or "val" (10,000, CIFAR's test images).

    Raises: DataError: when a file is missing or is not one of CIFAR's.
    """

    def __init__(self, folder: Path, *, split: str) -> None:
        """Read all pictures of a split."""
        if split not in SPLITS:
            raise DataError(f"has no split `{quoted(split)}`; it has {' and '.join(SPLITS)}", where=folder)
        home = folder / FOLDER if (folder / FOLDER).is_dir() else folder
        names = _read(home / "batches.meta").get("label_names")
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise DataError("names no classes", where=home / "batches.meta")
        self.names = tuple(names)
        self.category_ids, self.dropped = tuple(range(1, len(names) + 1)), {}
        parts = [_pictures(home / file, len(names)) for file in FILES[split]]
        self._pixels = np.concatenate([pixels for pixels, _ in parts])
        self.labels = np.concatenate([labels for _, labels in parts])

    @classmethod
    def recognises(cls, spec: str) -> bool:
        """Whether a folder is or holds CIFAR-10's files."""
        return Path(spec, FOLDER, "batches.meta").is_file() or Path(spec, "batches.meta").is_file()

    @classmethod
    def from_spec(cls, spec: str, *, split: str, seed: int = 0) -> Cifar10:
        """Open a folder."""
        return cls(Path(spec), split=split)

    def name(self, index: int) -> str:
        """Return the number of a picture, in the order of the files."""
        return f"{index:05d}"

    def size(self, index: int) -> tuple[int, int]:
        """All are 32 x 32."""
        return SIDE, SIDE

    def pixels(self, index: int) -> np.ndarray:
        """Return one picture; not to be written into."""
        pixels: np.ndarray = self._pixels[index]
        return pixels


class _Arrays(Unpickler):
    """Reads lists, texts, numbers and arrays, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """Only what arrays are made of."""
        known = ALLOWED.get((module, name))
        if known is None:
            raise UnpicklingError(f"it asks for {module}.{name}")
        return getattr(__import__(known, fromlist=[name]), name)


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            found = _Arrays(stream, encoding="latin1").load()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=file) from None
    except Exception as error:  # a damaged pickle raises almost anything
        raise DataError(f"is not a file of CIFAR-10: {quoted(error)}", where=file) from None
    if not isinstance(found, dict):
        raise DataError("is not a file of CIFAR-10: it holds no dictionary", where=file)
    return found


def _pictures(file: Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, 32, 32, 3) uint8 and (N,) labels of a file."""
    found = _read(file)
    data, labels = found.get("data"), found.get("labels")
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (3 * SIDE * SIDE,):
        raise DataError(f"holds no pictures of 3 x {SIDE} x {SIDE} bytes", where=file)
    if not len(data):
        raise DataError("holds no pictures", where=file)
    if not isinstance(labels, list) or len(labels) != len(data):
        raise DataError("holds not one label for each picture", where=file)
    if not all(isinstance(label, int) and 0 <= label < classes for label in labels):
        raise DataError(f"holds a label that is not 0 to {classes - 1}", where=file)
    pictures = data.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pictures), np.array(labels, np.int64)
