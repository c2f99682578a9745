"""Mixed precision: gradients of float16 are scaled up to keep small ones; overflowing updates are skipped."""

from __future__ import annotations

import torch
from torch import Tensor

from darknet_py.errors import NotFinite
from darknet_py.runs.choices import PRECISIONS

DTYPES: dict[str, torch.dtype | None] = dict(
    zip(PRECISIONS, (None, torch.bfloat16, torch.float16), strict=True)
)

MAX_OVERFLOWS = 20  # updates in a row; by then the scale is a millionth of its first value


class LossScaler:
    """torch's GradScaler, with a count of skipped updates; disabled unless the precision is float16.

    Args:
        device: type of the device, `cpu` or `cuda`.
    """

    def __init__(self, device: str, precision: str) -> None:
        self.scaler = torch.amp.GradScaler(device, enabled=precision == "float16")
        self.skipped = self.in_a_row = 0

    @property
    def enabled(self) -> bool:
        """Whether gradients are scaled, and may overflow."""
        return self.scaler.is_enabled()

    def scale(self, tensor: Tensor) -> Tensor:
        """A gradient times the present scale."""
        scaled: Tensor = self.scaler.scale(tensor)
        return scaled

    def step(self, optimizer: torch.optim.Optimizer) -> bool:
        """Update the weights, unless a gradient is not finite.

        Returns:
            Whether there was an update.

        Raises:
            NotFinite: when too many updates in a row were skipped.
        """
        before = self.scaler.get_scale()
        self.scaler.step(optimizer)
        self.scaler.update()
        if self.scaler.get_scale() >= before:
            self.in_a_row = 0
            return True
        self.skipped, self.in_a_row = self.skipped + 1, self.in_a_row + 1
        if self.in_a_row > MAX_OVERFLOWS:
            raise NotFinite(
                f"gradients overflowed float16 in {self.in_a_row} updates, one after the other",
                hint="--precision bfloat16 or float32 has the range; a lower learning_rate may help",
            )
        return False

    def state(self) -> dict[str, Tensor]:
        """The state for a checkpoint; empty where nothing is scaled."""
        if not self.enabled:
            return {}
        state = self.scaler.state_dict()
        counts = [state["_growth_tracker"], self.skipped, self.in_a_row]
        return {"scale": torch.tensor(state["scale"]), "counts": torch.tensor(counts)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restore what `state` returned."""
        if self.enabled:
            since, self.skipped, self.in_a_row = state["counts"].tolist()
            kept = {"scale": float(state["scale"]), "_growth_tracker": since}
            self.scaler.load_state_dict({**self.scaler.state_dict(), **kept})
