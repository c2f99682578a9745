"""Where the maps of frozen layers are kept: in memory, or in files that several runs share."""

from __future__ import annotations

import hashlib
import json
import struct
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from darknet_py.data.cache.byte_files import ByteFiles
from darknet_py.data.cache.store import KEY_BYTES

MAGIC = b"dnpymap1"
HEAD = struct.Struct(f"<8s{KEY_BYTES}s32sI")  # magic, key, sum of what follows, length of the description
SPARED = 2 * 10**9  # bytes of the disk that maps leave free


class MapStore(ABC):
    """Maps by key, up to a limit of bytes; what finds no room is computed again.

    Samples come back in an order that is drawn anew in every epoch, so what came first is as good to keep as
    what came last; throwing out the oldest would throw out what comes next. So only what existed before
    `begin`, and nobody has read since, makes room.
    """

    @abstractmethod
    def begin(self) -> None:
        """Other samples will be asked for than before."""

    @abstractmethod
    def get(self, key: bytes) -> Tensor | None:
        """A map on the CPU, not to be written into; None where it is not kept."""

    @abstractmethod
    def __contains__(self, key: bytes) -> bool:
        """Whether a map is kept."""

    @abstractmethod
    def put(self, key: bytes, one: Tensor) -> None:
        """Keep a map on the CPU that nobody changes, if there is room for it."""


class MemoryMaps(MapStore):
    """Maps in the memory of this process."""

    def __init__(self, limit: int) -> None:
        self.left = limit
        self.maps: dict[bytes, Tensor] = {}  # the longest unread first
        self.old: dict[bytes, None] = {}

    def begin(self) -> None:
        """What is here now may be thrown out, until it is read."""
        self.old = dict.fromkeys(self.maps)

    def __contains__(self, key: bytes) -> bool:
        return key in self.maps

    def get(self, key: bytes) -> Tensor | None:
        """The map itself."""
        found = self.maps.pop(key, None)
        if found is not None:
            self.maps[key] = found
            self.old.pop(key, None)
        return found

    def put(self, key: bytes, one: Tensor) -> None:
        """Keep the map itself."""
        if key in self.maps:
            return
        while self.old and one.nbytes > self.left:
            oldest = next(iter(self.old))
            del self.old[oldest]
            self.left += self.maps.pop(oldest).nbytes
        if one.nbytes <= self.left:
            self.maps[key] = one
            self.left -= one.nbytes


class FileMaps(ByteFiles, MapStore):
    """Maps in a folder, one file each, for all runs on machines that see it.

    A file is complete or absent. One whose sum is wrong is removed, and its map computed again.
    """

    what = "maps"
    spared = SPARED

    def __contains__(self, key: bytes) -> bool:
        return self.path(key).exists()

    def get(self, key: bytes) -> Tensor | None:
        """A copy."""
        return self.read(key, _map)

    def put(self, key: bytes, one: Tensor) -> None:
        """Publish a file."""
        described = json.dumps([str(one.dtype).removeprefix("torch."), *one.shape]).encode()
        content = one.contiguous().view(torch.uint8).numpy().reshape(-1).data
        digest = hashlib.blake2b(described, digest_size=32)
        digest.update(content)
        head = HEAD.pack(MAGIC, key, digest.digest(), len(described))
        self.write(key, [head, described, content])


def open_maps(limit: int, folder: Path | None) -> MapStore | None:
    """A store of so many bytes, in files where a folder is named; None for a limit of 0.

    Raises: UsageError: when the folder cannot be used.
    """
    if not limit:
        return None
    return MemoryMaps(limit) if folder is None else FileMaps(folder, limit)


def _map(data: np.ndarray, key: bytes) -> Tensor | None:
    """The map in a file's bytes, or None where anything about it is wrong."""
    if len(data) < HEAD.size:
        return None
    magic, of, digest, length = HEAD.unpack(data[: HEAD.size].tobytes())
    body = data[HEAD.size :]
    if (magic, of) != (MAGIC, key) or hashlib.blake2b(body.data, digest_size=32).digest() != digest:
        return None
    dtype, *shape = json.loads(body[:length].tobytes())
    content = torch.from_numpy(body[length:].copy())
    return content.view(getattr(torch, dtype)).reshape(shape)
