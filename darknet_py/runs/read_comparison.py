"""Reading a comparison: what was planned, and every run of it that has finished.

A folder may come from anywhere, so every value is checked. Runs that cannot be compared are refused with one
message that names the file; a run that has not finished is listed as missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from darknet_py.errors import ReportError, quoted
from darknet_py.files.json_fields import JsonObject, file_exists, name_if_absolute, read_json_object
from darknet_py.runs.comparison_folder import ComparisonFolder
from darknet_py.runs.read_run import read_run
from darknet_py.runs.records import Comparison, Latency, Run, VariantRuns

# These decide what a score means; the input size and the NMS may belong to the variant.
SAME_PROTOCOL = ("metric", "split", "score_threshold")


def read_comparison(root: Path) -> Comparison:
    """Read a folder that `compare` has filled.

    Raises:  ReportError: when a file is missing or damaged, or when runs are not comparable.
    """
    folder = ComparisonFolder(root)
    plan = read_json_object(folder.plan_file)
    entries, seeds = plan.children("variants"), plan.counts("seeds")
    setting, latencies = _read_latency(folder.latency_file)
    names = [_read_name(entry) for entry in entries]
    if not names or not seeds or len({*names}) < len(names) or len({*seeds}) < len(seeds):
        raise ReportError("it needs variants and seeds, each named once", where=plan.where)
    variants = tuple(_read_variant(folder, entry, seeds, latencies) for entry in entries)
    _check_comparable([run for variant in variants for run in variant.runs])
    data = variants[0].runs[0].data
    return Comparison(data, plan.number("epochs", low=0), seeds, variants, setting)


def _read_name(entry: JsonObject) -> str:
    name = entry.text("name")
    if name in {"", ".", ".."} or any(c in name for c in "/\\\0"):
        raise ReportError(f"the variant {quoted(name)!r} cannot be the name of a folder", where=entry.where)
    return name


def _read_variant(
    folder: ComparisonFolder, entry: JsonObject, seeds: Sequence[int], latencies: Mapping[str, Latency]
) -> VariantRuns:
    name = entry.text("name")
    finished = [seed for seed in seeds if file_exists(folder.run(name, seed) / "result.json")]
    if not finished:
        message = f"no run of the variant {quoted(name)} has finished"
        hint = "the same `compare` command resumes it"
        raise ReportError(message, where=folder.variant(name), hint=hint)
    runs = tuple(read_run(folder.run(name, seed), variant=name, seed=seed) for seed in finished)
    for run in runs[1:]:
        if run.network != runs[0].network:
            message = f"the network is not that of {runs[0].result_file}"
            raise ReportError(message, where=run.result_file)
    pictures = sorted(path for path in folder.samples(name).glob("*.png") if path.stem in {*"0123456789"})
    return VariantRuns(
        name=name,
        cfg=name_if_absolute(entry.text("cfg")),
        edits=entry.texts("edits"),
        runs=runs,
        missing=tuple(seed for seed in seeds if seed not in finished),
        latency=latencies.get(name),
        samples={int(path.stem): path for path in pictures},
    )


def _read_latency(file: Path) -> tuple[Mapping[str, Any], Mapping[str, Latency]]:
    """The setting of the measurement, and the latency of each variant; both empty when not measured."""
    if not file_exists(file):
        return {}, {}
    content = read_json_object(file)
    variants = content.child("variants")
    rows = {name: variants.child(name) for name in variants.values}
    latencies = {
        name: Latency(row.number("median", low=0), row.number("min", low=0), row.number("max", low=0))
        for name, row in rows.items()
    }
    return {key: value for key, value in content.values.items() if key != "variants"}, latencies


def _check_comparable(runs: Sequence[Run]) -> None:
    """Refuse runs whose scores mean different things."""
    first, *others = runs
    expected = _conditions(first)
    for run in others:
        for key, value in _conditions(run).items():
            if value != expected[key]:
                message = f"{key} is {quoted(value)}, and {quoted(expected[key])} in {first.result_file}"
                raise ReportError(f"{message}: they cannot be compared", where=run.result_file)


def _conditions(run: Run) -> dict[str, Any]:
    """What must be equal in all runs of a comparison, by its name in `result.json`."""
    return {
        "task": run.metrics.task,
        "data.fingerprint": run.data.fingerprint,
        "data.classes": run.data.classes,
        "scores.images": run.scores.images,
        **{f"scores.protocol.{key}": run.scores.protocol.get(key) for key in SAME_PROTOCOL},
    }
