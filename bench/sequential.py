"""How often `compare --until resolved` is wrong, what it sees, and how many runs it saves: simulated studies.

    python -m bench.sequential [--studies 400] [--seed 1] [--most 10] [--images 300]

The settings are those of bench/verdicts.py. A study begins with 2 seeds of each variant, and goes on up to
the most. Counted are studies of equal variants with any false verdict, at any look: all of them, those whose
first variant is clearly worse and soon leaves (of the others), and those that train all seeds and look once.
Then studies whose last variant is better by what 80 % of studies with the most seeds see: how often that is
found, in stages and at once. At last the share of the runs that were trained, of equal variants and where
one is better.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from bench.rates import POINT
from bench.verdicts import SETTINGS, Setting, draw
from darknet_py.stats import verdict
from darknet_py.stats.sequential import Looks, SequentialStudy, replay

MARGIN = 0.005
CLEARLY = 15 * POINT


@dataclass
class Rates:
    """Counts of one row of the table."""

    wrong: int = 0
    wrong_fixed: int = 0
    wrong_after_one: int = 0
    seen: int = 0
    seen_fixed: int = 0
    runs_equal: int = 0
    runs_better: int = 0


def measure(setting: Setting, shape: tuple[int, int, int], studies: int, seed: int) -> Rates:
    """Simulate studies of `shape` (V, most seeds, n)."""
    generator = np.random.default_rng([seed, SETTINGS.index(setting), *shape])
    rates, (variants, most, images) = Rates(), shape
    drawn = [draw(setting, shape, generator) for _ in range(studies)]
    fixed = [verdict(values, covariance, images=images) for values, covariance in drawn]
    visible = float(np.mean([one.visible for found in fixed for one in found]))
    last = (np.arange(variants) == variants - 1)[:, None]
    first = (np.arange(variants) == 1)[:, None]
    for (values, covariance), of_all in zip(drawn, fixed, strict=True):
        noise = covariance.reshape(variants, most, variants, most)
        equal, runs = grow(values, noise, images)
        rates.wrong += any_wrong(equal)
        rates.wrong_fixed += any(one.low > 0 or one.high < 0 for one in of_all)
        rates.runs_equal += runs
        better, runs = grow(values + visible * last, noise, images)
        rates.seen += better.verdicts[variants - 1].result.low > 0
        rates.seen_fixed += of_all[-1].low + visible > 0
        rates.runs_better += runs
        if variants > 2:
            found, _ = grow(values - CLEARLY * first, noise, images)
            rates.wrong_after_one += any_wrong(found, leaving_out=1)
    return rates


def grow(values: np.ndarray, covariance: np.ndarray, images: int) -> tuple[SequentialStudy, int]:
    """Train stage after stage; and how many runs that took."""
    trained = np.full_like(values, np.nan)
    looks = Looks.up_to(values.shape[1])
    while True:
        study = replay(trained, covariance, looks, margin=MARGIN, images=images)
        if study.stage is None:
            return study, int(np.isfinite(trained).sum())
        rows, seeds = list(study.stage.variants), study.stage.seeds
        trained[rows, :seeds] = values[rows, :seeds]


def any_wrong(study: SequentialStudy, *, leaving_out: int = 0) -> bool:
    """Whether any variant, equal to the baseline, is called better or worse."""
    found = [one.result for at, one in study.verdicts.items() if at != leaving_out]
    return any(one.low > 0 or one.high < 0 for one in found)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=400, help="of a row (default: 400)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=10, help="seeds of each variant (default: 10)")
    parser.add_argument("--images", type=int, default=300)
    args = parser.parse_args()
    print(
        "| setting | V | wrong | after one left | all seeds at once | power | at once | runs | runs, better |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for setting in SETTINGS:
        for variants in (2, 3, 5):
            one = measure(setting, (variants, args.most, args.images), args.studies, args.seed)
            total = args.studies * variants * args.most
            after = f"{100 * one.wrong_after_one / args.studies:.1f}" if variants > 2 else "-"
            shares = [one.seen / args.studies, one.seen_fixed / args.studies]
            shares += [one.runs_equal / total, one.runs_better / total]
            cells = [f"{100 * share:.0f}" for share in shares]
            wrong, fixed = (f"{100 * n / args.studies:.1f}" for n in (one.wrong, one.wrong_fixed))
            print(
                "|", " | ".join([setting.name, str(variants), wrong, after, fixed, *cells]), "|", flush=True
            )


if __name__ == "__main__":
    main()
