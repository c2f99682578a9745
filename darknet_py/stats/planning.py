"""What a study of a given size could see, from the noise of an earlier one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from darknet_py.stats.components import Parts, combined_df, is_crossed
from darknet_py.stats.judging import POWER
from darknet_py.stats.quantiles import dunnett_quantile, t_quantile

MOST_SEEDS = 50  # more are not suggested


@dataclass(frozen=True)
class StudySize:
    """The size of a study; `images` relative to the study whose noise is known."""

    variants: int
    seeds: int
    images: float = 1.0


def visible_effect(parts: Parts, size: StudySize, *, confidence: float = 0.95, paired: bool = True) -> float:
    """The smallest effect that 80 % of such studies would see.

    >>> from darknet_py.stats.components import Parts
    >>> [round(visible_effect(Parts(1, 0, 0), StudySize(2, seeds), paired=False), 1) for seeds in (2, 3, 5)]
    [5.4, 3.0, 2.0]
    """
    deviation, df = expected_noise(parts, size, paired=paired)
    return (dunnett_quantile(confidence, size.variants - 1, df) + t_quantile(POWER, df)) * deviation


def expected_noise(parts: Parts, size: StudySize, *, paired: bool = True) -> tuple[float, float]:
    """The standard deviation of a difference in such a study, and its degrees of freedom."""
    square = parts.training + parts.images_of_seed / size.images
    whole = square + size.seeds * parts.images_of_variant / size.images
    crossed = is_crossed(size.variants, size.seeds, paired=paired)
    base = (size.variants - crossed) * (size.seeds - 1)
    df = math.inf if size.seeds == 1 else combined_df(whole, square, base, seeds=size.seeds)
    return math.sqrt(2 / size.seeds * whole), df


def seeds_needed(
    parts: Parts, effect: float, *, variants: int, confidence: float = 0.95, paired: bool = True
) -> int | None:
    """How many seeds of each variant would see an effect on these images; None: not even `MOST_SEEDS`."""
    for seeds in range(2, MOST_SEEDS + 1):
        size = StudySize(variants, seeds)
        if visible_effect(parts, size, confidence=confidence, paired=paired) <= effect:
            return seeds
    return None


def images_needed(
    parts: Parts, effect: float, *, variants: int, confidence: float = 0.95, paired: bool = True
) -> float | None:
    """How many times as many images would see an effect with `MOST_SEEDS`; None: the seeds forbid it."""
    factor = 1.0
    while factor < 1e4:
        size = StudySize(variants, MOST_SEEDS, factor)
        if visible_effect(parts, size, confidence=confidence, paired=paired) <= effect:
            return factor
        factor *= 1.25
    return None
