"""A run: a cfg, data and a seed become weights, a log and a result, through any number of stops."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from darknet_py.data.loader.collate import Batch
from darknet_py.distributed.communicator import Communicator, Flags
from darknet_py.distributed.consistency import (
    broadcast_state,
    check_batch_split,
    check_same_setup,
    check_same_state,
)
from darknet_py.errors import CheckpointError, NotFinite, Stopped, UsageError, out_of_memory
from darknet_py.files.atomic import publish_bytes, sweep
from darknet_py.layers.plugins import keep_plugins
from darknet_py.losses.truths import Truths
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights, save_weights
from darknet_py.progress import Progress, no_progress
from darknet_py.runs.checkpoint import Position
from darknet_py.runs.checkpoints import Checkpoints
from darknet_py.runs.environment import code_digest, environment_of
from darknet_py.runs.lock import locked
from darknet_py.runs.log import Log
from darknet_py.tasks.base import Evaluation, EvaluationSettings
from darknet_py.train.compiled import compile_network
from darknet_py.train.run.diagnose_nonfinite import blamed
from darknet_py.train.run.memory import give_freed_memory_back, keep_freed_memory, too_large
from darknet_py.train.run.result import finish_run
from darknet_py.train.run.stop_signals import Requests
from darknet_py.train.run.tensorboard import Board
from darknet_py.train.run.worker_status import loaded
from darknet_py.train.schedule import check_schedule, learning_rate
from darknet_py.train.settings import TrainingPlan, source_of
from darknet_py.train.state import bytes_of, expected_of, restore, state_of
from darknet_py.train.step import Trainer

LOG_LINES = 100  # in a whole run
log = logging.getLogger(__name__)


def train(
    plan: TrainingPlan,
    *,
    communicator: Communicator | None = None,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Train to the end, or on from the checkpoint in the run's folder.

    Args:
        communicator: the processes that train together; the first one alone writes. Alone without.
        progress: called after each iteration, in the first of several processes.

    Returns:
        The result, as `result.json` holds it.

    Raises:
        Stopped: after SIGINT or SIGTERM, the checkpoint written.
        NotFinite: before an update that would have been NaN.
        UsageError: when another process is training in the run's folder.
        PeerFailed: when another of the processes raises, which tells why.
    """
    keep_freed_memory()
    communicator = communicator or Communicator()
    with ExitStack() as held:
        with communicator.local_section():
            if communicator.first:
                held.enter_context(locked(plan.out))
            run = _Run(plan, communicator)
        run.begin()
        held.callback(run.board.close)
        with Requests(patient=communicator.process.elastic) as requests:
            run.go_on(requests, progress)
        return run.finish()


@dataclass(frozen=True)
class Ready:
    """A batch, or this process's share of it, where the network is."""

    images: Tensor
    truths: Truths
    samples: tuple[int, ...]


