"""A run's state in one safetensors file, `checkpoint-000120.safetensors`: it appears complete or not at all.

The last 32 bytes are the sha256 of all bytes before them; for readers of safetensors they are a tensor called
`sha256`. Nothing of a file is used before this digest fits. The names of the tensors are those of
`train/state.py`; the position is JSON in the metadata.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from darknet_py.errors import CheckpointError, NotFinite, quoted
from darknet_py.files.atomic import publish_parts
from darknet_py.files.json_fields import differing_keys

FORMAT = 3
DIGEST_BYTES = 32
CHUNK = 1 << 20
KINDS = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}  # safetensors' names
TYPES: dict[str, type | tuple[type, ...]] = {
    "iteration": int,
    "log_bytes": int,
    "seconds": (int, float),
    "average": (int, float, type(None)),
    "best": (dict, type(None)),
    "fingerprint": dict,
    "environment": dict,
}  # of a Position, as JSON gives them


class Damaged(CheckpointError):
    """A checkpoint that is not complete; an older one may be."""


@dataclass(frozen=True)
class Position:
    """Where a run stands.

    Args:
        iteration: updates done.
        log_bytes: length of the log at that moment; later lines are cut off on resuming.
        seconds: of training so far.
        average: the running mean of the loss; None before the first iteration.
        best: the iteration and the figure of the best weights so far, those in `best.weights`.
        fingerprint: identifies the run: cfg, data, seed, first weights.
        environment: what the exact bits also depend on: torch, device, threads, number of processes.
    """

    iteration: int
    log_bytes: int
    seconds: float
    average: float | None
    best: dict[str, float | None] | None
    fingerprint: dict[str, Any]
    environment: dict[str, Any]

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Position:
        """From the values of all fields, as JSON holds them."""
        return cls(
            iteration=facts["iteration"],
            log_bytes=facts["log_bytes"],
            seconds=facts["seconds"],
            average=facts["average"],
            best=facts["best"],
            fingerprint=facts["fingerprint"],
            environment=facts["environment"],
        )


@dataclass(frozen=True)
class Expected:
    """The tensors that a run needs of a checkpoint.

    Args:
        tensors: those that must be there, by name; each gives its type and shape.
        shapes: of tensors that may be there, by prefix: `PREFIX.NAME` has this shape or is a scalar.
    """

    tensors: Mapping[str, Tensor]
    shapes: Mapping[str, Sequence[int]]


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], position: Position) -> None:
    """Write named tensors and a position; an existing file stays until the new one is complete.

    Raises:
        NotFinite: when a number of the state is NaN or infinite; nothing is written.
        OSError: when the file cannot be written.
    """
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise NotFinite(f"{key} is not finite; no checkpoint was written", where=path)
    publish_parts(path, _file(tensors, {"format": FORMAT, **asdict(position)}))


def check_digest(path: Path) -> None:
    """Check that a file is complete, reading a megabyte at a time.

    Raises:
        Damaged: when it is not.
    """
    try:
        left = path.stat().st_size - DIGEST_BYTES
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while left > 0 and (chunk := file.read(min(left, CHUNK))):
                digest.update(chunk)
                left -= len(chunk)
            last = file.read(DIGEST_BYTES + 1)
    except OSError as error:
        raise Damaged(f"cannot be read: {error.strerror}", where=path) from None
    if last != digest.digest():
        raise Damaged("is damaged: its digest does not fit its contents", where=path)


def load_checkpoint(
    path: Path, expected: Expected, wanted: Position, *, allow_changed: Sequence[str] = ()
) -> tuple[Position, dict[str, Tensor]]:
    """Read a complete file.

    Args:
        expected: the tensors of this run.
        wanted: of this run; the file's fingerprint and environment must be the same.
        allow_changed: parts of the environment that may differ.

    Returns:
        The position and the tensors by name.

    Raises:
        Damaged: when the file is not complete.
        CheckpointError: when it has another format, belongs to another run or environment, or does not fit.
    """
    check_digest(path)
    try:
        with safe_open(path, framework="pt") as file:
            position = _position(path, file.metadata() or {})
            _check_same(path, position, wanted, allow_changed)
            parts = ((key, file.get_slice(key)) for key in file.keys())  # noqa: SIM118 - no dict
            kinds = {key: (part.get_dtype(), part.get_shape()) for key, part in parts}
            _check_fit(path, kinds, expected)
            tensors = {key: file.get_tensor(key) for key in kinds if key != "sha256"}
    except SafetensorError as error:
        raise CheckpointError(f"cannot be read: {error}", where=path) from None
    return position, tensors


def _file(tensors: Mapping[str, Tensor], about: dict[str, Any]) -> Iterator[bytes | memoryview]:
    """The bytes of the file, a tensor at a time."""
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))  # all aligned
    header: dict[str, Any] = {"__metadata__": {"darknet-py": json.dumps(about, sort_keys=True)}}
    end = 0
    for key, tensor in ordered:
        start, end = end, end + tensor.numel() * tensor.element_size()
        header[key] = _entry(KINDS[tensor.dtype], list(tensor.shape), start, end)
    header["sha256"] = _entry("U8", [DIGEST_BYTES], end, end + DIGEST_BYTES)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    digest = hashlib.sha256()
    start_of_file = [memoryview(struct.pack("<Q", len(text)) + text)]
    tensor_bytes = (t.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data for _, t in ordered)
    for part in chain(start_of_file, tensor_bytes):
        digest.update(part)
        yield part
    yield digest.digest()


def _entry(kind: str, shape: list[int], start: int, end: int) -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": [start, end]}


def _position(path: Path, metadata: Mapping[str, str]) -> Position:
    try:
        about = json.loads(metadata.get("darknet-py", "{}"))
    except (ValueError, RecursionError):
        about = None
    written = about.pop("format", None) if isinstance(about, dict) else None
    if written != FORMAT:
        message = f"has format {quoted(written)}; this program reads {FORMAT}"
        raise CheckpointError(message, where=path, hint="go on with the program that wrote it")
    wrong = [key for key, kinds in TYPES.items() if key not in about or not isinstance(about[key], kinds)]
    wrong += sorted(about.keys() - TYPES.keys())
    wrong = wrong or [key for key in ("iteration", "log_bytes") if about[key] < 0]
    if wrong:
        listed = ", ".join(map(quoted, wrong))
        raise CheckpointError(f"has no position that makes sense ({listed})", where=path)
    return Position.from_json(about)


def _check_same(path: Path, found: Position, wanted: Position, allowed: Sequence[str]) -> None:
    other = differing_keys(found.fingerprint, wanted.fingerprint)
    if other:
        message = f"is of another run: {', '.join(other)} differ"
        raise CheckpointError(message, where=path, hint="use another --out")
    other = [key for key in differing_keys(found.environment, wanted.environment) if key not in allowed]
    if other:
        sides = "; ".join(
            f"{key} was {quoted(found.environment.get(key))} and is {wanted.environment.get(key)}"
            for key in other
        )
        flags = " ".join(f"--allow-changed {key}" for key in other)
        hint = f"{flags} goes on all the same"
        if "world-size" in other:
            hint += ", and every iteration draws the images that it would have drawn"
        raise CheckpointError(f"would not go on to the same bits: {sides}", where=path, hint=hint)


def _check_fit(path: Path, kinds: Mapping[str, tuple[str, list[int]]], expected: Expected) -> None:
    """Every tensor that is expected, and none of another name or shape."""
    needed = expected.tensors
    other = [k for k, value in needed.items() if kinds.get(k) != (KINDS[value.dtype], list(value.shape))]
    for key in kinds.keys() - needed.keys() - {"sha256"}:
        shape = expected.shapes.get(key.rpartition(".")[0])
        if shape is None or kinds[key][1] not in (list(shape), []):
            other.append(key)
    if other:
        some = ", ".join(quoted(key) for key in sorted(other)[:5])
        message = f"does not fit the network: {len(other)} tensors are missing or others ({some})"
        raise CheckpointError(message, where=path)
