"""How often verdicts are wrong: studies whose truth is known, simulated or drawn from real trainings.

    python bench/verdicts.py [--studies 2000] [--seed 1] [--quick]
    python bench/verdicts.py --runs FOLDER... [--draws 100] [--deals 40]

Simulated: a score is a mean over images. Runs differ by their training, and on which images they fail: by
variant, by seed, and by both. The figures are those of a detector on a few hundred images, in points of 100:
between trainings a deviation of 1, of which half of the variance is which images a seed fails on at 300
images. Drawn from the folders of comparisons: `redrawn.py`.

False verdicts are counted among variants that do not differ: of pairs, each by a 95 % interval of its own,
and of studies with any, by the intervals of `verdict`, which hold for all variants at once. 100 less these is
the coverage. Power is the share of studies that see the effect that `stats.planning` calls visible in 80 %.
Next to them, as shares of studies, three other rules: ranges over seeds that do not overlap, a paired t-test
over seeds, and the noise of the images alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.rates import HEAD, POINT, Rates, Row, interpolate_quantiles, summary
from bench.redrawn import Pool
from darknet_py.stats.components import Parts, is_crossed
from darknet_py.stats.planning import StudySize, visible_effect


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

    def planned(self, shape: tuple[int, int, int]) -> float:
        """The effect that 80 % of studies would see; of unequal variants, by their mean noise."""
        variants, seeds, images = shape
        mean = (variants - 1 + self.unequal**2) / variants
        own = mean if not is_crossed(variants, seeds, paired=True) else mean * (1 - self.shared)
        cancelled = 0.0 if own < mean else self.shared * self.failing / seeds
        parts = Parts(own * self.training, own * self.failing, max(self.variant - cancelled, 0.0))
        return visible_effect(parts, StudySize(variants, seeds, images / 300)) * POINT


SETTINGS = (
    Setting("same cfg"),
    Setting("other images", variant=0.5),
    Setting("shared seeds", variant=0.05, shared=0.9),
    Setting("quiet training", training=0.05, failing=0.5, variant=0.2),
    Setting("last twice as noisy", variant=0.1, unequal=2.0),
)
IMAGES_SHARED = 1.5  # variance of the images that all fail on
TINY = 1e-12  # for runs that have all their noise in common
IMAGES, VARIANTS, SEEDS = (72, 300, 2000), (2, 3, 4, 5), (2, 3, 5)


def draw(
    setting: Setting, shape: tuple[int, int, int], generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Values and covariance over images of a study of equal variants; `shape` is (V, S, n).

    Of n normal scores, mean and covariance are independent, and the latter is drawn as Bartlett (1933) did.
    """
    variants, seeds, images = shape
    count = variants * seeds
    variant, seed = np.divmod(np.arange(count), seeds)
    one_variant, one_seed = variant[:, None] == variant, seed[:, None] == seed
    noisier = np.where(variant == variants - 1, setting.unequal**2, 1.0)
    of_run = setting.shared * one_seed + (1 - setting.shared) * np.diag(noisier)
    over_images = 300 * (IMAGES_SHARED + setting.variant * one_variant + setting.failing * of_run)
    everything = over_images / images + setting.training * of_run
    values = np.linalg.cholesky(everything + TINY * np.eye(count)) @ generator.normal(size=count)
    triangle = np.tril(generator.normal(size=(count, count)), -1)
    triangle += np.diag(np.sqrt(generator.chisquare(images - 1 - np.arange(count))))
    root = np.linalg.cholesky(over_images) @ triangle
    # Scores around 40 points, which is no failed training.
    return values.reshape(variants, seeds) * POINT + 0.4, root @ root.T / (images - 1) / images * POINT**2


def measure(setting: Setting, shape: tuple[int, int, int], studies: int, seed: int) -> Rates:
    """Simulate one cell: equal variants, and a last one that is better by what was planned."""
    generator, rates = np.random.default_rng([seed, SETTINGS.index(setting), *shape]), Rates()
    effect = setting.planned(shape)
    for _ in range(studies):
        rates.count(*draw(setting, shape, generator), shape[2], effect)
    return rates


def rows(studies: int, seed: int, images: tuple[int, ...]) -> Iterator[Row]:
    """The rows of the table."""
    for setting, variants, seeds in product(SETTINGS, VARIANTS, SEEDS):
        cells = tuple(measure(setting, (variants, seeds, n), studies, seed) for n in images)
        method = "crossed" if is_crossed(variants, seeds, paired=True) else "nested"
        plan = setting.planned((variants, seeds, images[len(images) // 2]))
        yield Row(setting.name, (variants, seeds), method, cells, plan)


def main() -> None:
    """Print the table and its summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=400, help="of a simulated cell (default: 400)")
    parser.add_argument(
        "--runs", nargs="+", type=Path, metavar="FOLDER", help="of comparisons: real trainings"
    )
    parser.add_argument("--draws", type=int, default=100, help="of the images, with --runs (default: 100)")
    parser.add_argument("--deals", type=int, default=40, help="of the seeds, for each (default: 40)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="300 images alone")
    args = parser.parse_args()
    images = (300,) if args.quick else IMAGES
    interpolate_quantiles()
    pools = [Pool.read(folder) for folder in args.runs or ()]
    for pool in pools:
        print("\n".join(pool.facts()), end="\n\n", flush=True)
    print("\n".join(HEAD))
    if pools:
        found = chain.from_iterable(pool.rows(images, args.draws, args.deals, args.seed) for pool in pools)
    else:
        found = rows(args.studies, args.seed, images)
    every = []
    for row in found:
        print(row.text(), flush=True)
        every.append(row)
    print("\nMean, least and greatest in studies of each size:\n")
    print("\n".join(summary(every)))


if __name__ == "__main__":
    main()
