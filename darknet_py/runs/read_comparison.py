"""Reading a comparison: what was planned, and every run of it that has finished.

A folder may come from anywhere, so every value is checked. Runs that cannot be compared are refused with one
message that names the file; a run that has not finished is listed as missing, and so is a variant without a
finished run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from darknet_py.cfg.diagnostics import did_you_mean
from darknet_py.errors import ReportError, UsageError, quoted
from darknet_py.files.json_fields import file_exists, read_json_object
from darknet_py.runs.folders import ComparisonFolder, RunFolder
from darknet_py.runs.latency_file import read_latencies
from darknet_py.runs.pictures_file import read_pictures
from darknet_py.runs.plan_file import ComparisonPlan, PlannedVariant, read_plan
from darknet_py.runs.read_run import read_run
from darknet_py.runs.records import Comparison, Latency, Run, VariantRuns

# These decide what a score means; the input size and the NMS may belong to the variant.
SAME_PROTOCOL = ("metric", "split", "score_threshold")


RESUME = "the same `compare` command resumes it"


def read_comparison(path: Path) -> Comparison:
    """Read a folder that `compare` has filled; its first variant with a finished run is the baseline.

    Raises:  ReportError: when a file is missing or damaged, or when runs are not comparable.
    """
    folder = ComparisonFolder(path)
    plan = _read_plan(folder)
    setting, latencies = read_latencies(folder.latency)
    found = {
        planned.name: _read_variant(folder, planned, plan.seeds, latencies.get(planned.name))
        for planned in plan.variants
    }
    variants = tuple(variant for variant in found.values() if variant.runs)
    if not variants:
        raise ReportError(
            f"none of its {len(found) * len(plan.seeds)} runs has finished", where=path, hint=RESUME
        )
    check_comparable([run for variant in variants for run in variant.runs])
    data = variants[0].runs[0].data
    return Comparison(
        data,
        plan.epochs,
        plan.seeds,
        variants,
        setting,
        plan.margin,
        absent=tuple(name for name, variant in found.items() if not variant.runs),
        left={name: variant.unended for name, variant in found.items()},
        remarks=tuple(_remarks_on_absent(found)),
        pictures=read_pictures(folder.pictures, classes=len(data.classes)),
        until=plan.until,
        options=plan.options,
    )


def _remarks_on_absent(found: Mapping[str, VariantRuns]) -> Iterator[str]:
    """What became of the variants without a finished run, where that is known.

    Args:
        found: all variants, in the order of the plan.
    """
    planned, first = next(iter(found)), next(name for name, variant in found.items() if variant.runs)
    if first != planned:
        yield f"The baseline is {first} in the place of {planned}."
    for name, variant in found.items():
        if not variant.runs:
            yield from (
                f"Not finite: {name}, seed {seed}: {why}." for seed, why in variant.not_finite.items()
            )


def with_baseline(comparison: Comparison, name: str, *, where: object) -> Comparison:
    """The same with another variant as the baseline, which then comes first.

    Raises: UsageError: when no variant with a finished run has this name.
    """
    names = [variant.name for variant in comparison.variants]
    if name in comparison.absent:
        message = f"no run of the variant {quoted(name)} has finished, so it is no baseline"
        raise UsageError(message, where=where, hint=RESUME)
    if name not in names:
        guess = did_you_mean(name, names)
        hint = f"did you mean `{quoted(guess)}`?" if guess else f"variants are {quoted(', '.join(names))}"
        raise UsageError(f"no variant is called {quoted(name)}", where=where, hint=hint)
    first = comparison.variants[names.index(name)]
    if comparison.until and first is not comparison.variants[0]:
        hint = "its seeds were added to resolve differences from the first variant"
        raise UsageError("a comparison that grew in stages keeps its baseline", where=where, hint=hint)
    others = (variant for variant in comparison.variants if variant is not first)
    return replace(comparison, variants=(first, *others))


def _read_plan(folder: ComparisonFolder) -> ComparisonPlan:
    """What was compared; a folder that is none of a comparison is named for what it is."""
    path = folder.path
    begun = any(path.glob("runs/*/seed-*"))
    if not file_exists(folder.plan) and begun and not any(path.glob("runs/*/*/result.json")):
        raise ReportError("none of its runs has finished", where=path, hint=RESUME)
    if file_exists(folder.plan) or begun:
        return read_plan(folder.plan)
    if not path.is_dir():
        raise UsageError("there is no such folder", where=path, hint="name the --out of a `compare`")
    around = (parent for parent in path.absolute().parents if file_exists(ComparisonFolder(parent).plan))
    below = sorted(quoted(file.parent) for file in path.glob("*/compare.json"))
    single, hint = file_exists(RunFolder(path).cfg), "name the --out of a `compare`"
    if outer := next(around, None):
        hint = f"it is part of {quoted(os.path.relpath(outer))}"
    elif single:
        hint = "`darknet-py runs` lists single trainings; `compare` trains several"
    elif below:
        hint = f"below it are {', '.join(below)}"
    what = "is the folder of a single training" if single else "has no compare.json"
    raise UsageError(f"{what}, and is no comparison", where=path, hint=hint)


def _read_variant(
    folder: ComparisonFolder, planned: PlannedVariant, seeds: Sequence[int], latency: Latency | None
) -> VariantRuns:
    name = planned.name
    finished = [seed for seed in seeds if folder.run(name, seed).finished]
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
        not_finite={
            seed: read_json_object(folder.run(name, seed).not_finite).text("message")
            for seed in seeds
            if seed not in finished and file_exists(folder.run(name, seed).not_finite)
        },
    )


def check_comparable(runs: Sequence[Run]) -> None:
    """Refuse runs whose scores mean different things."""
    first, *others = runs
    expected = conditions(first)
    for run in others:
        for key, value in conditions(run).items():
            if value != expected[key]:
                message = f"{key} is {quoted(value)}, and {quoted(expected[key])} in {first.folder.result}"
                raise ReportError(f"{message}: they cannot be compared", where=run.folder.result)


def conditions(run: Run) -> dict[str, Any]:
    """What must be equal in all runs of a comparison, by its name in `result.json`."""
    return {
        "task": run.metrics.task,
        "data.fingerprint": run.data.fingerprint,
        "data.classes": run.data.classes,
        "scores.images": run.scores.images,
        "train data": run.fingerprint.get("train data"),
        **{f"scores.protocol.{key}": run.scores.protocol.get(key) for key in SAME_PROTOCOL},
    }
