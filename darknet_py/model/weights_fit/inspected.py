"""What is known of a weights file: its header, and with a cfg every array and how it fits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from darknet_py.model.weights_fit.file import WeightsFile
from darknet_py.model.weights_fit.header import Header, first_bytes, read_header
from darknet_py.model.weights_fit.values import zeros_at_the_end

RESERVED = 4096  # zero bytes at the end that no network has: more than the biases of any head


@dataclass(frozen=True)
class ArraySummary:
    """One array of a file.

    Args:
        layer: index of its layer.
        offset: of its first byte in the file.
        nan: how many numbers are no numbers or infinite; the other figures leave them out.
        mean, deviation, greatest: None where no number is in the file; `greatest` is of absolute values.
        complete: whether the file holds all of it.
    """

    layer: int
    section: str
    array: str
    shape: tuple[int, ...]
    offset: int
    mean: float | None
    deviation: float | None
    greatest: float | None
    nan: int
    complete: bool


@dataclass(frozen=True)
class Inspection:
    """What is known of a file; with a cfg, how it fits.

    Args:
        floats: complete ones after the header.
        expected: those of the cfg's network.
        fits: as many floats as expected, all numbers, no variance negative.
        left_over: bytes after the last array, or negative: missing.
        suggestions: what it probably is, where it does not fit.
    """

    version: str
    seen: int
    bytes: int
    header: int
    floats: int
    expected: int | None = None
    fits: bool | None = None
    left_over: int | None = None
    layers: tuple[ArraySummary, ...] = ()
    suggestions: tuple[str, ...] = ()


def open_weights(path: Path) -> tuple[WeightsFile, Header]:
    """A file with its header read.

    Raises: WeightsError: when it is no weights file.
    """
    header = read_header(first_bytes(path), path)
    return WeightsFile(path, path.stat().st_size, header.size), header


def inspect_header(path: Path) -> Inspection:
    """Read the header of a file.

    Raises: WeightsError: when it is no weights file.
    """
    file, header = open_weights(path)
    zeros = 4 * zeros_at_the_end(file.values())
    notes: tuple[str, ...] = ()
    if zeros >= RESERVED:
        begin = file.header + 4 * file.floats - zeros
        words = f"all is zero from byte {begin:,} on, {zeros:,} bytes: a download that reserved its space "
        notes = (words + "and was not finished, or a network whose last layers are not trained",)
    version = ".".join(map(str, header.version))
    return Inspection(version, header.seen, file.size, file.header, file.floats, suggestions=notes)
