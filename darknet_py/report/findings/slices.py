"""The figures of groups of objects over the seeds of each variant, and the differences from the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from darknet_py.runs.records import Comparison, Run, VariantRuns
from darknet_py.scoring.slices.figures import GroupFigures
from darknet_py.stats.spread import Spread, spread_of

FIGURES = {"recall": "recall", "ap50": "AP50", "ap": "AP"}  # their names in JSON, and as they are printed
ENOUGH_OBJECTS = 100  # with fewer the standard error of a recall of one half is above 5 points


@dataclass(frozen=True)
class ComparedGroup:
    """One group of objects of a property.

    Args:
        title: of the property.
        objects: how many there are in the validation images.
        spreads: of each figure and variant the values over the seeds; None where no run has the figure.
    """

    title: str
    name: str
    objects: int
    spreads: dict[str, tuple[Spread | None, ...]]

    @property
    def few(self) -> bool:
        """Whether it has so few objects that its figures say little."""
        return self.objects < ENOUGH_OBJECTS

    def difference(self, figure: str, variant: int) -> float | None:
        """The mean of a variant less that of the baseline."""
        one, baseline = self.spreads[figure][variant], self.spreads[figure][0]
        return None if one is None or baseline is None else one.mean - baseline.mean


def compared_groups(comparison: Comparison) -> list[ComparedGroup]:
    """Every group, by property; empty where a variant has no run with such figures."""
    if not all(map(_recorded, comparison.variants)):
        return []
    groups = [_by_name(variant) for variant in comparison.variants]
    return [
        ComparedGroup(
            *key,
            found[0].objects,
            {
                figure: tuple(spread_of([getattr(one, figure) for one in of.get(key, ())]) for of in groups)
                for figure in FIGURES
            },
        )
        for key, found in groups[0].items()
    ]


def runs_without_slices(comparison: Comparison) -> list[str]:
    """The runs whose errors were recorded without figures by properties, or that alone have neither."""
    runs = [(variant.name, run) for variant in comparison.variants for run in variant.runs]
    if not any(run.errors for _, run in runs):
        return []
    return [f"{name}, seed {run.seed}" for name, run in runs if not _has_slices(run)]


def _has_slices(run: Run) -> bool:
    return bool(run.errors and run.errors.slices)


def _recorded(variant: VariantRuns) -> bool:
    return any(map(_has_slices, variant.runs))


def _by_name(variant: VariantRuns) -> dict[tuple[str, str], Sequence[GroupFigures]]:
    """The figures of each property and group in every run that has them, in order of the seeds."""
    found: dict[tuple[str, str], list[GroupFigures]] = {}
    for run in variant.runs:
        for one in run.errors.slices if run.errors else ():
            for group in one.groups:
                found.setdefault((one.title, group.name), []).append(group)
    return {**found}
