"""How often verdicts are wrong: simulated studies of variants whose true scores are known.

    python bench/verdicts.py [--studies 400] [--seed 1] [--quick]

A score is a mean over images. Runs differ by their training, and on which images they fail: by variant, by
seed, and by both. The figures are those of a detector on a few hundred images, in points of 100: between
trainings a deviation of 1, of which half of the variance is which images a seed fails on at 300 images.

False verdicts are counted among variants that do not differ: of pairs, each against the baseline in a
study of its own size, and of studies with any; 100 less the former is the coverage of the intervals. Power
is the share of studies that see an effect as large as the mean `visible`. Next to them, as shares of studies,
three other rules: ranges over seeds that do not overlap, a paired t-test over seeds, and the noise of the
images alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from darknet_py.stats import Verdict, verdict
from darknet_py.stats.components import is_crossed
from darknet_py.stats.quantiles import dunnett_quantile

POINT = 0.01


@dataclass(frozen=True)
class Setting:
    """Variances in points squared; those over images are of the mean of 300.

    Args:
        name: in the table.
        training: of the seed.
        failing: of the images that a seed fails on.
        variant: of the images that a variant fails on.
        shared: the share of `training` and `failing` that all variants of a seed have in common.
        unequal: how many times larger the noise of the last variant is, as a standard deviation.
    """

    name: str
    training: float = 0.5
    failing: float = 0.5
    variant: float = 0.0
    shared: float = 0.0
    unequal: float = 1.0


SETTINGS = (
    Setting("same cfg"),
    Setting("other images", variant=0.5),
    Setting("shared seeds", variant=0.05, shared=0.9),
    Setting("quiet training", training=0.05, failing=0.5, variant=0.2),
    Setting("last twice as noisy", variant=0.1, unequal=2.0),
)
IMAGES_SHARED = 1.5  # variance of the images that all fail on
IMAGES, VARIANTS, SEEDS = (72, 300, 2000), (2, 3, 5), (2, 3, 5)


@dataclass
class Rates:
    """Counts of one cell of the table."""

    pairs: int = 0
    false_pairs: int = 0
    false_studies: int = 0
    ranges_disjoint: int = 0
    paired_t: int = 0
    images_alone: int = 0
    seen: int = 0
    visible: float = 0.0
    studies: int = 0


def draw(
    setting: Setting, shape: tuple[int, int, int], generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Values and covariance over images of a study of equal variants; `shape` is (V, S, n)."""
    variants, seeds, images = shape

    def normal(variance: float, *size: int) -> np.ndarray:
        return generator.normal(0, np.sqrt(variance), size)

    per_image = 300.0
    common, own = setting.shared, 1 - setting.shared
    failing = normal(own * setting.failing * per_image, *shape)
    training = normal(own * setting.training, variants, seeds)
    failing[-1] *= setting.unequal
    training[-1] *= setting.unequal
    scores = failing + normal(IMAGES_SHARED * per_image, images)
    scores += normal(setting.variant * per_image, variants, 1, images)
    scores += normal(common * setting.failing * per_image, seeds, images)
    training = training + normal(common * setting.training, seeds)
    flat = scores.reshape(-1, images) * POINT
    values = scores.mean(axis=-1) + training
    return values * POINT, np.cov(flat) / images


def measure(setting: Setting, shape: tuple[int, int, int], studies: int, seed: int) -> Rates:
    """Simulate one cell twice: equal variants, and a last variant that is better by what is visible."""
    generator, rates = np.random.default_rng([seed, SETTINGS.index(setting), *shape]), Rates()
    drawn = [draw(setting, shape, generator) for _ in range(studies)]
    for values, covariance in drawn:
        found = verdict(values, covariance)
        images = verdict(values[:, :1] * 0 + values.mean(axis=1, keepdims=True), averaged(covariance, shape))
        _count(rates, found, images, values)
    visible = rates.visible / rates.pairs
    for values, covariance in drawn:
        better = values + visible * (np.arange(shape[0]) == shape[0] - 1)[:, None]
        rates.seen += verdict(better, covariance)[-1].low > 0
    return rates


def averaged(covariance: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """The covariance over images of the variants' means."""
    variants, seeds, _ = shape
    return covariance.reshape(variants, seeds, variants, seeds).mean(axis=(1, 3))


def _count(rates: Rates, found: tuple[Verdict, ...], images: tuple[Verdict, ...], values: np.ndarray) -> None:
    wrong = [one.low > 0 or one.high < 0 for one in found]
    rates.studies += 1
    rates.pairs += len(found)
    rates.false_pairs += sum(wrong)
    rates.false_studies += any(wrong)
    rates.visible += sum(one.visible for one in found)
    rates.images_alone += any(one.low > 0 or one.high < 0 for one in images)
    differences = values[1:] - values[0]
    limits = dunnett_quantile(0.95, 1, len(values[0]) - 1) * differences.std(axis=1, ddof=1)
    t_test = np.abs(differences.mean(axis=1)) > limits / np.sqrt(len(values[0]))
    rates.paired_t += bool(t_test.any())
    low, high = values.min(axis=1), values.max(axis=1)
    rates.ranges_disjoint += bool(((low[1:] > high[0]) | (high[1:] < low[0])).any())


def rows(studies: int, seed: int, images: tuple[int, ...]) -> Iterator[list[str]]:
    """The cells of each row of the table: of the last four columns those of the second number of images."""
    for setting, variants, seeds in product(SETTINGS, VARIANTS, SEEDS):
        rates = [measure(setting, (variants, seeds, n), studies, seed) for n in images]
        one = rates[len(rates) // 2]
        method = "crossed" if is_crossed(variants, seeds, paired=True) else "nested"
        shares = [one.seen, one.ranges_disjoint, one.paired_t, one.images_alone]
        power, *others = (f"{100 * share / studies:.0f}" for share in shares)
        pairs = " / ".join(f"{100 * it.false_pairs / it.pairs:.1f}" for it in rates)
        whole = " / ".join(f"{100 * it.false_studies / studies:.1f}" for it in rates)
        visible = f"{one.visible / one.pairs / POINT:.1f}"
        yield [setting.name, f"{variants}, {seeds}", method, pairs, whole, power, visible, *others]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=400, help="of a cell (default: 400)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="300 images alone")
    args = parser.parse_args()
    print("| setting | V, S | method | pairs | studies | power | visible | ranges | paired t | images |")
    print("|---|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for cells in rows(args.studies, args.seed, (300,) if args.quick else IMAGES):
        print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
