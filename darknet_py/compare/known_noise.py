"""What is known of the noise before a comparison: from earlier ones, a pilot, or an assumption."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from darknet_py.compare.experiment import Experiment
from darknet_py.compare.run_scores import scores_of
from darknet_py.errors import UsageError, quoted
from darknet_py.files.json_text import json_text
from darknet_py.runs.merging import TRAIN_FROM
from darknet_py.runs.noise_file import NAME, NoiseRecord, add_noise, read_noise
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.runs.records import Comparison
from darknet_py.stats.noise import DEFAULT_NOISE, NoiseComponents, pooled
from darknet_py.train.settings import TrainingPlan

Source = Literal["earlier", "pilot", "default"]


@dataclass(frozen=True)
class KnownNoise:
    """The noise that a plan expects.

    Args:
        text: where it comes from, for people.
        comparisons: the names of those that it comes from.
        remarks: on lines of the file that were left out.
    """

    source: Source
    noise: NoiseComponents
    text: str
    comparisons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def noise_file(experiment: Experiment) -> Path:
    """Next to the folder of the comparison, so that comparisons in one folder share it."""
    return experiment.out.absolute().parent / NAME


def known_noise(experiment: Experiment, pilot: Path | None) -> KnownNoise:
    """The noise of the pilot, of earlier comparisons, or the assumed one.

    Raises:
        UsageError: when the pilot has too few runs.
        ReportError: when the pilot is none, or the file of earlier comparisons cannot be read.
    """
    if pilot is not None:
        comparison = read_comparison(pilot)
        found = components_of(comparison)
        if found is None:
            hint = "with fewer, noise and difference cannot be distinguished"
            raise UsageError(
                "a pilot needs two variants with two finished seeds each", where=pilot, hint=hint
            )
        text = f"the pilot {quoted(pilot.name)}, {_size(len(comparison.variants), found)}"
        return KnownNoise("pilot", found, text, (pilot.name,))
    records, remarks = read_noise(noise_file(experiment))
    same_data = [one for one in records if one.data == data_fingerprint(experiment.plans[0])]
    recipe = digest(recipe_of(experiment))
    same = [one for one in same_data if one.recipe == recipe]
    used = same or same_data
    if not used:
        text = "assumed: 1 AP between trainings on 300 images; a pilot or an earlier comparison would know"
        return KnownNoise("default", DEFAULT_NOISE, text, remarks=tuple(remarks))
    noise, names = pooled([one.noise for one in used]), tuple(one.comparison for one in used)
    kind = "the same data and recipe" if same else "the same data with other recipes"
    text = f"{len(used)} earlier comparison{'s' * (len(used) > 1)} of {kind} ({quoted(', '.join(names))})"
    return KnownNoise("earlier", noise, text, names, tuple(remarks))


def _size(variants: int, noise: NoiseComponents) -> str:
    return f"{variants} variants on {noise.images} images"


def components_of(comparison: Comparison) -> NoiseComponents | None:
    """The noise of a comparison's common seeds; None without scores, or with too few runs.

    Raises: ReportError, DataError: when stored matches are missing or damaged.
    """
    scores = scores_of(comparison) if len(comparison.variants) > 1 else None
    if scores is None:
        return None
    common = np.isfinite(scores.values).all(axis=0)
    at = np.flatnonzero(common)
    covariance = scores.covariance[:, at][:, :, :, at]
    return NoiseComponents.of(scores.values[:, common], covariance, scores.images)


def remember_noise(experiment: Experiment, comparison: Comparison) -> None:
    """Add what a finished comparison has shown to the file next to it.

    Raises: OSError: when it cannot be written.
    """
    noise = components_of(comparison)
    if noise is None:
        return
    metric, settings = comparison.metrics.first, recipe_of(experiment)
    values = [value for variant in comparison.variants for value in variant.values(metric)]
    record = NoiseRecord(
        comparison=experiment.out.absolute().name,
        data=data_fingerprint(experiment.plans[0]),
        recipe=digest(settings),
        settings=settings,
        metric=metric,
        variants=len(comparison.variants),
        seeds=min(len(variant.runs) for variant in comparison.variants),
        score=float(np.mean([value for value in values if value is not None])),
        noise=noise,
    )
    add_noise(noise_file(experiment), record)


def data_fingerprint(plan: TrainingPlan) -> str:
    """Of both splits."""
    return digest({"train": plan.train.fingerprint, "val": plan.val.fingerprint})


def recipe_of(experiment: Experiment) -> dict[str, Any]:
    """What of a training its noise depends on, without the cfgs that are compared."""
    plan = experiment.plans[0]
    fingerprint, net = plan.fingerprint(), plan.graph.net
    carried = {key: fingerprint[key] for key in ("weights", "partial")}
    carried |= {key: fingerprint[key] for key in (TRAIN_FROM,) if key in fingerprint}
    return {
        "recipe": experiment.settings.recipe,
        "epochs": round(plan.epochs, 1),
        "batch": net.batch,
        "size": [net.height, net.width],
        **carried,
    }


def digest(value: Mapping[str, Any]) -> str:
    """A fingerprint of facts."""
    return hashlib.sha256(json_text(value).encode()).hexdigest()[:16]
