"""The checkpoints of a run: resuming from them, and writing them."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass, replace

from darknet_py.distributed.consistency import broadcast_state, check_same_setup, check_same_state
from darknet_py.errors import CheckpointError
from darknet_py.files.atomic import publish_bytes, sweep
from darknet_py.layers.plugins import keep_plugins
from darknet_py.runs.checkpoint import Position
from darknet_py.runs.checkpoints import Checkpoints
from darknet_py.runs.environment import code_digest, environment_of
from darknet_py.runs.folders import RunFolder
from darknet_py.runs.log import Log
from darknet_py.runs.result import publish_names
from darknet_py.tasks.base import Evaluation
from darknet_py.train.run.stop_signals import StopSignals
from darknet_py.train.settings import TrainingPlan
from darknet_py.train.state import bytes_of, expected_of, restore, state_of
from darknet_py.train.step import Trainer

log = logging.getLogger(__name__)


@dataclass
class RunState:
    """What changes in a run from iteration to iteration, besides the tensors of its trainer.

    Args:
        iteration: updates done.
        average: running mean of the loss; None before the first update.
        best: iteration and figure of the best weights so far.
        evaluation: the newest one in this process; not part of a checkpoint.
    """

    iteration: int = 0
    average: float | None = None
    best: dict[str, float | None] | None = None
    evaluation: Evaluation | None = None


class Checkpointing:
    """Resumes a run from its folder, and writes its checkpoints; of several processes the first writes."""

    def __init__(self, plan: TrainingPlan, trainer: Trainer, lines: Log) -> None:
        self.plan, self.trainer, self.log = plan, trainer, lines
        self.communicator, settings = trainer.communicator, plan.settings
        self.checkpoints = Checkpoints(plan.out, keep=settings.keep, allow_changed=settings.allow_changed)
        self.fingerprint = plan.fingerprint()
        self.environment = environment_of(settings.device, processes=self.communicator.size)
        self.started = self.saved = time.monotonic()

    def resume(self) -> RunState:
        """Restore the newest checkpoint, where there is one, in every process.

        Raises:
            CheckpointError: when there are checkpoints, and none can be resumed from.
            UsageError: when processes are of different trainings.
        """
        program = {"program": code_digest()} if self.communicator.size > 1 else {}
        check_same_setup(self.communicator, {**self.fingerprint, **self.environment, **program})
        with self.communicator.local_section():
            found = asdict(self._restored()) if self.communicator.first else None
        position = Position.from_json(self.communicator.broadcast_json(found))
        if self.communicator.size > 1:
            state = broadcast_state(self.communicator, state_of(self.trainer), self.trainer.device)
            if not self.communicator.first:
                restore(self.trainer, state)
        self.saved = time.monotonic()
        self.started = self.saved - position.seconds
        return RunState(position.iteration, position.average, position.best)

    def _restored(self) -> Position:
        """Prepare the folder, and restore its newest checkpoint."""
        sweep(self.plan.out)
        begin = self._position(RunState(), seconds=0.0)
        found = self.checkpoints.load(expected_of(self.trainer), begin)
        position = replace(begin, log_bytes=0)
        if found:
            position = found[0]
            restore(self.trainer, found[1])
        self.log.cut(position.log_bytes)
        keep_plugins(self.plan.settings.plugins, self.plan.document, self.plan.out)
        publish_bytes(self.plan.out / "net.cfg", str(self.plan.document).encode("utf-8", "surrogateescape"))
        publish_names(RunFolder(self.plan.out).names, self.plan.train.names)
        self.checkpoints.warn_of_space(bytes_of(self.trainer))
        return position

    def _position(self, state: RunState, *, seconds: float) -> Position:
        return Position(
            iteration=state.iteration,
            log_bytes=self.log.size(),
            seconds=seconds,
            average=state.average,
            best=state.best,
            fingerprint=self.fingerprint,
            environment=self.environment,
        )

    def seconds(self) -> float:
        """Of training so far, those before the last stop among them."""
        return time.monotonic() - self.started

    def is_due(self) -> bool:
        """Whether the last checkpoint is old enough for another one."""
        return time.monotonic() - self.saved >= self.plan.settings.checkpoint_seconds

    def save(self, state: RunState, signals: StopSignals) -> None:
        """Write a checkpoint, where all processes have the same state.

        Raises:
            CheckpointError: when it cannot be written; with `keep_trying` only where the run is to stop.
        """
        self.check_state()
        with self.communicator.local_section():
            if self.communicator.first:
                self.log.sync()
                try:
                    self.checkpoints.save(
                        state_of(self.trainer), self._position(state, seconds=self.seconds())
                    )
                except CheckpointError as error:
                    if not self.plan.settings.keep_trying or signals.stop:
                        raise
                    log.warning("%s; training goes on", error)
        self.saved = time.monotonic()

    def check_state(self) -> None:
        """Check that all processes have the same state."""
        check_same_state(self.communicator, state_of(self.trainer))
