"""Run folders, read: what a comparison set out to do, and every run of it that has finished.

A folder may come from anywhere, so nothing in it is believed before it is looked at. What cannot be compared
is refused with one message that names the file; a run that has not finished is listed as missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darknet_py.errors import ReportError, quoted
from darknet_py.files.json_fields import Fields, is_there, read_fields, read_text, without_home
from darknet_py.runs.curves import Curves, read_curves
from darknet_py.tasks.metrics import TASKS, Metrics

FORMAT = 1
# A cfg of Darknet has some 20 kB; difflib must not be given a film that is called net.cfg.
LARGEST_CFG = 1 << 20
# These decide what a score means; the size and the NMS may belong to the variant.
SAME_PROTOCOL = ("metric", "split", "score_threshold")


@dataclass(frozen=True)
class DataFacts:
    """The data set that a run was evaluated on."""

    name: str
    fingerprint: str
    images: int
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Scores:
    """What one run reached, 0..1; None where there is no truth. Classifiers have a confusion matrix."""

    metrics: Mapping[str, float | None]
    per_class: Mapping[str, float | None]
    images: int
    protocol: Mapping[str, Any]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class NetworkFacts:
    """What a network costs and sees; reach is (rows, columns)."""

    parameters: int
    trainable: int
    bflops: float
    bflops_conv: float
    reach: tuple[int, int]
    size: tuple[int, int]


@dataclass(frozen=True)
class TrainingFacts:
    """What one training took."""

    iterations: int
    epochs: float
    images_seen: int
    seconds: float
    batch: int


@dataclass(frozen=True)
class Run:
    """One finished training of one variant with one seed."""

    seed: int
    metrics: Metrics
    data: DataFacts
    scores: Scores
    network: NetworkFacts
    training: TrainingFacts
    curves: Curves
    cfg_text: str
    where: Path


@dataclass(frozen=True)
class Latency:
    """Milliseconds an image takes."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Variant:
    """One cfg with all its runs; `missing` are the seeds that have not finished."""

    name: str
    cfg: str
    edits: tuple[str, ...]
    runs: tuple[Run, ...]
    missing: tuple[int, ...]
    latency: Latency | None
    samples: Mapping[int, Path]

    @property
    def network(self) -> NetworkFacts:
        """What the network costs; the same for every seed."""
        return self.runs[0].network

    def values(self, metric: str) -> tuple[float | None, ...]:
        """One metric of every finished run, in order of the seeds."""
        return tuple(run.scores.metrics[metric] for run in self.runs)

    def class_values(self, name: str) -> tuple[float | None, ...]:
        """The figure of one class in every finished run, in order of the seeds."""
        return tuple(run.scores.per_class[name] for run in self.runs)


@dataclass(frozen=True)
class Comparison:
    """Everything a report is made of; the first variant is the baseline."""

    data: DataFacts
    epochs: float
    seeds: tuple[int, ...]
    variants: tuple[Variant, ...]
    latency_setting: Mapping[str, Any]

    @property
    def metrics(self) -> Metrics:
        """What was measured."""
        return self.baseline.runs[0].metrics

    @property
    def baseline(self) -> Variant:
        """The variant that the others are compared with."""
        return self.variants[0]


def read_comparison(folder: Path) -> Comparison:
    """Read a folder that `compare` has filled.

    Raises:  ReportError: when a file is missing or damaged, or when runs are not comparable.
    """
    plan = read_fields(folder / "compare.json")
    entries, seeds = plan.parts("variants"), plan.wholes("seeds")
    setting, latencies = _latencies(folder / "latency.json")
    names = [_folder_name(entry) for entry in entries]
    if not names or not seeds or len({*names}) < len(names) or len({*seeds}) < len(seeds):
        raise ReportError("it needs variants and seeds, each named once", where=plan.where)
    variants = tuple(_variant(folder, entry, seeds, latencies) for entry in entries)
    _check_comparable([run for variant in variants for run in variant.runs])
    data = variants[0].runs[0].data
    return Comparison(data, plan.number("epochs", low=0), seeds, variants, setting)


def _folder_name(entry: Fields) -> str:
    name = entry.text("name")
    if name in {"", ".", ".."} or any(c in name for c in "/\\\0"):
        raise ReportError(f"the variant {quoted(name)!r} cannot be the name of a folder", where=entry.where)
    return name


