"""The updates of a run, with errors that name the images they come from."""

from __future__ import annotations

from darknet_py.errors import NotFinite, out_of_memory
from darknet_py.train.run.batches import DeviceBatch
from darknet_py.train.run.diagnose_nonfinite import diagnose_nonfinite
from darknet_py.train.run.memory import out_of_memory_error
from darknet_py.train.settings import TrainingPlan
from darknet_py.train.step import StepOutput, Trainer


class Updater:
    """Updates the network of a run."""

    def __init__(self, plan: TrainingPlan, trainer: Trainer) -> None:
        self.plan, self.trainer = plan, trainer

    def update(self, iteration: int, batch: DeviceBatch, rate: float) -> StepOutput:
        """One update.

        Raises:
            OutOfMemory: with what did not fit.
            NotFinite: with the images, raised by the process that has them.
        """
        try:
            return self.trainer.step(
                batch.images, batch.truths, rate=rate, iteration=iteration, samples=batch.samples
            )
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            raise out_of_memory_error(batch.images, self.trainer.net) from error
        except NotFinite as error:
            names = [self.plan.train.record(index).name for index in batch.samples]
            diagnosed, located = diagnose_nonfinite(error, self.trainer, batch, names, iteration)
        self.trainer.communicator.raise_on_all(diagnosed, informed=located)
        raise AssertionError("raise_on_all raises")
