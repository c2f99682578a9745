"""Several comparisons as one, where their runs share data, protocol and recipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from darknet_py.errors import ReportError, quoted
from darknet_py.runs.pictures_file import StoredPicture
from darknet_py.runs.read_comparison import conditions
from darknet_py.runs.records import Comparison, Run, VariantRuns
from darknet_py.tasks.metrics import in_percent

LIKE = "first weights like"  # whose first weights a run shares, in a fingerprint
TRAIN_FROM = "train from"  # which layers were trained, in a fingerprint; absent where all were
OF_THE_RUN = {"cfg", "seed", "plugins", LIKE}  # what of a fingerprint may differ between comparable runs
MOST_LENGTH = 24  # characters of a value in a message: digests are cut


def merge(comparisons: Mapping[Path, Comparison], *, margin: float | None = None) -> Comparison:
    """One comparison of all variants; the baseline is that of the first.

    Args:
        comparisons: by their folders, in the order in which variants are listed.
        margin: of the verdicts; None: that of the comparisons, which is then the same in all.

    Raises: ReportError: when they differ in more than cfgs and seeds; it names everything that differs.
    """
    (_, base), *others = comparisons.items()
    _check_mergeable(comparisons, with_margin=margin is None)
    seeds = tuple(sorted({seed for one in comparisons.values() for seed in one.seeds}))
    names = dict.fromkeys(variant.name for one in comparisons.values() for variant in one.variants)
    remarks: list[str] = []
    variants = []
    for name in names:
        parts = {f: v for f, one in comparisons.items() for v in one.variants if v.name == name}
        variants.append(_merge_variant(parts, seeds, remarks))
    together = all(one.latency_setting == base.latency_setting for _, one in others)
    if not together:
        remarks.append("Latencies are left out: they were measured in different settings.")
        variants = [replace(variant, latency=None) for variant in variants]
    elif others and any(variant.latency for variant in variants):
        remarks.append("Latencies were measured at different times; those of one folder took turns.")
    absent = dict.fromkeys(name for one in comparisons.values() for name in one.absent if name not in names)
    return replace(
        base,
        seeds=seeds,
        variants=tuple(variants),
        latency_setting=base.latency_setting if together else {},
        margin=base.margin if margin is None else margin,
        absent=tuple(absent),
        left=_merge_left(comparisons.values(), variants),
        remarks=(*(text for one in comparisons.values() for text in one.remarks), *remarks),
        options=base.options if all(one.options == base.options for _, one in others) else (),
        pictures=_merge_pictures([one.pictures for one in comparisons.values()]),
    )


def _merge_left(
    comparisons: Iterable[Comparison], variants: Sequence[VariantRuns]
) -> dict[str, tuple[int, ...]]:
    """The runs that a folder planned and none has ended."""
    ended = {(one.name, run.seed) for one in variants for run in one.runs}
    ended |= {(one.name, seed) for one in variants for seed in one.not_finite}
    left: dict[str, tuple[int, ...]] = {}
    for name, seeds in (item for one in comparisons for item in one.left.items()):
        open_seeds = {*left.get(name, ()), *(seed for seed in seeds if (name, seed) not in ended)}
        left[name] = tuple(sorted(open_seeds))
    return left


def _merge_pictures(parts: Sequence[Mapping[int, StoredPicture]]) -> dict[int, StoredPicture]:
    """The pictures of all, with what every run finds in those that several have."""
    merged: dict[int, StoredPicture] = {}
    for picture in (one for part in parts for one in part.values()):
        known = merged.get(picture.image_id, picture)
        merged[picture.image_id] = replace(known, found={**picture.found, **known.found})
    return merged


def _check_mergeable(comparisons: Mapping[Path, Comparison], *, with_margin: bool) -> None:
    """Refuse comparisons that differ in more than cfgs and seeds, or whose seeds depend on their results."""
    (first, base), *others = comparisons.items()
    for folder, one in comparisons.items():
        if others and one.until:
            hint = "its error is that of its own looks; the noise it has shown is in noise.jsonl"
            raise ReportError("a comparison that grew in stages is not merged", where=folder, hint=hint)
    for folder, one in others:
        if differing := list(_differing(base, one, with_margin=with_margin)):
            message = f"cannot be merged with {quoted(first)}: {'; '.join(differing)}"
            hint = "runs are comparable on the same data, with the same protocol and recipe"
            raise ReportError(message, where=folder, hint=hint)


def _differing(base: Comparison, other: Comparison, *, with_margin: bool) -> Iterator[str]:
    """What two comparisons differ in so that their runs cannot be compared, each with both values."""
    ours, theirs = _facts(base, with_margin=with_margin), _facts(other, with_margin=with_margin)
    for key in ours:
        if key in theirs and ours[key] != theirs[key]:
            yield f"{key} is {_brief(theirs[key])}, and {_brief(ours[key])} there"
    cfgs = {variant.name: variant.runs[0].cfg_text for variant in base.variants}
    for variant in other.variants:
        ours_text, text = cfgs.get(variant.name), variant.runs[0].cfg_text
        if ours_text is not None and ours_text != text:
            yield f"{quoted(variant.name)} has another net.cfg, in {_first_difference(ours_text, text)}"


def _facts(comparison: Comparison, *, with_margin: bool) -> dict[str, Any]:
    run = comparison.baseline.runs[0]
    facts = conditions(run) | {"epochs": comparison.epochs}
    facts |= {key: value for key, value in run.fingerprint.items() if key not in OF_THE_RUN}
    facts[TRAIN_FROM] = run.fingerprint.get(TRAIN_FROM)  # a run without it is of another kind
    return facts | ({"margin": comparison.margin} if with_margin else {})


def _brief(value: Any) -> str:
    return quoted(value, limit=MOST_LENGTH)


def _first_difference(ours: str, theirs: str) -> str:
    before, after = ours.splitlines(), theirs.splitlines()
    at = next((k for k, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
    if at is None:
        return f"its length: {len(after)} lines, and {len(before)} there"
    return f"line {at + 1}: {_brief(after[at].strip())}, and {_brief(before[at].strip())} there"


def _merge_variant(
    parts: Mapping[Path, VariantRuns], seeds: Sequence[int], remarks: list[str]
) -> VariantRuns:
    """One variant with the runs of all folders; a run that two folders have is that of the first."""
    runs: dict[int, tuple[Path, Run]] = {}
    for folder, variant in parts.items():
        for run in variant.runs:
            home, kept = runs.setdefault(run.seed, (folder, run))
            if kept.scores.metrics != run.scores.metrics:
                figure = kept.metrics.first
                values = " and ".join(in_percent(one.scores.metrics[figure]) for one in (kept, run))
                remarks.append(
                    f"Seed {run.seed} of {quoted(variant.name)} was trained twice, with {kept.metrics.word} "
                    f"{values}: that of {quoted(home.name)} is used."
                )
    stopped = {seed: why for one in parts.values() for seed, why in one.not_finite.items()}
    return replace(
        next(iter(parts.values())),
        not_finite={seed: why for seed, why in stopped.items() if seed not in runs},
        runs=tuple(run for _, (_, run) in sorted(runs.items())),
        missing=tuple(seed for seed in seeds if seed not in runs),
        latency=next((one.latency for one in parts.values() if one.latency), None),
        samples=next((one.samples for one in parts.values() if one.samples), {}),
    )
