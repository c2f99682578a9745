"""Weights as safetensors, with the cfg and the header of the `.weights` file in the metadata.

An array is named `LAYER.SECTION.ARRAY`, for example `12.convolutional.scales`, and has the shape of the
module's tensor: (filters, channels / groups, size, size) for the weights of a convolution.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from darknet_py.cfg.document import Document, parse
from darknet_py.errors import WeightsError, quoted
from darknet_py.files.atomic import publish_bytes
from darknet_py.model.network import Network
from darknet_py.model.weights import Array, file_layout
from darknet_py.model.weights_file import check_values
from darknet_py.model.weights_fit.header import Header

MOST_TABLE = 8 << 20  # bytes of a file's table and metadata; yolov4-p7's are 150 kB
DAMAGED = "it is damaged, or was cut off: copy or download it again"


class Table(NamedTuple):
    """What a file says of itself.

    Args:
        entries: of each array its type, shape and place.
        start: byte at which the numbers begin.
        size: bytes of the file.
    """

    metadata: Any
    entries: dict[str, Any]
    start: int
    size: int


def write_safetensors(network: Network, path: Path, *, cfg: str, header: Header) -> None:
    """Write a network; the file is published atomically.

    Args:
        cfg: the text of the network's cfg.
        header: of the `.weights` file that it will be when it is converted back.
    """
    cfg = cfg.encode(errors="replace").decode()
    tensors = {
        _name(array): array.tensor.detach().cpu().contiguous().numpy() for array in file_layout(network)
    }
    metadata = {
        "format": "darknet-py",
        "cfg": cfg,
        "cfg_sha256": sha256(cfg.encode()).hexdigest(),
        "version": ".".join(map(str, header.version)),
        "seen": str(header.seen),
    }
    publish_bytes(path, save(tensors, metadata))


def read_cfg(path: Path) -> Document:
    """The cfg in a file's metadata.

    Raises: WeightsError: when there is none, or its digest is another.
    """
    metadata = _metadata(_table(path), path)
    text = metadata.get("cfg")
    if text is None:
        raise WeightsError("has no cfg in its metadata", where=path, hint="name its cfg: --cfg CFG")
    if metadata.get("cfg_sha256") != sha256(text.encode()).hexdigest():
        raise WeightsError(
            "the cfg in its metadata does not have the digest beside it",
            where=path,
            hint="the metadata was changed; name the cfg that is meant: --cfg CFG",
        )
    return parse(text, path=f"{path} (cfg in its metadata)")


def load_safetensors(network: Network, path: Path) -> Header:
    """Fill a network from a file.

    Returns: the header of the `.weights` file it was made from.
    Raises: WeightsError: when names, shapes or types are not the network's; the network is unchanged.
    """
    layout, table = file_layout(network), _table(path)
    header = _header_of(_metadata(table, path), path)
    _check_table(table.entries, layout, path)
    starts = _starts(table, layout, path)
    try:
        with safe_open(path, framework="np") as file:
            values = [file.get_tensor(_name(array)) for array in layout]
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"cannot be read: {quoted(error)}", where=path, hint=DAMAGED) from None
    check_values(layout, values, path, starts=starts)
    with torch.no_grad():
        for array, value in zip(layout, values, strict=True):
            array.tensor.copy_(torch.from_numpy(np.ascontiguousarray(value)))
    return header


def _name(array: Array) -> str:
    return f"{array.node.index}.{array.node.layer.section}.{array.name}"


def _table(path: Path) -> Table:
    """The JSON at the start of a file, read by its length before anything is allocated."""
    try:
        with path.open("rb") as file:
            size, start = os.fstat(file.fileno()).st_size, file.read(8)
            length = int.from_bytes(start, "little")
            if len(start) < 8 or not 2 <= length <= min(MOST_TABLE, size - 8):
                message = f"has {size:,} bytes, and its first 8 give its table {length:,} bytes"
                hint = f"the table is at most the rest of the file, and {MOST_TABLE:,} bytes; {DAMAGED}"
                raise WeightsError(message, where=path, hint=hint)
            values = json.loads(file.read(length), object_pairs_hook=_unique)
    except (OSError, ValueError, RecursionError) as error:
        message = f"is no safetensors file: the table that begins at byte 8 is no JSON: {quoted(error)}"
        raise WeightsError(message, where=path, hint=DAMAGED) from None
    if not isinstance(values, dict):
        raise WeightsError("is no safetensors file: its table is no JSON object", where=path, hint=DAMAGED)
    metadata = values.pop("__metadata__", {})
    return Table(metadata, values, 8 + length, size)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys differ: of two equal ones, readers take one or the other."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise ValueError(f"`{twice}` is there twice")
    return found


def _metadata(table: Table, path: Path) -> dict[str, str]:
    found = table.metadata
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise WeightsError("is no safetensors file: its metadata are no texts", where=path, hint=DAMAGED)
    return found


def _header_of(metadata: dict[str, str], path: Path) -> Header:
    """The header that the metadata describe, or a new one where the file is another program's."""
    try:
        major, minor, revision = map(int, metadata.get("version", "0.2.5").split("."))
        header = Header((major, minor, revision), int(metadata.get("seen", 0)))
        header.pack()
    except Exception as error:
        raise WeightsError(
            f"the version or the number of images seen in its metadata is none: {quoted(error)}",
            where=path,
            hint="a version is three numbers, `0.2.5`, each at most 1000; images are a whole number",
        ) from None
    return header


