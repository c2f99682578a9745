"""A run: a cfg, data and a seed become weights, a log and a result, through any number of stops."""

from __future__ import annotations

import hashlib
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from darknet_py.cfg.document import Document
from darknet_py.data.collate import Batch, batches
from darknet_py.data.dataset import Dataset
from darknet_py.data.sampler import Batches, Sampler
from darknet_py.errors import Stopped, UsageError
from darknet_py.graph.compile import compile
from darknet_py.network import Network
from darknet_py.plugin import Plugin, fingerprint_of, keep_plugins
from darknet_py.publish import publish_bytes
from darknet_py.train.checkpoint import NAME, Position, load_checkpoint, save_checkpoint
from darknet_py.train.initialise import initialise
from darknet_py.train.malloc import keep_freed_memory
from darknet_py.train.objective import Scored
from darknet_py.train.record import FORMAT, Log, network_facts, write_json
from darknet_py.train.schedule import check_schedule, learning_rate
from darknet_py.train.step import Trainer
from darknet_py.train.truths import Truths
from darknet_py.weights import load_weights, save_weights

CHECKPOINT_SECONDS = 60.0
LOG_LINES = 100  # in a whole run


@dataclass(frozen=True)
class Settings:
    """What a person may choose for any training.

    Args:
        weights: the file to start from; random numbers without.
        partial: read the first layers of `weights` alone.
        workers: processes that load images, besides this one.
        evaluations: how often the network is evaluated, the last time at the end.
        plugins: files of layers that the person gave.
        precision: of activations in training, float32 or bfloat16; weights and losses are float32.
    """

    weights: Path | None = None
    partial: int | None = None
    device: str = "cpu"
    workers: int = 0
    evaluations: int = 5
    precision: str = "float32"
    plugins: tuple[Plugin, ...] = ()


@dataclass(frozen=True)
class Plan:
    """One training.

    Args:
        document: the cfg's final text.
        data: as the person named it.
    """

    document: Document
    train: Dataset
    val: Dataset
    out: Path
    name: str
    data: str
    seed: int = 0
    settings: Settings = field(default_factory=Settings)

    def fingerprint(self) -> dict[str, Any]:
        """What makes this run another than its neighbour."""
        weights = self.settings.weights
        return {
            "cfg": hashlib.sha256(str(self.document).encode("utf-8", "surrogateescape")).hexdigest(),
            "train data": self.train.fingerprint,
            "val data": self.val.fingerprint,
            "seed": self.seed,
            "weights": weights and hashlib.sha256(weights.read_bytes()).hexdigest(),
            "partial": self.settings.partial,
            "precision": self.settings.precision,
            **fingerprint_of(self.settings.plugins, self.document),
        }


Progress = Callable[[int, int, dict[str, Any]], None]


def train(plan: Plan, *, progress: Progress = lambda done, total, facts: None) -> dict[str, Any]:
    """Train to the end, or on from the checkpoint in the run's folder.

    Args:
        progress: told (iterations done, in all, {"loss", "learning_rate", "images_per_second"}) each time.

    Returns:
        The result, as `result.json` holds it.

    Raises:
        Stopped: after SIGINT or SIGTERM, the checkpoint written.
        NotFinite: before an update that would have been NaN.
    """
    keep_freed_memory()
    run = _Run(plan)
    with _Requests() as requests:
        run.go_on(requests, progress)
    return run.finish()


