"""A run: a cfg, data and a seed become weights, a log and a result, through any number of stops."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from darknet_py.cfg.document import Document
from darknet_py.data.collate import Batch, batches
from darknet_py.data.dataset import Dataset
from darknet_py.data.sampler import Batches, Sampler
from darknet_py.errors import NotFinite, Stopped, UsageError
from darknet_py.graph.compile import compile
from darknet_py.network import Network
from darknet_py.plugin import Plugin, fingerprint_of, keep_plugins
from darknet_py.publish import publish_bytes, sweep
from darknet_py.train.blame import blamed
from darknet_py.train.checkpoint import Position
from darknet_py.train.checkpoints import Checkpoints
from darknet_py.train.environment import environment_of
from darknet_py.train.initialise import initialise
from darknet_py.train.loading import loaded
from darknet_py.train.lock import locked
from darknet_py.train.malloc import keep_freed_memory
from darknet_py.train.objective import Objective, Scored
from darknet_py.train.record import FORMAT, Log, network_facts, write_json
from darknet_py.train.requests import Requests
from darknet_py.train.schedule import check_schedule, learning_rate
from darknet_py.train.step import Trainer
from darknet_py.train.truths import Truths
from darknet_py.weights import load_weights, save_weights

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
        recipe: modern or darknet, see `recipe.py`.
        precision: of activations in training, float32 or bfloat16; weights and losses are float32.
        checkpoint_seconds: between two checkpoints; 0 writes one after every iteration.
        keep: older checkpoints that stay beside the newest.
        allow_changed: parts of the environment that may differ from the checkpoint's.
    """

    weights: Path | None = None
    partial: int | None = None
    device: str = "cpu"
    workers: int = 0
    evaluations: int = 5
    recipe: str = "modern"
    precision: str = "float32"
    plugins: tuple[Plugin, ...] = ()
    checkpoint_seconds: float = 60.0
    keep: int = 1
    allow_changed: tuple[str, ...] = ()


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
        UsageError: when another process is training in the run's folder.
    """
    keep_freed_memory()
    with locked(plan.out):
        run = _Run(plan)
        with Requests() as requests:
            run.go_on(requests, progress)
        return run.finish()


def source_of(plan: Plan, objective: Objective, *, first: int = 1) -> Iterator[Batch]:
    """The batches that a run trains on, from an iteration on."""
    net = objective.graph.net
    size = {"height": net.height, "width": net.width, "random": objective.random, "step": net.resize_step}
    sampler = Sampler(len(plan.train), net.batch, plan.seed, **size)
    todo = Batches(sampler, first, net.max_batches)
    return batches(plan.train, todo, objective.augment(), workers=plan.settings.workers)


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
        self.log = Log(plan.out / "log.jsonl")
        self.checkpoints = Checkpoints(
            plan.out, keep=self.settings.keep, allow_changed=self.settings.allow_changed
        )
        self.fingerprint = plan.fingerprint()
        self.environment = environment_of(self.settings.device)
        self.position = self._begin()
        self.average = self.position.average
        self.scores: Scored | None = None

    def _begin(self) -> Position:
        sweep(self.plan.out)
        begin = self._at(0, seconds=0.0, average=None)
        position = self.checkpoints.load(self.trainer, begin) or replace(begin, log_bytes=0)
        self.log.cut(position.log_bytes)
        keep_plugins(self.settings.plugins, self.plan.document, self.plan.out)
        publish_bytes(self.plan.out / "net.cfg", str(self.plan.document).encode("utf-8", "surrogateescape"))
        self.checkpoints.warn_of_space(self.trainer)
        return position

    def _at(self, iteration: int, *, seconds: float, average: float | None) -> Position:
        return Position(iteration, self.log.size(), seconds, average, self.fingerprint, self.environment)

    def go_on(self, requests: Requests, progress: Progress) -> None:
        self.saved = self.ticked = time.monotonic()
        self.started = self.saved - self.position.seconds
        done, first = self.position.iteration, self.position.iteration + 1
        source = source_of(self.plan, self.objective, first=first)
        requests.undisturbed()
        for done, batch in enumerate(loaded(source, requests), start=first):
            self.iterate(done, batch, progress)
            if requests.stop:
                break
            if time.monotonic() - self.saved >= self.settings.checkpoint_seconds:
                self.save(done)
        if done < self.net.max_batches:
            self.save(done)
            hint = "the same command goes on from here (`train`: with --resume)"
            message = f"after iteration {done} of {self.net.max_batches}, on request"
            raise Stopped(message, where=self.plan.out, hint=hint)

    def iterate(self, iteration: int, batch: Batch, progress: Progress) -> None:
        """One update, and what is said of it."""
        images = batch.images.to(self.settings.device).float().div_(255)
        images = images.contiguous(memory_format=torch.channels_last)
        truths = Truths.of(batch.rows).to(self.settings.device)
        rate = learning_rate(self.net, iteration, seed=self.plan.seed)
        try:
            loss = self.trainer.step(images, truths, rate=rate, iteration=iteration, samples=batch.samples)
        except NotFinite as error:
            names = [self.plan.train.record(index).name for index in batch.samples]
            raise blamed(error, self.trainer, images, truths, names, iteration, batch.samples) from None
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
        scored, device = self.trainer.scored(), self.settings.device
        return self.objective.score(scored, self.plan.val, self.plan.train, device=device)

    def epoch(self, iteration: int) -> float:
        """Epochs done after an iteration."""
        return round(iteration * self.net.batch / len(self.plan.train), 4)

    def evaluated_at(self) -> set[int]:
        """The iterations after which the network is evaluated: evenly spread, the last one always."""
        count = max(1, self.settings.evaluations)
        return {max(1, round(self.net.max_batches * k / count)) for k in range(1, count + 1)}

    def save(self, iteration: int) -> None:
        """Write the checkpoint."""
        self.log.sync()
        seconds = time.monotonic() - self.started
        self.checkpoints.save(self.trainer, self._at(iteration, seconds=seconds, average=self.average))
        self.saved = time.monotonic()

    def finish(self) -> dict[str, Any]:
        """Weights, detections and result; the checkpoints have done their work."""
        plan, seconds = self.plan, time.monotonic() - self.started
        scores = self.scores or self.evaluate()
        seen = self.net.max_batches * self.net.batch
        save_weights(self.trainer.scored(), plan.out / "final.weights", seen=seen)
        averaged = self.trainer.averaged()
        if averaged is not None and averaged is not self.trainer.scored():
            save_weights(averaged, plan.out / "final_ema.weights", seen=seen)  # Darknet's name for it
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
        self.checkpoints.clear()
        return result