def _check_table(table: dict[str, Any], layout: Sequence[Array], path: Path) -> None:
    """Refuse other names, shapes and types than the network's."""
    expected = {_name(array): array for array in layout}
    lacking, unknown = [n for n in expected if n not in table], [n for n in table if n not in expected]
    if lacking or unknown:
        parts = [f"lacks {len(lacking)} of the network's arrays (`{lacking[0]}`, ...)"] if lacking else []
        if unknown:
            parts.append(f"has {len(unknown)} that it does not have (`{quoted(unknown[0])}`, ...)")
        hint = "arrays are named LAYER.SECTION.ARRAY, as in `0.convolutional.weights`; is it another cfg's?"
        raise WeightsError(" and ".join(parts), where=path, hint=hint)
    for name, array in expected.items():
        entry = table[name] if isinstance(table[name], dict) else {}
        if entry.get("dtype") != "F32":
            message = f"`{name}` is of type {quoted(entry.get('dtype'))}; float32 (F32) was expected"
            raise WeightsError(message, where=path, hint="save it in float32 where it comes from")
        if entry.get("shape") != list(array.tensor.shape):
            message = f"`{name}` has the shape {quoted(entry.get('shape'))}; "
            message += f"the network's is {list(array.tensor.shape)}"
            raise WeightsError(message, where=path, hint="it belongs to another cfg")


def _starts(table: Table, layout: Sequence[Array], path: Path) -> list[int]:
    """Of each array its first byte; a file that ends before its numbers do, or later, is refused."""
    starts, ends = [], [table.start]
    for array in layout:
        offsets, wanted = table.entries[_name(array)].get("data_offsets"), 4 * array.tensor.numel()
        match offsets:
            case [int(begin), int(end)] if begin >= 0 and end - begin == wanted:
                starts.append(table.start + begin)
                ends.append(table.start + end)
            case _:
                message = f"`{_name(array)}` is at bytes {quoted(offsets)} behind the table; "
                message += f"{array.node.name} takes {wanted:,} bytes there"
                raise WeightsError(message, where=path, hint=DAMAGED)
    if max(ends) > table.size:
        at = min((n for n in range(len(starts)) if ends[n + 1] > table.size), key=starts.__getitem__)
        place = f"{layout[at].node.name}, in its {layout[at].name} (bytes {starts[at]:,} to {ends[at + 1]:,})"
        hint = f"{table.size:,} bytes, {max(ends) - table.size:,} too few; {DAMAGED}"
        raise WeightsError(f"ends inside {place}", where=path, hint=hint)
    if max(ends) < table.size:
        message = f"has {table.size:,} bytes; its numbers end at byte {max(ends):,}, "
        message += f"so {table.size - max(ends):,} are left over"
        raise WeightsError(message, where=path, hint="it was damaged in transfer")
    return starts
