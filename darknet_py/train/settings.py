"""The plan of a training: a network, data, a seed and settings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from darknet_py.cfg.document import Document
from darknet_py.data.dataset import Dataset
from darknet_py.data.loader.collate import Batch, batches
from darknet_py.data.loader.sampler import Batches, Sampler
from darknet_py.data.summary import UNREADABLE
from darknet_py.data.verify.limit import SkipLimit
from darknet_py.distributed.process_info import ProcessInfo
from darknet_py.files.digest import sha256_of
from darknet_py.graph.graph import Graph
from darknet_py.layers.plugins import Plugin, fingerprint_of
from darknet_py.tasks.base import Task
from darknet_py.train.carrying import WeightsSource
from darknet_py.train.prefix.settings import PrefixSettings


@dataclass(frozen=True)
class Settings:
    """The settings of a training.

    Args:
        weights: the file to start from; without it, random numbers.
        partial: read so many layers of `weights`, from the first on.
        source: the cfg that `weights` belong to, where it is another than the trained one.
        names: the file of the class names of `weights`; by default that next to them, if there is one.
        workers: processes that load images; 0 for none but this one.
        evaluations: how often the network is evaluated, the last time at the end.
        plugins: files with layers of the user.
        recipe: modern or darknet, see `recipe.py`.
        precision: of activations in training, of `runs.choices.PRECISIONS`; weights and losses are float32.
        compiled: use torch.compile.
        tensorboard: write event files too.
        checkpoint_seconds: between two checkpoints; 0 writes one after every iteration.
        keep_trying: where a checkpoint cannot be written, warn and continue.
        keep: older checkpoints that are kept next to the newest.
        allow_changed: parts of the environment that may differ from the checkpoint's.
        processes: that share each batch.
        prefix: the layers that are frozen, with their maps kept; without it all are trained.
        skip_bad: how many images of a split are left out, where they cannot be read.
    """

    weights: Path | None = None
    partial: int | None = None
    source: WeightsSource | None = None
    names: Path | None = None
    device: str = "cpu"
    workers: int = 0
    evaluations: int = 5
    recipe: str = "modern"
    precision: str = "float32"
    compiled: bool = False
    tensorboard: bool = False
    plugins: tuple[Plugin, ...] = ()
    checkpoint_seconds: float = 60.0
    keep: int = 1
    keep_trying: bool = False
    allow_changed: tuple[str, ...] = ()
    processes: int = 1
    prefix: PrefixSettings | None = None
    skip_bad: SkipLimit = field(default_factory=SkipLimit)


@dataclass(frozen=True)
class TrainingPlan:
    """One training.

    Args:
        graph: the network, of the cfg's final text.
        data: the name of the data set, as the user gave it.
        like: a network whose random first weights this one shares where their layers match: the baseline of a
            comparison, unless both have the same anyway.
    """

    graph: Graph
    train: Dataset
    val: Dataset
    out: Path
    name: str
    data: str
    seed: int = 0
    settings: Settings = field(default_factory=Settings)
    like: Graph | None = None

    @property
    def document(self) -> Document:
        """The cfg's final text."""
        return self.graph.document

    @property
    def epochs(self) -> float:
        """Passes over the training images, as `max_batches` says."""
        return self.epochs_after(self.graph.net.max_batches)

    def epochs_after(self, iteration: int) -> float:
        """Passes over the training images, after an iteration."""
        return iteration * self.graph.net.batch / len(self.train)

    @property
    def skipped(self) -> dict[str, int]:
        """How many images of each split were left out, for they cannot be read."""
        return {
            "train": self.train.dropped.get(UNREADABLE, 0),
            "val": self.val.dropped.get(UNREADABLE, 0),
        }

    @property
    def tolerated(self) -> int:
        """How many more training images may turn out to be unreadable."""
        left_out = self.skipped["train"]
        return self.settings.skip_bad.of(len(self.train) + left_out) - left_out

    def fingerprint(self) -> dict[str, Any]:
        """What tells this run from others: two runs with the same fingerprint give the same bits."""
        weights = self.settings.weights
        return {
            "cfg": _digest(self.document),
            "train data": self.train.fingerprint,
            "val data": self.val.fingerprint,
            "seed": self.seed,
            "weights": weights and sha256_of(weights),
            "partial": self.settings.partial,
            "precision": self.settings.precision,
            "compiled": self.settings.compiled,
            **(self.settings.source.fingerprint() if self.settings.source else {}),
            **(self.settings.prefix.fingerprint() if self.settings.prefix else {}),
            **({"first weights like": _digest(self.like.document)} if self.like else {}),
            **fingerprint_of(self.settings.plugins, self.document),
        }


def _digest(document: Document) -> str:
    return hashlib.sha256(str(document).encode("utf-8", "surrogateescape")).hexdigest()


def source_of(
    plan: TrainingPlan, task: Task, *, first: int = 1, process: ProcessInfo | None = None
) -> Iterator[Batch]:
    """The batches that a run trains on, from an iteration on.

    Args:
        process: the one whose share of each batch it is.
    """
    return load_batches(plan, task, batches_of(plan, task, first=first, process=process))


def load_batches(plan: TrainingPlan, task: Task, todo: Batches) -> Iterator[Batch]:
    """Load batches of a run, as its settings say."""
    workers, tolerated = plan.settings.workers, plan.tolerated
    return batches(plan.train, todo, task.augmentation(), workers=workers, tolerated=tolerated)


def batches_of(
    plan: TrainingPlan, task: Task, *, first: int = 1, process: ProcessInfo | None = None
) -> Batches:
    """Which images a run trains on, as `source_of`."""
    net, at = plan.graph.net, process or ProcessInfo()
    sampler = Sampler(
        len(plan.train),
        net.batch,
        plan.seed,
        net.height,
        net.width,
        random=task.random,
        step=net.resize_step,
        channels=net.channels,
        versions=net.augment_versions,
    )
    return Batches(sampler, first, net.max_batches, rank=at.rank, ranks=at.size)
