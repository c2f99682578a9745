"""How fair a comparison is: what its runs differ in besides their cfgs, and how much of a seed they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darknet_py.errors import quoted
from darknet_py.report.tables import label
from darknet_py.runs.records import Comparison, Run

OF_THE_RUN = {"cfg", "seed", "plugins", "first weights like"}  # of a fingerprint, what belongs to a variant
FEWEST_SEEDS = 3  # from which a correlation over seeds says something
MOST_RUNS = 3  # that a note names


@dataclass(frozen=True)
class SharedSeeds:
    """What it brings that the variants of a seed share order, augmentation and first weights.

    Args:
        seeds: that every variant has finished.
        correlation: between two variants over the seeds, the mean of all pairs; None with fewer than three
            seeds, or where a variant has the same score with each.
        shared: of the variance between seeds, the share that all variants have in common, 0..1.
    """

    seeds: int
    correlation: float | None
    shared: float

    def sentence(self) -> str:
        """In words."""
        text = "All variants of a seed share order, augmentation and, where layers match, first weights: over"
        text += (
            f" {self.seeds} seeds, {100 * self.shared:.0f} % of the variance between seeds is common to all"
        )
        if self.correlation is not None:
            text += f", and two variants correlate by {self.correlation:.2f}"
        return text + "." + ("" if self.seeds >= 5 else " From so few seeds that is a rough figure.")


def pairing_of(values: np.ndarray) -> SharedSeeds | None:
    """What pairing brings, of a score of every variant (rows) and seed.

    The share is that of the variance components of seed and of variant by seed, from their mean squares.

    >>> pairing_of(np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]]))
    SharedSeeds(seeds=3, correlation=1.0, shared=1.0)
    """
    variants, seeds = values.shape
    if variants < 2 or seeds < 2:
        return None
    rest = values - values.mean(axis=1, keepdims=True)
    common = rest.mean(axis=0)
    between = variants * float((common**2).sum()) / (seeds - 1)
    within = float(((rest - common) ** 2).sum()) / ((variants - 1) * (seeds - 1))
    whole = between + (variants - 1) * within
    if whole <= 0:
        return None
    shared = max(0.0, (between - within) / whole)
    sizes = np.sqrt((rest**2).sum(axis=1))
    correlation = None
    if seeds >= FEWEST_SEEDS and (sizes > 0).all():
        products = (rest / sizes[:, None]) @ (rest / sizes[:, None]).T
        correlation = round(float(products[np.triu_indices(variants, 1)].mean()), 6)
    return SharedSeeds(seeds, correlation, round(shared, 6))


def differences(comparison: Comparison) -> list[str]:
    """What runs differ in that is not their cfg or seed, each with its values and their runs."""
    runs = [(v.name, run) for v in comparison.variants for run in v.runs]
    facts = [(f"{label(name)} seed {run.seed}", facts_of(run)) for name, run in runs]
    texts = []
    for key in dict.fromkeys(key for _, one in facts for key in one):
        owners: dict[str, list[str]] = {}
        for name, one in facts:
            if key in one:  # results of earlier versions lack some
                owners.setdefault(quoted(one[key], limit=24), []).append(name)
        if len(owners) > 1:
            parts = [f"{value} in {_listed(names)}" for value, names in owners.items()]
            texts.append(f"Runs differ in {label(key)}: {'; '.join(parts)}.")
    return texts


def facts_of(run: Run) -> dict[str, object]:
    """What should be the same in all runs of a comparison."""
    fingerprint = {key: value for key, value in run.fingerprint.items() if key not in OF_THE_RUN}
    return fingerprint | dict(run.environment)


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_RUNS
    return ", ".join(names[:MOST_RUNS]) + (f" and {more} more" if more > 0 else "")
