"""What a run reports while it trains: lines of its log, TensorBoard's events, and progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from darknet_py.data.loader.collate import Batch
from darknet_py.progress import Progress
from darknet_py.runs.log import Log
from darknet_py.train.run.checkpointing import RunState
from darknet_py.train.run.tensorboard import TensorBoard
from darknet_py.train.settings import TrainingPlan

LOG_LINES = 100  # of a run, besides those of its evaluations


@dataclass(frozen=True)
class Reporter:
    """Reports the iterations of a run."""

    plan: TrainingPlan
    log: Log
    tensorboard: TensorBoard
    progress: Progress

    def batch(self, iteration: int, batch: Batch) -> None:
        """The batch that an iteration will train on."""
        self.tensorboard.batch(iteration, batch, self.plan.train.names)

    def update(self, state: RunState, facts: Mapping[str, float], size: Sequence[int]) -> None:
        """An update; some of them have a line in the log.

        Args:
            size: height and width of the images.
        """
        total = self.plan.graph.net.max_batches
        if state.iteration % max(1, total // LOG_LINES) == 0 or state.iteration == total:
            self.log.add({**self.at(state), **facts, "size": list(size)})
            self.tensorboard.scalars(state.iteration, facts)

    def evaluation(self, state: RunState) -> None:
        """The evaluation of the iteration."""
        assert state.evaluation is not None
        self.log.add({**self.at(state), **state.evaluation.curve()})
        self.tensorboard.scalars(state.iteration, state.evaluation.curve())

    def done(self, state: RunState, facts: Mapping[str, float]) -> None:
        """The iteration is complete."""
        self.progress(state.iteration, self.plan.graph.net.max_batches, facts)

    def at(self, state: RunState) -> dict[str, float]:
        """Iteration and epoch, with which a line of the log begins."""
        return {"iteration": state.iteration, "epoch": round(self.plan.epochs_after(state.iteration), 4)}
