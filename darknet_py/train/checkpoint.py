"""A run's state in one safetensors file: weights, momentum, position. It appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from darknet_py.errors import CheckpointError
from darknet_py.publish import publish_bytes
from darknet_py.train.step import Trainer

FORMAT = 1
NAME = "checkpoint.safetensors"


@dataclass(frozen=True)
class Position:
    """Where a run stands.

    Args:
        iteration: updates done.
        log_bytes: length of the log at that moment; what stands behind it is cut off on resuming.
        seconds: of training so far.
        average: the running mean of the loss; None before the first iteration.
        fingerprint: what the run is: cfg, data, seed, first weights.
    """

    iteration: int
    log_bytes: int
    seconds: float
    average: float | None
    fingerprint: dict[str, Any]


def save_checkpoint(path: Path, trainer: Trainer, position: Position) -> None:
    """Write the state; the file that was there stays until the new one is complete."""
    tensors = _tensors(trainer)
    about = {"format": FORMAT, **position.__dict__, "digest": _digest(tensors)}
    publish_bytes(path, save(tensors, metadata={"darknet-py": json.dumps(about, sort_keys=True)}))


def load_checkpoint(path: Path, trainer: Trainer, fingerprint: dict[str, Any]) -> Position:
    """Fill a trainer from a file.

    Raises:
        CheckpointError: when the file is damaged, or of another run.
    """
    about, tensors = _read(path)
    other = {k for k in fingerprint if about["fingerprint"].get(k) != fingerprint[k]}
    if other:
        raise CheckpointError(
            f"is of another run: {', '.join(sorted(other))} differ", where=path, hint="use another --out"
        )
    if _digest(tensors) != about["digest"]:
        raise CheckpointError(
            "is damaged: its digest does not fit its contents", where=path, hint="delete it to start again"
        )
    momenta = {key.removeprefix("momentum."): t for key, t in tensors.items() if key.startswith("momentum.")}
    trainer.network.load_state_dict(
        {k.removeprefix("network."): t for k, t in tensors.items() if k.startswith("network.")}
    )
    for name, parameter in trainer.network.named_parameters():
        if name in momenta:
            trainer.optimizer.state[parameter]["momentum_buffer"] = momenta[name].to(parameter.device)
    return Position(
        about["iteration"], about["log_bytes"], about["seconds"], about["average"], about["fingerprint"]
    )


def _tensors(trainer: Trainer) -> dict[str, Tensor]:
    found = {f"network.{k}": v for k, v in trainer.network.state_dict().items()}
    for name, parameter in trainer.network.named_parameters():
        buffer = trainer.optimizer.state.get(parameter, {}).get("momentum_buffer")
        if buffer is not None:
            found[f"momentum.{name}"] = buffer
    return {key: tensor.detach().cpu().contiguous().clone() for key, tensor in found.items()}


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("darknet-py", "{}"))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"cannot be read: {error}", where=path, hint="delete it to start again"
        ) from None
    if about.get("format") != FORMAT:
        raise CheckpointError(f"has format {about.get('format')}; this program reads {FORMAT}", where=path)
    return about, tensors


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for key in sorted(tensors):
        digest.update(key.encode() + tensors[key].reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