class _Run:
    """A training between its first and its last iteration."""

    def __init__(self, plan: TrainingPlan, communicator: Communicator) -> None:
        self.plan, self.settings, self.communicator = plan, plan.settings, communicator
        self.net = plan.graph.net
        if self.net.max_batches < 1:
            raise UsageError(
                "[net] max_batches is 0, so there is nothing to train",
                hint="give --epochs N, or set max_batches",
            )
        check_schedule(self.net)
        check_batch_split(self.net, communicator.size)
        self.network = Network(plan.graph)
        initialise(self.network, seed=plan.seed)
        if self.settings.weights:
            load_weights(self.network, self.settings.weights, partial=self.settings.partial)
        elif self.net.frozen_bn:
            raise UsageError("frozen_bn=1 keeps the statistics of --weights, and there are none")
        self.network.to(self.settings.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.trainer = Trainer(
            self.network, seed=plan.seed, precision=self.settings.precision, communicator=communicator
        )
        if self.settings.compiled:
            compile_network(self.network)
        self.task = self.trainer.task
        for data in (plan.train, plan.val):
            self.task.check_data(data)
        self.log = Log(plan.out / "log.jsonl")
        self.checkpoints = Checkpoints(
            plan.out, keep=self.settings.keep, allow_changed=self.settings.allow_changed
        )
        self.fingerprint = plan.fingerprint()
        self.environment = environment_of(self.settings.device, processes=communicator.size)
        self.scores: Evaluation | None = None
        self.shape = torch.Size()

    def begin(self) -> None:
        """Take up the state, of the newest checkpoint where there is one, in every process."""
        program = {"program": code_digest()} if self.communicator.size > 1 else {}
        check_same_setup(self.communicator, {**self.fingerprint, **self.environment, **program})
        with self.communicator.local_section():
            found = asdict(self._found()) if self.communicator.first else None
        self.position = Position(**self.communicator.broadcast_json(found))
        self.average, self.best = self.position.average, self.position.best
        with self.communicator.local_section():
            wanted = self.settings.tensorboard and self.communicator.first
            self.board = Board(self.plan.out, wanted=wanted, after=self.position.iteration)
        if self.communicator.size > 1:
            state = broadcast_state(self.communicator, state_of(self.trainer), self.trainer.device)
            if not self.communicator.first:
                restore(self.trainer, state)

    def _found(self) -> Position:
        sweep(self.plan.out)
        self.average = self.best = None
        begin = self._at(0, seconds=0.0)
        found = self.checkpoints.load(expected_of(self.trainer), begin)
        position = found[0] if found else replace(begin, log_bytes=0)
        if found:
            restore(self.trainer, found[1])
        self.log.cut(position.log_bytes)
        keep_plugins(self.settings.plugins, self.plan.document, self.plan.out)
        publish_bytes(self.plan.out / "net.cfg", str(self.plan.document).encode("utf-8", "surrogateescape"))
        self.checkpoints.warn_of_space(bytes_of(self.trainer))
        return position

    def _at(self, iteration: int, *, seconds: float) -> Position:
        facts = {"average": self.average, "best": self.best}
        facts |= {"fingerprint": self.fingerprint, "environment": self.environment}
        return Position(iteration=iteration, log_bytes=self.log.size(), seconds=seconds, **facts)

    def go_on(self, requests: Requests, progress: Progress) -> None:
        self.saved = self.ticked = time.monotonic()
        self.started = self.saved - self.position.seconds
        self.requests, done = requests, self.position.iteration
        with self.communicator.local_section():
            source = source_of(self.plan, self.task, first=done + 1, process=self.communicator.process)
            source = loaded(source, requests, name=lambda index: self.plan.train.record(index).name)
            requests.undisturbed()
        while done < self.net.max_batches:
            with self.communicator.local_section() as flags:
                batch = next(source, None)
                ready = batch and self.ready(batch)
                if batch is not None:
                    self.board.batch(done + 1, batch, self.plan.train.names)
                flags.stop = ready is None  # loaders were asked to stop with us
            if flags.stop:
                break
            flags = self.iterate(done + 1, ready, progress)
            done += 1
            if flags.stop:
                break
            if flags.save:
                self.save(done)
        if done < self.net.max_batches:
            self.save(done)
            hint = "the same command goes on from here (`train`: with --resume)"
            message = f"after iteration {done} of {self.net.max_batches}, on request"
            self.communicator.raise_on_all(Stopped(message, where=self.plan.out, hint=hint))

    def ready(self, batch: Batch) -> Ready:
        """The batch on the device, its images in 0..1."""
        if batch.images.shape != self.shape:
            give_freed_memory_back()
        self.shape = batch.images.shape
        images = batch.images.to(self.settings.device).float().div_(255)
        images = images.contiguous(memory_format=torch.channels_last)
        return Ready(images, Truths.of(batch.rows).to(self.settings.device), batch.samples)

    def iterate(self, iteration: int, batch: Ready, progress: Progress) -> Flags:
        """One update, and what is said of it; whether any process wants to stop, or a checkpoint is due."""
        rate = learning_rate(self.net, iteration, seed=self.plan.seed)
        loss = self.update(iteration, batch, rate)
        self.average = loss if self.average is None else 0.9 * self.average + 0.1 * loss
        images = self.trainer.batch(batch.images)
        speed = images / (time.monotonic() - self.ticked)
        facts = {"loss": self.average, "learning_rate": rate, "images_per_second": round(speed, 2)}
        scored = iteration in self.evaluated_at()
        if scored:
            self.scores = self.evaluate()
        with self.communicator.local_section() as flags:
            if self.communicator.first:
                self.tell(iteration, facts, list(batch.images.shape[2:]), scored=scored)
                progress(iteration, self.net.max_batches, facts)
                flags.save = time.monotonic() - self.saved >= self.settings.checkpoint_seconds
            flags.stop = self.requests.stop or self.communicator.orphaned()
        self.ticked = time.monotonic()
        return flags

    def update(self, iteration: int, batch: Ready, rate: float) -> float:
        """The loss; where it is not finite, the process that has the images tells of it."""
        images, truths, samples = batch.images, batch.truths, batch.samples
        try:
            return self.trainer.step(images, truths, rate=rate, iteration=iteration, samples=samples).loss
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            raise too_large(images, self.net) from error
        except NotFinite as error:
            names = [self.plan.train.record(index).name for index in samples]
            told, placed = blamed(error, self.trainer, images, truths, names, iteration, samples)
        self.communicator.raise_on_all(told, informed=placed)
        raise AssertionError

    def tell(self, iteration: int, facts: dict[str, Any], size: list[int], *, scored: bool) -> None:
        """The lines of the log."""
        epoch = round(self.plan.epochs_after(iteration), 4)
        if iteration % max(1, self.net.max_batches // LOG_LINES) == 0 or iteration == self.net.max_batches:
            self.log.add(iteration=iteration, epoch=epoch, **facts, size=size)
            self.board.scalars(iteration, facts)
        if scored and self.scores:
            self.log.add(iteration=iteration, epoch=epoch, **self.scores.curve())
            self.board.scalars(iteration, self.scores.curve())
            self.keep_best(iteration, self.scores.figure())

    def keep_best(self, iteration: int, figure: float) -> None:
        """Write the weights that were just scored, where none before them were as good."""
        if self.best is None or figure > self.best["figure"]:
            seen = iteration * self.net.batch
            save_weights(self.trainer.scored(), self.plan.out / "best.weights", seen=seen)
            self.best = {"iteration": iteration, "figure": figure}

    def evaluate(self) -> Evaluation:
        """The figures on the validation images."""
        settings = EvaluationSettings(device=self.settings.device, train=self.plan.train)
        return self.task.evaluate(
            self.trainer.scored(), self.plan.val, settings, communicator=self.communicator
        )

    def evaluated_at(self) -> set[int]:
        """The iterations after which the network is evaluated: evenly spread, the last one always."""
        count = max(1, self.settings.evaluations)
        return {max(1, round(self.net.max_batches * k / count)) for k in range(1, count + 1)}

    def save(self, iteration: int) -> None:
        """Write the checkpoint, where all processes hold the same."""
        check_same_state(self.communicator, state_of(self.trainer))
        with self.communicator.local_section():
            if self.communicator.first:
                self.log.sync()
                seconds = time.monotonic() - self.started
                self._written(self._at(iteration, seconds=seconds))
        self.saved = time.monotonic()

    def _written(self, position: Position) -> None:
        try:
            self.checkpoints.save(state_of(self.trainer), position)
        except CheckpointError as error:
            if not self.settings.keep_trying or self.requests.stop:
                raise
            log.warning("%s; training goes on", error)

    def finish(self) -> dict[str, Any]:
        """Weights, detections and result; the checkpoints have done their work."""
        scores, result = self.scores or self.evaluate(), None
        check_same_state(self.communicator, state_of(self.trainer))
        with self.communicator.local_section():
            if self.communicator.first:
                seconds = time.monotonic() - self.started
                result = finish_run(
                    self.plan,
                    self.trainer,
                    scores,
                    best=self.best,
                    fingerprint=self.fingerprint,
                    seconds=seconds,
                )
                self.checkpoints.clear()
        found: dict[str, Any] = self.communicator.broadcast_json(result)
        return found
