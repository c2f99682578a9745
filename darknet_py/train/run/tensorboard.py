"""A training as TensorBoard shows it: losses, rates and figures as scalars, the first batches as pictures.

The record of a run is its log; what TensorBoard reads is drawn from the same facts, and a run that goes on
hides what was written after its checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from darknet_py.data.loader.collate import Batch
from darknet_py.errors import UsageError
from darknet_py.train.run.batch_images import picture_of

FOLDER = "tensorboard"  # in the run's folder
SHOWN = 3  # batches, from the first on


class Board:
    """Writes event files; where it is not wanted, nothing."""

    def __init__(self, run: Path, *, wanted: bool, after: int = 0) -> None:
        self.writer = _writer(run / FOLDER, after) if wanted else None

    def scalars(self, iteration: int, facts: Mapping[str, Any]) -> None:
        """Every number among the facts, by its name."""
        if self.writer is not None:
            for name, value in facts.items():
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    self.writer.add_scalar(name, value, iteration)
            self.writer.flush()

    def batch(self, iteration: int, batch: Batch, names: Sequence[str]) -> None:
        """The images of one of the first batches, with their boxes."""
        if self.writer is not None and iteration <= SHOWN:
            self.writer.add_image("batch", picture_of(batch, names), iteration, dataformats="HWC")

    def close(self) -> None:
        """The last of it to the disk."""
        if self.writer is not None:
            self.writer.close()


def _writer(folder: Path, after: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        hint = "pip install tensorboard, or leave --tensorboard out: the log and curves.png have the same"
        raise UsageError("TensorBoard is not installed", hint=hint) from None
    return SummaryWriter(str(folder), purge_step=after + 1 if after else None)
