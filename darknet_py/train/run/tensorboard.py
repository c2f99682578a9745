"""TensorBoard's event files of a run: losses, rates and figures as scalars, the first batches as images.

The record of a run is its log; the event files hold the same numbers. Where a run is resumed, TensorBoard
hides the events after its checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from darknet_py.data.loader.collate import Batch
from darknet_py.errors import UsageError
from darknet_py.train.run.batch_images import batch_image

FOLDER = "tensorboard"  # in the run's folder
BATCHES = 3  # that are written as images, from the first on


class TensorBoard:
    """Writes event files; without `enabled`, nothing.

    Args:
        run: the run's folder.
        after: the iteration that the run is resumed from.

    Raises:
        UsageError: when TensorBoard is not installed.
    """

    def __init__(self, run: Path, *, enabled: bool, after: int = 0) -> None:
        self.writer = _writer(run / FOLDER, after) if enabled else None

    def scalars(self, iteration: int, facts: Mapping[str, float | None]) -> None:
        """Write every number among the facts, by its name."""
        if self.writer is not None:
            for name, value in facts.items():
                if value is not None:
                    self.writer.add_scalar(name, value, iteration)
            self.writer.flush()

    def batch(self, iteration: int, batch: Batch, names: Sequence[str]) -> None:
        """Write the images of one of the first batches, with their boxes."""
        if self.writer is not None and iteration <= BATCHES:
            self.writer.add_image("batch", batch_image(batch, names), iteration, dataformats="HWC")

    def close(self) -> None:
        """Write what is buffered."""
        if self.writer is not None:
            self.writer.close()


def _writer(folder: Path, after: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        hint = "pip install tensorboard, or leave --tensorboard out: the log and curves.png have the same"
        raise UsageError("TensorBoard is not installed", hint=hint) from None
    return SummaryWriter(str(folder), purge_step=after + 1 if after else None)
