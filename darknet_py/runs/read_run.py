"""Reading a finished run: its result, its log and its cfg, none of which is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from darknet_py.errors import ReportError, quoted
from darknet_py.files.json_fields import (
    JsonObject,
    file_exists,
    name_if_absolute,
    read_json_object,
    read_text,
)
from darknet_py.runs.curves import read_curves
from darknet_py.runs.errors_file import read_errors
from darknet_py.runs.folders import RunFolder
from darknet_py.runs.log import FORMAT
from darknet_py.runs.records import CarriedFacts, DataFacts, NetworkFacts, Run, ScoreFacts, TrainingFacts
from darknet_py.tasks.metrics import TASKS, Metrics

# Bytes. A cfg of Darknet has some 20 kB; the diff of two files of a gigabyte would never end.
LARGEST_CFG = 1 << 20


def read_run(folder: RunFolder, *, variant: str, seed: int) -> Run:
    """Read the finished run of a variant and a seed.

    Raises:  ReportError: when a file is missing or damaged, or the result is of another variant or seed.
    """
    result = read_json_object(folder.result)
    if result.count("format") != FORMAT:
        message = f"it has format {result.count('format')}, and this program reads format {FORMAT}"
        raise ReportError(message, where=result.where)
    if (result.text("variant"), result.count("seed")) != (variant, seed):
        found = f"{quoted(result.text('variant'))}, seed {result.count('seed')}"
        raise ReportError(f"it is the result of {found}", where=result.where)
    data, metrics = _read_data(result.child("data")), task_metrics(result)
    return Run(
        seed=seed,
        metrics=metrics,
        data=data,
        scores=_read_scores(result.child("scores"), data, metrics),
        network=_read_network(result.child("network")),
        training=_read_training(result.child("training")),
        curves=read_curves(folder.log, figures=tuple(dict.fromkeys((metrics.first, *metrics.curves)))),
        cfg_text=read_text(folder.cfg, largest=LARGEST_CFG),
        folder=folder,
        errors=read_errors(folder.errors, classes=len(data.classes)),
        carried=_read_carried(folder) if file_exists(folder.carried) else None,
        fingerprint=result.child("fingerprint").values if "fingerprint" in result.values else {},
        environment=result.child("environment").values if "environment" in result.values else {},
    )


def read_result(folder: RunFolder, fingerprint: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a finished run, as `result.json` holds it.

    Raises:  ReportError: when the result is damaged, or of a run with another fingerprint.
    """
    try:
        result = read_json_object(folder.result)
        found = result.child("fingerprint").values
    except ReportError as error:
        raise ReportError(error.message, where=folder.result, hint="delete the run's folder") from None
    if different := sorted(key for key, value in fingerprint.items() if found.get(key) != value):
        message = f"is the result of another run: {', '.join(different)} differ"
        raise ReportError(message, where=folder.result, hint="name another --out, or delete the run's folder")
    return result.values


def task_metrics(result: JsonObject) -> Metrics:
    """The metrics of a result's task; results of version 0.1.0 name no task and are of detectors."""
    task = result.text("task") if "task" in result.values else "detection"
    if task not in TASKS:
        raise ReportError(f"task is {quoted(task)}; known are {', '.join(TASKS)}", where=result.where)
    return TASKS[task]


def _read_data(data: JsonObject) -> DataFacts:
    skipped = data.child("skipped") if "skipped" in data.values else None  # results of 0.1.0 have none
    return DataFacts(
        name=name_if_absolute(data.text("name")),
        fingerprint=data.text("fingerprint"),
        images=data.count("images"),
        classes=data.texts("classes"),
        skipped={split: skipped.count(split) for split in skipped.values} if skipped else {},
        left_out=_read_left_out(data.child("splits")) if "splits" in data.values else {},
    )


def _read_left_out(splits: JsonObject) -> dict[str, dict[str, int]]:
    found = {split: splits.child(split).child("left_out") for split in splits.values}
    return {
        split: {reason: counts.count(reason) for reason in counts.values} for split, counts in found.items()
    }


def _read_scores(scores: JsonObject, data: DataFacts, metrics: Metrics) -> ScoreFacts:
    per_class, side = scores.child("per_class"), len(data.classes)
    if odd := sorted({*per_class.values} ^ {*data.classes}):
        message = f"scores.per_class and data.classes disagree about {quoted(', '.join(odd))}"
        raise ReportError(message, where=scores.where)
    return ScoreFacts(
        metrics={metric: scores.score(metric) for metric in metrics.words},
        per_class={name: per_class.score(name) for name in data.classes},
        images=scores.count("images"),
        protocol=scores.child("protocol").values,
        confusion=scores.count_matrix("confusion", side=side) if "confusion" in scores.values else (),
    )


def _read_carried(folder: RunFolder) -> CarriedFacts:
    ledger = read_json_object(folder.carried)
    reasons = ledger.children("reasons")
    why = f"{reasons[0].text('layer')}: {reasons[0].text('why')}" if reasons else ""
    return CarriedFacts(ledger.score("share") or 0.0, not reasons, why)


def _read_network(network: JsonObject) -> NetworkFacts:
    return NetworkFacts(
        parameters=network.count("parameters"),
        trainable=network.count("trainable"),
        bflops=network.number("bflops", low=0),
        bflops_conv=network.number("bflops_conv", low=0),
        reach=network.pair("reach"),
        size=network.pair("size"),
    )


def _read_training(training: JsonObject) -> TrainingFacts:
    return TrainingFacts(
        iterations=training.count("iterations"),
        epochs=training.number("epochs", low=0),
        images_seen=training.count("images_seen"),
        seconds=training.number("seconds", low=0),
        batch=training.count("batch"),
    )