class _Run:
    """A training between its first and its last iteration."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.settings, self.net = plan, plan.settings, compile(plan.document).net
        if self.net.max_batches < 1:
            raise UsageError(
                "[net] max_batches is 0, so there is nothing to train",
                hint="give --epochs N, or set max_batches",
            )
        check_schedule(self.net)
        self.network = Network(compile(plan.document))
        initialise(self.network, seed=plan.seed)
        if self.settings.weights:
            load_weights(self.network, self.settings.weights, partial=self.settings.partial)
        self.network.to(self.settings.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.trainer = Trainer(self.network, seed=plan.seed, precision=self.settings.precision)
        self.objective = self.trainer.objective
        for data in (plan.train, plan.val):
            self.objective.check(data)
        self.log, self.checkpoint = Log(plan.out / "log.jsonl"), plan.out / NAME
        self.fingerprint = plan.fingerprint()
        self.position = self._begin()
        self.average = self.position.average
        self.scores: Scored | None = None

    def _begin(self) -> Position:
        self.plan.out.mkdir(parents=True, exist_ok=True)
        position = Position(0, 0, 0.0, None, self.fingerprint)
        if self.checkpoint.exists():
            position = load_checkpoint(self.checkpoint, self.trainer, self.fingerprint)
        self.log.cut(position.log_bytes)
        keep_plugins(self.settings.plugins, self.plan.document, self.plan.out)
        publish_bytes(self.plan.out / "net.cfg", str(self.plan.document).encode("utf-8", "surrogateescape"))
        return position

    def go_on(self, requests: _Requests, progress: Progress) -> None:
        self.saved = self.ticked = time.monotonic()
        self.started = self.saved - self.position.seconds
        net, random = self.net, self.objective.random
        size = {"height": net.height, "width": net.width, "random": random, "step": net.resize_step}
        sampler = Sampler(len(self.plan.train), net.batch, self.plan.seed, **size)
        todo = Batches(sampler, self.position.iteration + 1, self.net.max_batches)
        source = batches(self.plan.train, todo, self.objective.augment(), workers=self.settings.workers)
        for iteration, batch in enumerate(source, start=todo.first):
            self.iterate(iteration, batch, progress)
            if requests.stop or time.monotonic() - self.saved > CHECKPOINT_SECONDS:
                self.save(iteration)
            if requests.stop and iteration < self.net.max_batches:
                hint = "the same command goes on from here (`train`: with --resume)"
                message = f"after iteration {iteration} of {self.net.max_batches}, on request"
                raise Stopped(message, where=self.plan.out, hint=hint)

    def iterate(self, iteration: int, batch: Batch, progress: Progress) -> None:
        """One update, and what is said of it."""
        images = batch.images.to(self.settings.device).float().div_(255)
        images = images.contiguous(memory_format=torch.channels_last)
        truths = Truths.of(batch.rows).to(self.settings.device)
        rate = learning_rate(self.net, iteration, seed=self.plan.seed)
        loss = self.trainer.step(images, truths, rate=rate, iteration=iteration, samples=batch.samples)
        self.average = loss if self.average is None else 0.9 * self.average + 0.1 * loss
        speed = len(images) / (time.monotonic() - self.ticked)
        facts = {"loss": self.average, "learning_rate": rate, "images_per_second": round(speed, 2)}
        if iteration % max(1, self.net.max_batches // LOG_LINES) == 0 or iteration == self.net.max_batches:
            self.log.add(
                iteration=iteration, epoch=self.epoch(iteration), **facts, size=list(images.shape[2:])
            )
        if iteration in self.evaluated_at():
            self.scores = self.evaluate()
            self.log.add(iteration=iteration, epoch=self.epoch(iteration), **self.scores.curve())
        progress(iteration, self.net.max_batches, facts)
        self.ticked = time.monotonic()

    def evaluate(self) -> Scored:
        """The figures on the validation images."""
        return self.objective.score(self.plan.val, self.plan.train, device=self.settings.device)

    def epoch(self, iteration: int) -> float:
        """Epochs done after an iteration."""
        return round(iteration * self.net.batch / len(self.plan.train), 4)

    def evaluated_at(self) -> set[int]:
        """The iterations after which the network is evaluated: evenly spread, the last one always."""
        count = max(1, self.settings.evaluations)
        return {max(1, round(self.net.max_batches * k / count)) for k in range(1, count + 1)}

    def save(self, iteration: int) -> None:
        """Write the checkpoint."""
        seconds = time.monotonic() - self.started
        position = Position(iteration, self.log.size(), seconds, self.average, self.fingerprint)
        save_checkpoint(self.checkpoint, self.trainer, position)
        self.saved = time.monotonic()

    def finish(self) -> dict[str, Any]:
        """Weights, detections and result; the checkpoint has done its work."""
        plan, seconds = self.plan, time.monotonic() - self.started
        scores = self.scores or self.evaluate()
        save_weights(self.network, plan.out / "final.weights", seen=self.net.max_batches * self.net.batch)
        publish_bytes(plan.out / "final.names", "".join(f"{name}\n" for name in plan.val.names).encode())
        for name, value in scores.files().items():
            write_json(plan.out / name, value)
        result = {
            "format": FORMAT,
            "task": self.objective.task,
            "variant": plan.name,
            "seed": plan.seed,
            "fingerprint": self.fingerprint,
            "data": {
                "name": plan.data,
                "fingerprint": plan.val.fingerprint,
                "images": len(plan.val),
                "classes": list(plan.val.names),
            },
            "scores": scores.to_json(),
            "network": network_facts(self.network.graph),
            "training": {
                "iterations": self.net.max_batches,
                "epochs": self.epoch(self.net.max_batches),
                "images_seen": self.net.max_batches * self.net.batch,
                "seconds": round(seconds, 1),
                "batch": self.net.batch,
            },
        }
        write_json(plan.out / "result.json", result)
        self.checkpoint.unlink(missing_ok=True)
        return result


class _Requests(AbstractContextManager["_Requests"]):
    """Listens for SIGINT and SIGTERM; a second one ends the program at once."""

    stop = False

    def __enter__(self) -> _Requests:
        self.before = {
            number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.stop:
            raise KeyboardInterrupt
        self.stop = True
