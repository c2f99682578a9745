"""Gradients of float16: scaled up so that small ones are not lost; an update that overflows is left out."""

from __future__ import annotations

import torch
from torch import Tensor

from darknet_py.errors import NotFinite
from darknet_py.runs.choices import PRECISIONS

DTYPES: dict[str, torch.dtype | None] = dict(
    zip(PRECISIONS, (None, torch.bfloat16, torch.float16), strict=True)
)

LIMIT = 20  # updates in a row that overflow; by then the scale is a millionth of what it was


class Scaling:
    """torch's GradScaler, with a count of what it left out; it does nothing but for float16.

    Args:
        device: kind of the device, `cpu` or `cuda`.
    """

    def __init__(self, device: str, precision: str) -> None:
        self.scaler = torch.amp.GradScaler(device, enabled=precision == "float16")
        self.skipped = self.in_a_row = 0

    @property
    def enabled(self) -> bool:
        """Whether gradients are scaled, and may overflow."""
        return self.scaler.is_enabled()

    def scale(self, tensor: Tensor) -> Tensor:
        """A loss, or its gradient by an output, times the scale of the moment."""
        scaled: Tensor = self.scaler.scale(tensor)
        return scaled

    def step(self, optimizer: torch.optim.Optimizer) -> bool:
        """Update, unless a gradient is not finite; whether there was an update.

        Raises:
            NotFinite: when that was so too often, one update after the other.
        """
        before = self.scaler.get_scale()
        self.scaler.step(optimizer)
        self.scaler.update()
        if self.scaler.get_scale() >= before:
            self.in_a_row = 0
            return True
        self.skipped, self.in_a_row = self.skipped + 1, self.in_a_row + 1
        if self.in_a_row > LIMIT:
            raise NotFinite(
                f"gradients overflowed float16 in {self.in_a_row} updates, one after the other",
                hint="--precision bfloat16 or float32 has the range; a lower learning_rate may help",
            )
        return False

    def state(self) -> dict[str, Tensor]:
        """What a run goes on from; empty where nothing is scaled."""
        if not self.enabled:
            return {}
        state = self.scaler.state_dict()
        counts = [state["_growth_tracker"], self.skipped, self.in_a_row]
        return {"scale": torch.tensor(state["scale"]), "counts": torch.tensor(counts)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        if self.enabled:
            since, self.skipped, self.in_a_row = state["counts"].tolist()
            kept = {"scale": float(state["scale"]), "_growth_tracker": since}
            self.scaler.load_state_dict({**self.scaler.state_dict(), **kept})