def _variant(
    folder: Path, entry: Fields, seeds: tuple[int, ...], latencies: Mapping[str, Latency]
) -> Variant:
    name = entry.text("name")
    home = folder / "runs" / name
    finished = {
        seed: home / f"seed-{seed}" for seed in seeds if is_there(home / f"seed-{seed}" / "result.json")
    }
    if not finished:
        hint = "the same `compare` command goes on where it stopped"
        raise ReportError(f"no run of the variant {quoted(name)} has finished", where=home, hint=hint)
    runs = tuple(_run(where, name, seed) for seed, where in finished.items())
    for run in runs[1:]:
        if run.network != runs[0].network:
            raise ReportError(
                f"the network is not that of {runs[0].where / 'result.json'}", where=_result(run)
            )
    missing = tuple(seed for seed in seeds if seed not in finished)
    samples = {int(path.stem): path for path in home.glob("samples/*.png") if path.stem in {*"0123456789"}}
    edits, cfg = entry.texts("edits"), without_home(entry.text("cfg"))
    return Variant(name, cfg, edits, runs, missing, latencies.get(name), dict(sorted(samples.items())))


def _result(run: Run) -> Path:
    return run.where / "result.json"


def _run(where: Path, name: str, seed: int) -> Run:
    result = read_fields(where / "result.json")
    if result.whole("format") != FORMAT:
        message = f"it has format {result.whole('format')}, and this program reads format {FORMAT}"
        raise ReportError(message, where=result.where)
    if (result.text("variant"), result.whole("seed")) != (name, seed):
        raise ReportError(
            f"it is the result of {quoted(result.text('variant'))}, seed {result.whole('seed')}",
            where=result.where,
        )
    data = _data(result.part("data"))
    metrics = _metrics(result)
    scores = _scores(result.part("scores"), data, metrics)
    network, training = _network(result.part("network")), _training(result.part("training"))
    curves = read_curves(where / "log.jsonl", figures=metrics.curves)
    cfg_text = read_text(where / "net.cfg", largest=LARGEST_CFG)
    return Run(seed, metrics, data, scores, network, training, curves, cfg_text, where)


def _metrics(result: Fields) -> Metrics:
    """Of the run's task; results of version 0.1.0 have none and are of detectors."""
    task = result.text("task") if "task" in result.values else "detection"
    if task not in TASKS:
        raise ReportError(f"task is {quoted(task)}; known are {', '.join(TASKS)}", where=result.where)
    return TASKS[task]


def _data(part: Fields) -> DataFacts:
    name, classes = without_home(part.text("name")), part.texts("classes")
    return DataFacts(name, part.text("fingerprint"), part.whole("images"), classes)


def _scores(part: Fields, data: DataFacts, metrics: Metrics) -> Scores:
    per_class = part.part("per_class")
    if {*per_class.values} != {*data.classes}:
        odd = sorted({*per_class.values} ^ {*data.classes})
        raise ReportError(
            f"scores.per_class and data.classes disagree about {quoted(', '.join(odd))}", where=part.where
        )
    figures = {metric: part.score(metric) for metric in metrics.words}
    by_class = {name: per_class.score(name) for name in data.classes}
    confusion = part.counts("confusion", side=len(data.classes)) if "confusion" in part.values else ()
    return Scores(figures, by_class, part.whole("images"), part.part("protocol").values, confusion)


def _network(part: Fields) -> NetworkFacts:
    counts = part.whole("parameters"), part.whole("trainable")
    bflops = part.number("bflops", low=0), part.number("bflops_conv", low=0)
    return NetworkFacts(*counts, *bflops, part.pair("reach"), part.pair("size"))


def _training(part: Fields) -> TrainingFacts:
    seconds = part.number("seconds", low=0)
    counts = part.whole("iterations"), part.number("epochs", low=0), part.whole("images_seen")
    return TrainingFacts(*counts, seconds, part.whole("batch"))


def _latencies(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Latency]]:
    if not is_there(path):
        return {}, {}
    whole = read_fields(path)
    rows = {name: whole.part("variants").part(name) for name in whole.part("variants").values}
    times = {
        name: Latency(*(row.number(key, low=0) for key in ("median", "min", "max")))
        for name, row in rows.items()
    }
    return {key: value for key, value in whole.values.items() if key != "variants"}, times


def _check_comparable(runs: list[Run]) -> None:
    first = runs[0]
    for run in runs[1:]:
        pairs = {
            "task": (run.metrics.task, first.metrics.task),
            "data.fingerprint": (run.data.fingerprint, first.data.fingerprint),
            "data.classes": (run.data.classes, first.data.classes),
            "scores.images": (run.scores.images, first.scores.images),
        }
        for key in SAME_PROTOCOL:
            pairs[f"scores.protocol.{key}"] = (run.scores.protocol.get(key), first.scores.protocol.get(key))
        for key, (ours, theirs) in pairs.items():
            if ours != theirs:
                message = f"{key} is {quoted(ours)}, and {quoted(theirs)} in {_result(first)}"
                raise ReportError(f"{message}: they cannot be compared", where=_result(run))
