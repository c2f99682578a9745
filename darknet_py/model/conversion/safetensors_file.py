"""Weights as safetensors, with the cfg and the header of the `.weights` file in the metadata.

An array is named `LAYER.SECTION.ARRAY`, for example `12.convolutional.scales`, and has the shape of the
module's tensor: (filters, channels / groups, size, size) for the weights of a convolution.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from darknet_py.cfg.document import Document, parse
from darknet_py.errors import WeightsError, quoted
from darknet_py.files.atomic import publish_bytes
from darknet_py.model.network import Network
from darknet_py.model.weights import Array, Header, check_values, file_layout

MOST_METADATA = 8 << 20  # bytes of a file's table and metadata; yolov4-p7's are 150 kB


def looks_like_safetensors(data: bytes) -> bool:
    """Whether the first 20 bytes of a file are those of a safetensors file: a length, then JSON."""
    return len(data) > 9 and data[8:9] == b"{" and int.from_bytes(data[:8], "little") < 1 << 32


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
    metadata = _metadata(path)
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
    layout = file_layout(network)
    header = _header_of(_metadata(path), path)
    try:
        with safe_open(path, framework="np") as file:
            _check_table(_table(path), layout, path)
            values = [file.get_tensor(_name(array)) for array in layout]
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"cannot be read: {quoted(error)}", where=path) from None
    check_values(layout, values, path)
    with torch.no_grad():
        for array, value in zip(layout, values, strict=True):
            array.tensor.copy_(torch.from_numpy(np.ascontiguousarray(value)))
    return header


def _name(array: Array) -> str:
    return f"{array.node.index}.{array.node.layer.section}.{array.name}"


def _table(path: Path) -> dict[str, Any]:
    """The JSON at the start of a file, read by its length before anything is allocated."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= MOST_METADATA:
                message = f"says that its table has {length:,} bytes; at most {MOST_METADATA:,} are read"
                raise WeightsError(message, where=path)
            table = json.loads(file.read(length))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"is no safetensors file: {quoted(error)}", where=path) from None
    if not isinstance(table, dict):
        raise WeightsError("is no safetensors file: its table is no JSON object", where=path)
    return table


def _metadata(path: Path) -> dict[str, str]:
    metadata = _table(path).get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise WeightsError("is no safetensors file: its metadata are no texts", where=path)
    return metadata


def _header_of(metadata: dict[str, str], path: Path) -> Header:
    """The header that the metadata describe, or a new one where the file is another program's."""
    try:
        major, minor, revision = map(int, metadata.get("version", "0.2.5").split("."))
        header = Header((major, minor, revision), int(metadata.get("seen", 0)))
        header.pack()
    except Exception as error:
        raise WeightsError(
            f"the version or the number of images seen in its metadata is none: {quoted(error)}", where=path
        ) from None
    return header


def _check_table(table: dict[str, Any], layout: Iterable[Array], path: Path) -> None:
    """Refuse other names, shapes and types than the network's."""
    expected = {_name(array): array for array in layout}
    found = {name: entry for name, entry in table.items() if name != "__metadata__"}
    lacking, unknown = [n for n in expected if n not in found], [n for n in found if n not in expected]
    if lacking or unknown:
        parts = [f"lacks {len(lacking)} of the network's arrays (`{lacking[0]}`, ...)"] if lacking else []
        if unknown:
            parts.append(f"has {len(unknown)} that it does not have (`{quoted(unknown[0])}`, ...)")
        hint = "arrays are named LAYER.SECTION.ARRAY, as in `0.convolutional.weights`; is it another cfg's?"
        raise WeightsError(" and ".join(parts), where=path, hint=hint)
    for name, array in expected.items():
        entry = found[name] if isinstance(found[name], dict) else {}
        if entry.get("dtype") != "F32":
            message = f"`{name}` is of type {quoted(entry.get('dtype'))}; float32 (F32) was expected"
            raise WeightsError(message, where=path)
        if entry.get("shape") != list(array.tensor.shape):
            message = f"`{name}` has the shape {quoted(entry.get('shape'))}; "
            message += f"the network's is {list(array.tensor.shape)}"
            raise WeightsError(message, where=path, hint="it belongs to another cfg")
