"""The state of a trainer as named tensors: what a checkpoint holds, and what processes have in common.

The names are `network.*`, `ema.*` (where the run has an average of weights), `scaling.*` (of float16) and
`optimizer.PARAMETER.STATE`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from darknet_py.runs.checkpoint import Expected
from darknet_py.train.step import Trainer

STEP = "step"  # torch's count of an optimiser's steps, which stays on the CPU
BYTES = 4  # of a parameter


def state_of(trainer: Trainer) -> dict[str, Tensor]:
    """All tensors that a training is resumed from, by name."""
    found = {f"network.{k}": v for k, v in trainer.network.state_dict().items()}
    if trainer.ema is not None:
        found |= {f"ema.{k}": v for k, v in trainer.ema.state_dict().items()}
    found |= {f"scaling.{k}": v for k, v in trainer.scaler.state().items()}
    for name, parameter in trainer.network.named_parameters():
        for key, value in trainer.optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                found[f"optimizer.{name}.{key}"] = value
    return {key: tensor.detach() for key, tensor in found.items()}


def expected_of(trainer: Trainer) -> Expected:
    """The tensors that a checkpoint of this trainer has, and the shapes of its optimiser's."""
    return Expected(
        tensors={k: v for k, v in state_of(trainer).items() if not k.startswith("optimizer.")},
        shapes={f"optimizer.{name}": p.shape for name, p in trainer.network.named_parameters()},
    )


def restore(trainer: Trainer, tensors: Mapping[str, Tensor]) -> None:
    """Fill a trainer with the tensors of a state."""

    def part(prefix: str) -> dict[str, Tensor]:
        return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}

    trainer.network.load_state_dict(part("network."))
    if trainer.ema is not None:
        trainer.ema.load_state_dict(part("ema."))
    trainer.scaler.restore(part("scaling."))
    trainer.optimizer.state.clear()
    for name, parameter in trainer.network.named_parameters():
        for key, value in part(f"optimizer.{name}.").items():
            state = value.clone()
            if key != STEP:  # all others have the device and the memory layout of the parameter
                state = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
            trainer.optimizer.state[parameter][key] = state


def bytes_of(trainer: Trainer) -> int:
    """About the size of a checkpoint, before and after the first update."""
    numbers = sum(parameter.numel() for parameter in trainer.network.parameters())
    states = 2 if isinstance(trainer.optimizer, torch.optim.Adam) else 1
    return BYTES * numbers * (1 + states + (trainer.ema is not None))
