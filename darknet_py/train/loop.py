"""A run: a cfg, data and a seed become weights, a log and a result, through any number of stops."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from darknet_py.distributed.communicator import Communicator, Flags
from darknet_py.errors import Stopped
from darknet_py.model.freed_memory import keep_freed_memory
from darknet_py.progress import Progress, no_progress
from darknet_py.runs.lock import locked
from darknet_py.runs.log import Log
from darknet_py.train.run.batches import BatchSource, DeviceBatch
from darknet_py.train.run.checkpointing import Checkpointing, RunState
from darknet_py.train.run.evaluation import Evaluator
from darknet_py.train.run.reporting import Reporter
from darknet_py.train.run.result import finish_run
from darknet_py.train.run.setup import build_trainer
from darknet_py.train.run.stop_signals import StopSignals
from darknet_py.train.run.tensorboard import TensorBoard
from darknet_py.train.run.unread import UnreadImages
from darknet_py.train.run.updates import Updater
from darknet_py.train.schedule import learning_rate
from darknet_py.train.settings import TrainingPlan
from darknet_py.train.step import Trainer


def train(
    plan: TrainingPlan, *, communicator: Communicator | None = None, progress: Progress = no_progress
) -> dict[str, Any]:
    """Train to the end; where the run's folder has a checkpoint, from there on.

    Args:
        communicator: the processes that train together; the first one alone writes. By default one process.
        progress: called after each iteration, in the first process.

    Returns:
        The result, as `result.json` holds it.

    Raises:
        Stopped: after SIGINT or SIGTERM, when a checkpoint is written.
        NotFinite: before an update that would have been NaN.
        UsageError: when another process is training in the run's folder.
        PeerFailed: when another of the processes raises, which reports why.
    """
    keep_freed_memory()
    communicator = communicator or Communicator()
    with ExitStack() as stack:
        with communicator.local_section():
            if communicator.first:
                stack.enter_context(locked(plan.out))
            trainer, log = build_trainer(plan, communicator), Log(plan.out / "log.jsonl")
            checkpointing = Checkpointing(plan, trainer, log)
        state = checkpointing.resume()
        with communicator.local_section():
            enabled = plan.settings.tensorboard and communicator.first
            tensorboard = TensorBoard(plan.out, enabled=enabled, after=state.iteration)
        stack.callback(tensorboard.close)
        loop = TrainingLoop(trainer, state, checkpointing, Reporter(plan, log, tensorboard, progress))
        with StopSignals(patient=communicator.process.elastic) as signals:
            loop.run(signals)
        return loop.finish()


class TrainingLoop:
    """The iterations of a run: a batch, an update, now and then an evaluation and a checkpoint."""

    def __init__(
        self, trainer: Trainer, state: RunState, checkpointing: Checkpointing, reporter: Reporter
    ) -> None:
        self.plan, self.net = reporter.plan, trainer.net
        self.trainer, self.communicator = trainer, trainer.communicator
        self.state, self.checkpointing, self.reporter = state, checkpointing, reporter
        self.updater, self.evaluator = Updater(self.plan, trainer), Evaluator(self.plan, trainer)
        self.unread = UnreadImages(self.plan, reporter.log, self.communicator)
        self.ticked = time.monotonic()

    def run(self, signals: StopSignals) -> None:
        """Iterate to the end.

        Raises:
            Stopped: on request, when a checkpoint is written.
        """
        self.unread.resume()
        state, total = self.state, self.net.max_batches
        first, process = state.iteration + 1, self.communicator.process
        with self.communicator.local_section():
            source = BatchSource(self.plan, self.trainer, first=first, process=process, signals=signals)
        while state.iteration < total:
            batch = self.next_batch(source)
            if batch is None:
                break
            flags = self.iterate(state.iteration + 1, batch, signals)
            if flags.stop:
                break
            if flags.save:
                self.save(signals)
        if state.iteration < total:
            self.save(signals)
            hint = "the same command goes on from here (`train`: with --resume)"
            message = f"after iteration {state.iteration} of {total}, on request"
            self.communicator.raise_on_all(Stopped(message, where=self.plan.out, hint=hint))

    def save(self, signals: StopSignals) -> None:
        """Write a checkpoint, and before it what its log has to hold."""
        self.unread.log_all(self.reporter.at(self.state))
        self.checkpointing.save(self.state, signals)

    def next_batch(self, source: BatchSource) -> DeviceBatch | None:
        """The next batch; None where the loaders of any process were stopped by a signal."""
        with self.communicator.local_section() as flags:
            batch, ready = source.next(), None
            if batch is not None:
                self.unread.take(batch)
                ready = source.to_device(batch)
                self.reporter.batch(self.state.iteration + 1, batch)
            flags.stop = ready is None
        return None if flags.stop else ready

    def iterate(self, iteration: int, batch: DeviceBatch, signals: StopSignals) -> Flags:
        """One update, its evaluation where one is due, and what is reported of them.

        Returns:
            Whether any process wants to stop, and whether a checkpoint is due.
        """
        state, rate = self.state, learning_rate(self.net, iteration, seed=self.plan.seed)
        loss = self.updater.update(iteration, batch, rate).loss
        state.iteration = iteration
        state.average = loss if state.average is None else 0.9 * state.average + 0.1 * loss
        speed = self.trainer.batch(batch.images) / (time.monotonic() - self.ticked)
        facts = {"loss": state.average, "learning_rate": rate, "images_per_second": round(speed, 2)}
        evaluated = iteration in self.evaluator.iterations
        if evaluated:
            state.evaluation = self.evaluator.evaluate()
        with self.communicator.local_section() as flags:
            if self.communicator.first:
                self.reporter.update(state, facts, batch.images.shape[2:])
                if evaluated and state.evaluation:
                    self.reporter.evaluation(state)
                    self.evaluator.keep_best(state, state.evaluation)
                self.reporter.done(state, facts)
                flags.save = self.checkpointing.is_due()
            flags.stop = signals.stop or self.communicator.orphaned()
        self.ticked = time.monotonic()
        return flags

    def finish(self) -> dict[str, Any]:
        """Write weights, predictions and result, and remove the checkpoints."""
        evaluation, result = self.state.evaluation or self.evaluator.evaluate(), None
        unread = self.unread.log_all(self.reporter.at(self.state))
        self.checkpointing.check_state()  # the last time that the first process waits for the others
        with self.communicator.local_section():
            if self.communicator.first:
                result = finish_run(
                    self.plan,
                    self.trainer,
                    evaluation,
                    best=self.state.best,
                    checkpointing=self.checkpointing,
                    unread=unread,
                )
                self.checkpointing.checkpoints.clear()
        found: dict[str, Any] = self.communicator.broadcast_json(result)
        return found
