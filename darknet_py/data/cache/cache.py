"""Images decoded once and kept.

What is kept is exactly what a decoder gave, at its full size, so a training is the same to the bit with and
without. An image is known by its file: the path, the size, and when content and file were last changed. A
file that is edited is decoded anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from darknet_py.data.cache.file_store import FileStore
from darknet_py.data.cache.memory_store import MemoryStore
from darknet_py.data.cache.store import KEY_BYTES, Store
from darknet_py.data.choices import CACHES
from darknet_py.data.dataset import Dataset, ImageReader

GIB = dict(zip(CACHES, (0.5, 10.0, 0.0), strict=True))  # unless the person says otherwise
DECODED = "upright 8-bit RGB of images.py, 1"  # another number where the same file gives other pixels


class Cache:
    """A store in front of a decoder."""

    def __init__(self, store: Store) -> None:
        """Begin with what is in the store."""
        self.store = store

    def __call__(self, path: Path, read: ImageReader) -> np.ndarray:
        """(H, W, 3) uint8 RGB, not to be written into."""
        key = key_of(path)
        if not key:
            return read(path)  # which raises an error that names the cause
        found = self.store.get(key)
        if found is None:
            found = read(path)
            if key_of(path) == key:  # and not written to in the meantime
                self.store.put(key, found)
        return found


def key_of(path: Path) -> bytes:
    """What a file's image is kept under; nothing where there is no file."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return b""
    facts = (DECODED, os.path.realpath(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return hashlib.blake2b(repr(facts).encode("utf-8", "surrogateescape"), digest_size=KEY_BYTES).digest()


def keep_images(*data: Dataset, kind: str, gib: float | None = None, folder: Path | None = None) -> None:
    """Make data sets share a cache: `ram`, `disk` or `none`.

    Args:
        gib: the limit; else the kind's own.
        folder: of `disk`; else the user's cache folder.

    Raises: UsageError: when the folder cannot be used, or the memory not be had.
    """
    limit = int((GIB[kind] if gib is None else gib) * 2**30)
    stores: dict[str, Callable[[], Store]] = {
        "ram": lambda: MemoryStore(limit),
        "disk": lambda: FileStore(folder or default_folder(), limit),
    }
    if kind in stores:
        cache = Cache(stores[kind]())
        for one in data:
            one.cache = cache


def default_folder() -> Path:
    """The folder of `--cache disk`."""
    return cache_folder() / "images"


def cache_folder() -> Path:
    """`darknet-py` in the user's cache folder, by the XDG base directory specification."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if os.path.isabs(home) else Path.home() / ".cache") / "darknet-py"
