"""Reading a comparison: what was planned, and every run of it that has finished.

A folder may come from anywhere, so every value is checked. Runs that cannot be compared are refused with one
message that names the file; a run that has not finished is listed as missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from darknet_py.errors import ReportError, quoted
from darknet_py.runs.folders import ComparisonFolder
from darknet_py.runs.latency_file import read_latencies
from darknet_py.runs.plan_file import PlannedVariant, read_plan
from darknet_py.runs.read_run import read_run
from darknet_py.runs.records import Comparison, Latency, Run, VariantRuns

# These decide what a score means; the input size and the NMS may belong to the variant.
SAME_PROTOCOL = ("metric", "split", "score_threshold")


def read_comparison(path: Path) -> Comparison:
    """Read a folder that `compare` has filled.

    Raises:  ReportError: when a file is missing or damaged, or when runs are not comparable.
    """
    folder = ComparisonFolder(path)
    plan = read_plan(folder.plan)
    setting, latencies = read_latencies(folder.latency)
    variants = tuple(
        _read_variant(folder, planned, plan.seeds, latencies.get(planned.name)) for planned in plan.variants
    )
    _check_comparable([run for variant in variants for run in variant.runs])
    return Comparison(variants[0].runs[0].data, plan.epochs, plan.seeds, variants, setting, plan.margin)


def _read_variant(
    folder: ComparisonFolder, planned: PlannedVariant, seeds: Sequence[int], latency: Latency | None
) -> VariantRuns:
    name = planned.name
    finished = [seed for seed in seeds if folder.run(name, seed).finished]
    if not finished:
        message = f"no run of the variant {quoted(name)} has finished"
        hint = "the same `compare` command resumes it"
        raise ReportError(message, where=folder.variant(name), hint=hint)
    runs = tuple(read_run(folder.run(name, seed), variant=name, seed=seed) for seed in finished)
    for run in runs[1:]:
        if run.network != runs[0].network:
            message = f"the network is not that of {runs[0].folder.result}"
            raise ReportError(message, where=run.folder.result)
    pictures = sorted(path for path in folder.samples(name).glob("*.png") if path.stem in {*"0123456789"})
    return VariantRuns(
        name=name,
        cfg=planned.cfg,
        edits=planned.edits,
        runs=runs,
        missing=tuple(seed for seed in seeds if seed not in finished),
        latency=latency,
        samples={int(path.stem): path for path in pictures},
    )


def _check_comparable(runs: Sequence[Run]) -> None:
    """Refuse runs whose scores mean different things."""
    first, *others = runs
    expected = _conditions(first)
    for run in others:
        for key, value in _conditions(run).items():
            if value != expected[key]:
                message = f"{key} is {quoted(value)}, and {quoted(expected[key])} in {first.folder.result}"
                raise ReportError(f"{message}: they cannot be compared", where=run.folder.result)


def _conditions(run: Run) -> dict[str, Any]:
    """What must be equal in all runs of a comparison, by its name in `result.json`."""
    return {
        "task": run.metrics.task,
        "data.fingerprint": run.data.fingerprint,
        "data.classes": run.data.classes,
        "scores.images": run.scores.images,
        **{f"scores.protocol.{key}": run.scores.protocol.get(key) for key in SAME_PROTOCOL},
    }
