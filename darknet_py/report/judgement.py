"""The verdicts of a comparison: from the scores of its runs, and what became of each image in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from darknet_py.compare.growth import Growth, growth_of
from darknet_py.errors import ReportError
from darknet_py.files.json_fields import file_exists, read_json_object
from darknet_py.report.findings.evidence import Evidence, Stored
from darknet_py.report.tables import label
from darknet_py.report.verdict_sentence import describe_verdict
from darknet_py.runs.records import Comparison, Run
from darknet_py.scoring.matches import load_matches
from darknet_py.stats import Verdict, verdict
from darknet_py.stats.covariance import (
    ImageCovariance,
    covariance_of_matches,
    covariance_of_means,
)
from darknet_py.stats.unjudged import UnjudgedFigure, unjudged_classes, unjudged_figures

NEAR = 1e-6  # of a score: it is computed again from matches


@dataclass(frozen=True)
class VariantVerdict:
    """The verdict on a variant, and its sentence.

    Args:
        result: None where nothing can be judged; the sentence says why, and `effect` is then None too when
            there are no scores.
        deciding: the images that carry half of an effect, by id, of classifiers by position, the most
            important first.
    """

    variant: str
    baseline: str
    metric: str
    sentence: str
    effect: float | None
    result: Verdict | None = None
    deciding: tuple[int, ...] = ()

    @property
    def outcome(self) -> str:
        """ "better", "worse", "same" or "unclear"."""
        return self.result.outcome if self.result else "unclear"

    @property
    def differs(self) -> bool:
        """Whether the variant is better or worse."""
        return self.outcome in {"better", "worse"}


@dataclass(frozen=True)
class Judgement:
    """The verdicts on all variants, and remarks about them.

    Args:
        evidence: the images that the scores rest on; None without verdicts.
        figures: the figures that are not judged, of detectors.
        classes: the same of each class.
        growth: of a comparison that grew in stages: its looks, and why it stopped.
    """

    verdicts: tuple[VariantVerdict, ...] = ()
    notes: tuple[str, ...] = ()
    evidence: Evidence | None = None
    figures: tuple[UnjudgedFigure, ...] = ()
    classes: tuple[UnjudgedFigure, ...] = ()
    growth: Growth | None = None


class Unjudged(Exception):
    """There is no verdict; its text says why."""


def judge(comparison: Comparison) -> Judgement:
    """Compare every variant with the baseline in the task's first figure.

    Raises: ReportError, DataError: when stored matches are damaged, or belong to other scores.
    """
    if len(comparison.variants) == 1:
        return Judgement()
    seeds = common_seeds(comparison)
    try:
        runs = _runs(comparison, seeds)
        values = _values(comparison, runs)
        stored = _stored(comparison, runs)
    except Unjudged as reason:
        return Judgement(_without_result(comparison, str(reason)), ())
    noise = _noise(comparison, runs, stored)
    if growth := growth_of(comparison):
        found = tuple(one.result for _, one in sorted(growth.study.verdicts.items()))
    else:
        found = verdict(values, noise.covariance, margin=comparison.margin, images=len(noise.image_ids))
    evidence = Evidence.of(noise, values, stored, seeds)
    notes = [f"Noise of the images: {warning}." for warning in noise.warnings] + _not_learned(comparison)
    left_out = [seed for seed in comparison.seeds if seed not in seeds]
    if left_out and not growth:
        names = ", ".join(map(str, left_out))
        notes.append(f"Verdicts leave out what not every variant has finished: seed {names}.")
    verdicts: list[VariantVerdict] = []
    undecided = growth is None and any(comparison.left.values())
    for one in (replace(one, outcome="unclear") if undecided else one for one in found):
        if math.isinf(one.visible):
            verdicts.append(_without_result(comparison, one.caveat)[one.variant - 1])
            continue
        decided = evidence.ids(evidence.chosen.deciding[one.variant - 1])
        decided = decided if one.outcome in {"better", "worse"} else ()
        verdicts.append(_with_result(comparison, one, decided, final=not undecided))
        if one.alone:
            name = label(comparison.variants[one.variant].name)
            notes.append(f"{name} and its baseline are noisier than the others: judged by their own noise.")
    complete = _with_unseen(comparison, verdicts)
    return Judgement(complete, tuple(notes), evidence, *_unjudged(comparison, stored), growth=growth)


def _with_unseen(comparison: Comparison, verdicts: Sequence[VariantVerdict]) -> tuple[VariantVerdict, ...]:
    """The verdicts, with an empty one of each variant that no look has seen yet."""
    judged = {one.variant: one for one in verdicts}
    unseen = _without_result(comparison, "no look at it yet; the same `compare` command resumes")
    return tuple(judged.get(one.variant, one) for one in unseen)


def _unjudged(
    comparison: Comparison, stored: Stored
) -> tuple[tuple[UnjudgedFigure, ...], tuple[UnjudgedFigure, ...]]:
    """The other figures, and the classes; of classifiers, whose hits are of one figure, none."""
    if isinstance(stored, np.ndarray):
        return (), ()
    others = [key for key in comparison.metrics.words if key != comparison.metrics.first]
    variants = len(comparison.variants)
    return tuple(unjudged_figures(stored, variants, others)), tuple(unjudged_classes(stored, variants))


def common_seeds(comparison: Comparison) -> tuple[int, ...]:
    """The seeds that every variant has finished."""
    done = [{run.seed for run in variant.runs} for variant in comparison.variants]
    return tuple(seed for seed in comparison.seeds if all(seed in one for one in done))


def _runs(comparison: Comparison, seeds: Sequence[int]) -> list[Run]:
    """The runs of these seeds, variant by variant."""
    if not seeds:
        raise Unjudged("there is no seed that every variant has finished")
    return [run for variant in comparison.variants for run in variant.runs if run.seed in seeds]


def _values(comparison: Comparison, runs: Sequence[Run]) -> np.ndarray:
    scores = [run.scores.metrics[comparison.metrics.first] for run in runs]
    if any(score is None for score in scores):
        raise Unjudged(f"there is no ground truth to measure {comparison.metrics.word} with")
    return np.array(scores, float).reshape(len(comparison.variants), -1)


def _stored(comparison: Comparison, runs: Sequence[Run]) -> Stored:
    """What became of each image in each run: matches, or of a classifier its hits."""
    detectors = comparison.metrics.task == "detection"
    files = [run.folder.matches if detectors else run.folder.hits for run in runs]
    missing = [file for file in files if not file_exists(file)]
    if missing:
        at = files.index(missing[0])
        name = label(comparison.variants[at * len(comparison.variants) // len(runs)].name)
        hint = "the same `compare` command writes it"
        raise Unjudged(f"seed {runs[at].seed} of {name} has no {missing[0].name}; {hint}")
    if runs[0].scores.images < 2:
        raise Unjudged("one image says nothing about other images")
    return (
        [load_matches(file) for file in files] if detectors else np.array([_hits(run) for run in runs], float)
    )


def _noise(comparison: Comparison, runs: Sequence[Run], stored: Stored) -> ImageCovariance:
    """The noise of the images; the scores that it is of must be those of the runs."""
    noise = covariance_of_means(stored) if isinstance(stored, np.ndarray) else covariance_of_matches(stored)
    for run, value in zip(runs, noise.values.tolist(), strict=True):
        score = run.scores.metrics[comparison.metrics.first]
        if score is None or not math.isclose(score, value, abs_tol=NEAR):
            message = f"gives {comparison.metrics.word} {value:.6f}, and result.json has {score}"
            file = run.folder.hits if isinstance(stored, np.ndarray) else run.folder.matches
            raise ReportError(message, where=file, hint="delete the file; `compare` writes it again")
    return noise


def _not_learned(comparison: Comparison) -> list[str]:
    """A note on each variant without any score above 0."""
    metric, word = comparison.metrics.first, comparison.metrics.word
    failed = [label(one.name) for one in comparison.variants if not any(one.values(metric))]
    return [
        f"{name} has {word} 0 in every run: it has not learned, and says nothing of its cfg."
        for name in failed
    ]


def _hits(run: Run) -> tuple[int, ...]:
    hits = read_json_object(run.folder.hits).counts("hits")
    if len(hits) != run.scores.images:
        message = f"has hits of {len(hits)} images, and result.json has {run.scores.images} images"
        raise ReportError(message, where=run.folder.hits, hint="delete the file; `compare` writes it again")
    return hits


def _with_result(
    comparison: Comparison, result: Verdict, deciding: tuple[int, ...], *, final: bool
) -> VariantVerdict:
    images = comparison.baseline.runs[0].scores.images
    sentence = describe_verdict(
        result,
        word=comparison.metrics.word,
        images=images,
        margin=comparison.margin,
        deciding=len(deciding),
        final=final,
    )
    return VariantVerdict(
        comparison.variants[result.variant].name,
        comparison.baseline.name,
        comparison.metrics.first,
        sentence,
        result.effect,
        result,
        deciding,
    )


def _without_result(comparison: Comparison, reason: str) -> tuple[VariantVerdict, ...]:
    metric, base = comparison.metrics.first, comparison.baseline
    theirs = [value for value in base.values(metric) if value is not None]
    verdicts = []
    for variant in comparison.variants[1:]:
        ours = [value for value in variant.values(metric) if value is not None]
        effect = float(np.mean(ours) - np.mean(theirs)) if ours and theirs else None
        verdicts.append(VariantVerdict(variant.name, base.name, metric, f"no verdict: {reason}", effect))
    return tuple(verdicts)
