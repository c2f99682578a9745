"""What is known of finished runs: the records that `read_comparison` reads from a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from darknet_py.runs.curves import Curves
from darknet_py.runs.folders import RunFolder
from darknet_py.runs.pictures_file import StoredPicture
from darknet_py.runs.plan_file import Until
from darknet_py.scoring.slices.figures import Slice
from darknet_py.tasks.metrics import Metrics

LEAST_SHARE = 0.9  # of the time in which a measuring thread has a core on an idle machine
MOST_SPREAD = 1.25  # of the median round over the fastest on an idle machine


@dataclass(frozen=True)
class DataFacts:
    """The data set that a run was evaluated on.

    Args:
        skipped: images of each split that could not be read and were left out.
        left_out: what else of each split was left out: the reason, and how often.
    """

    name: str
    fingerprint: str
    images: int
    classes: tuple[str, ...]
    skipped: Mapping[str, int]
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoreFacts:
    """The scores of a run, 0..1; None without ground truth.

    Args:
        images: how many were evaluated.
        confusion: counts, label by prediction; empty for detectors.
    """

    metrics: Mapping[str, float | None]
    per_class: Mapping[str, float | None]
    images: int
    protocol: Mapping[str, Any]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ErrorFacts:
    """The errors of a detector.

    Args:
        costs: of each kind, in AP50, 0..1; None without ground truth.
        counts: of each kind.
        confusion: counts, label by prediction, from a score on; the last row and column are the background.
        score, iou: the limits of the confusion.
        slices: the figures by properties of objects and images; empty where they were not recorded.
    """

    costs: Mapping[str, float | None]
    counts: Mapping[str, int]
    confusion: tuple[tuple[int, ...], ...]
    score: float
    iou: float
    slices: tuple[Slice, ...] = ()


@dataclass(frozen=True)
class NetworkFacts:
    """The cost of a network and its receptive field; `reach` and `size` are (rows, columns)."""

    parameters: int
    trainable: int
    bflops: float
    bflops_conv: float
    reach: tuple[int, int]
    size: tuple[int, int]


@dataclass(frozen=True)
class TrainingFacts:
    """The effort of a training."""

    iterations: int
    epochs: float
    images_seen: int
    seconds: float
    batch: int


@dataclass(frozen=True)
class CarriedFacts:
    """Weights to start from that were carried over from another cfg.

    Args:
        share: of the parameters that are those of the weights, 0..1.
        preserving: whether the network computed the same before the first update.
        why: the first reason where it did not; empty where it did.
    """

    share: float
    preserving: bool
    why: str


@dataclass(frozen=True)
class Run:
    """One finished training of one variant with one seed.

    Args:
        carried: where it started from another cfg's weights.
        errors: of a detector; None where they were not recorded.
        fingerprint: what distinguishes the run from others, as `TrainingPlan.fingerprint` has it.
        environment: what its last bits also depend on: versions, device, threads, processes.
    """

    seed: int
    metrics: Metrics
    data: DataFacts
    scores: ScoreFacts
    network: NetworkFacts
    training: TrainingFacts
    curves: Curves
    cfg_text: str
    folder: RunFolder
    errors: ErrorFacts | None = None
    carried: CarriedFacts | None = None
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Latency:
    """Milliseconds per image.

    Args:
        share: of the time, in which the measuring thread had a core, 0..1.
    """

    median: float
    low: float
    high: float
    share: float = 1.0

    @property
    def disturbed(self) -> bool:
        """Whether other work on the machine made it slower, and by how much is not known."""
        return self.share < LEAST_SHARE or self.median > MOST_SPREAD * self.low


@dataclass(frozen=True)
class VariantRuns:
    """One cfg with its finished runs.

    Args:
        cfg: the path as it was given; the name alone when it was absolute.
        edits: applied to the cfg, as text.
        missing: the seeds without a finished run.
        not_finite: of these, the seeds whose training stopped, and why.
        samples: drawn validation images, by number.
    """

    name: str
    cfg: str
    edits: tuple[str, ...]
    runs: tuple[Run, ...]
    missing: tuple[int, ...]
    latency: Latency | None
    samples: Mapping[int, Path]
    not_finite: Mapping[int, str] = field(default_factory=dict)

    @property
    def unended(self) -> tuple[int, ...]:
        """The seeds that are still to be trained."""
        return tuple(seed for seed in self.missing if seed not in self.not_finite)

    @property
    def network(self) -> NetworkFacts:
        """The cost of the network; the same for every seed."""
        return self.runs[0].network

    def values(self, metric: str) -> tuple[float | None, ...]:
        """One metric of every finished run, in order of the seeds."""
        return tuple(run.scores.metrics[metric] for run in self.runs)

    def class_values(self, name: str) -> tuple[float | None, ...]:
        """The score of one class in every finished run, in order of the seeds."""
        return tuple(run.scores.per_class[name] for run in self.runs)


@dataclass(frozen=True)
class Comparison:
    """Everything a report is made of; the first variant is the baseline.

    Args:
        margin: a difference of at most this is none for practical purposes.
        absent: variants without a finished run, which are in no table.
        left: of each variant, the planned seeds whose runs have not ended; an ended one may have no result.
        remarks: on how comparisons were merged.
        pictures: images that the report shows, by id.
        until: where the comparison grew in stages.
        options: of `compare` that decided the trainings; none where they were not stored.
    """

    data: DataFacts
    epochs: float
    seeds: tuple[int, ...]
    variants: tuple[VariantRuns, ...]
    latency_setting: Mapping[str, Any]
    margin: float
    absent: tuple[str, ...] = ()
    left: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    pictures: Mapping[int, StoredPicture] = field(default_factory=dict)
    until: Until | None = None
    options: tuple[str, ...] = ()

    @property
    def metrics(self) -> Metrics:
        """The metrics of the task."""
        return self.baseline.runs[0].metrics

    @property
    def baseline(self) -> VariantRuns:
        """The variant that the others are compared with."""
        return self.variants[0]
