"""Studies that are drawn again, by image and by seed, from the stored matches of real trainings.

Images are drawn with replacement: an image that is drawn twice counts as two, in AP and in its covariance. So
the images at hand are all there are, and the truth is their AP. Seeds are few, and are drawn without
replacement, for a training that comes twice would be two seeds without noise between them.

- *dealt*: trainings of one cfg are dealt to V variants. They do not differ, whatever the noise is like, and
  nothing is shared by a seed. Where V S exceeds them, trainings of all cfgs are dealt, moved to one mean.
- *paired*: the cfgs as they are, with their seeds paired, moved to one mean. S of N seeds vary less around
  the mean of all N than around that of all possible seeds: by 1 - S / N in the variance, which is put back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from bench.rates import POINT, Rates, Row
from darknet_py.report.judgement import common_seeds
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.scoring.influence import influences
from darknet_py.scoring.matches import Matches, load_matches
from darknet_py.scoring.weighted import weighted_ap
from darknet_py.stats import verdict
from darknet_py.stats.components import Parts, Study, is_crossed
from darknet_py.stats.covariance import covariance_of_matches
from darknet_py.stats.planning import StudySize, visible_effect
from darknet_py.stats.quantiles import f_quantile

Drawn = tuple[np.ndarray, np.ndarray]
PAIR, GROUP = 2, 3


@dataclass(frozen=True)
class Pool:
    """The trainings of a comparison: V cfgs, N seeds.

    Args:
        values: (V, N); `covariance`: over images, (V, N, V, N).
        matches: of each cfg and seed.
    """

    name: str
    matches: tuple[tuple[Matches, ...], ...]
    values: np.ndarray
    covariance: np.ndarray

    @classmethod
    def read(cls, folder: Path) -> Pool:
        """The seeds that all variants of a comparison's folder have finished."""
        comparison = read_comparison(folder)
        seeds = common_seeds(comparison)
        matches = tuple(
            tuple(load_matches(run.folder.matches) for run in variant.runs if run.seed in seeds)
            for variant in comparison.variants
        )
        noise = covariance_of_matches([one for row in matches for one in row])
        shape = len(matches), len(seeds)
        return cls(folder.name, matches, noise.values.reshape(shape), noise.covariance.reshape(shape * 2))

    def drawn(self, images: int, draws: int, generator: np.random.Generator) -> Drawn:
        """Values (D, V, N) and covariances (D, V, N, V, N) of draws of this many images."""
        runs = [one for row in self.matches for one in row]
        count = len(runs[0].image_ids)
        times = generator.multinomial(images, np.full(count, 1 / count), draws)
        values = np.array([weighted_ap(one, times.T) for one in runs]).T
        covariances = []
        for weights in times:
            moved = np.array([influences(one, "ap", weights) for one in runs])
            covariances.append((moved * weights) @ moved.T * images / (images - 1))
        shape = self.values.shape
        return values.reshape(-1, *shape), np.array(covariances).reshape(-1, *shape, *shape)

    def rows(self, images: Sequence[int], draws: int, deals: int, seed: int) -> Iterator[Row]:
        """The rows of the table."""
        generator = np.random.default_rng(seed)
        drawn = {n: self.drawn(n, draws, generator) for n in images}
        _, seeds = self.values.shape
        for variants, each in ((v, s) for v in (2, 3, 4, 5) for s in (2, 3, 5)):
            if variants * each <= self.values.size:
                yield self._row("dealt", (variants, each), drawn, deals)
        for each in (2, 3, 5):
            if each < seeds and len(self.values) == PAIR:
                yield self._row("paired", (PAIR, each), drawn, deals)

    def _row(self, way: str, shape: tuple[int, int], drawn: dict[int, Drawn], deals: int) -> Row:
        cells, planned = [], []
        for images, (values, covariance) in drawn.items():
            effect = self.planned(way, shape, images)
            generator, rates = np.random.default_rng([images, *shape]), Rates()
            moved = values - (values.mean(axis=(0, 2)) - values.mean())[:, None]
            for at in range(len(values)):
                for _ in range(deals):
                    deal = self._dealt if way == "dealt" else self._paired
                    rates.count(*deal(moved, covariance, at, shape, generator), images, effect)
            cells.append(rates)
            planned.append(effect)
        method = "crossed" if is_crossed(*shape, paired=True) else "nested"
        return Row(f"{self.name}, {way}", shape, method, tuple(cells), planned[len(planned) // 2])

    def _dealt(
        self,
        values: np.ndarray,
        covariance: np.ndarray,
        at: int,
        shape: tuple[int, int],
        generator: np.random.Generator,
    ) -> Drawn:
        """Trainings of one cfg, or of all, as variants that do not differ."""
        cfgs, seeds = self.values.shape
        count = math.prod(shape)
        which = np.arange(cfgs * seeds).reshape(cfgs, seeds)
        among = which[generator.integers(cfgs)] if count <= seeds else which.ravel()
        chosen = generator.permutation(among)[:count]
        noise = covariance[at].reshape(which.size, which.size)[np.ix_(chosen, chosen)]
        return values[at].ravel()[chosen].reshape(shape), noise

    def _paired(
        self,
        values: np.ndarray,
        covariance: np.ndarray,
        at: int,
        shape: tuple[int, int],
        generator: np.random.Generator,
    ) -> Drawn:
        """Both cfgs with some of their seeds."""
        _, seeds = self.values.shape
        chosen = np.sort(generator.permutation(seeds)[: shape[1]])
        found, whole = values[at][:, chosen].copy(), np.diff(values[at].mean(axis=1))[0]
        difference = found[1].mean() - found[0].mean()
        found[1] += (difference - whole) / math.sqrt(1 - shape[1] / seeds) + whole - difference
        noise = covariance[at][:, chosen][:, :, :, chosen]
        return found, noise.reshape(found.size, found.size)

    def planned(self, way: str, shape: tuple[int, int], images: int) -> float:
        """The effect that 80 % of such studies would see, from all trainings and images at hand.

        The images at hand are all there are: which of them a seed fails on is as lasting as its training, and
        is the noise of images once more where they are drawn.
        """
        if way == "paired":
            study = Study(self.values, self.covariance, is_crossed(*shape, paired=True))
            parts = study.noise(1, 0).parts
            square, least, shared = parts.training + parts.images_of_seed, *astuple(parts)[1:]
        else:
            rest = self.values - self.values.mean(axis=1, keepdims=True)
            square = float((rest**2).sum() / (rest.size - len(rest)))
            least, shared = self._failing(), 0.0
        relative = images / self._images
        return visible_effect(Parts(square, least, shared), StudySize(*shape, images=relative))

    def _failing(self) -> float:
        """The variance of a seed that comes from which images it fails on."""
        own = np.array([self.covariance[v, :, v] for v in range(len(self.values))])
        same = np.eye(self.values.shape[1], dtype=bool)
        return max(float(own[:, same].mean() - own[:, ~same].mean()), 0.0)

    def false_between_equals(self) -> tuple[int, int]:
        """How many of all pairs of disjoint groups of three trainings of one cfg differ by the verdict."""
        false = pairs = 0
        seeds = self.values.shape[1]
        for v in range(len(self.values)):
            for one in combinations(range(seeds), GROUP):
                rest = [seed for seed in range(one[0] + 1, seeds) if seed not in one]
                for other in combinations(rest, GROUP):
                    pick = [*one, *other]
                    noise = self.covariance[v, :, v][np.ix_(pick, pick)]
                    (found,) = verdict(self.values[v, pick].reshape(2, GROUP), noise, images=self._images)
                    false += found.low > 0 or found.high < 0
                    pairs += 1
        return false, pairs

    def found_with(self, seeds: int) -> float:
        """The share of all studies with so many of the seeds that find the first two cfgs to differ."""
        found = []
        for chosen in map(list, combinations(range(self.values.shape[1]), seeds)):
            noise = self.covariance[:2][:, chosen][:, :, :2][:, :, :, chosen].reshape(2 * seeds, -1)
            (one,) = verdict(self.values[:2, chosen], noise, images=self._images)
            found.append(one.low > 0 or one.high < 0)
        return float(np.mean(found))

    @property
    def _images(self) -> int:
        return len(self.matches[0][0].image_ids)

    def shared(self) -> tuple[float, float, float]:
        """The share of the seed's variance that all variants have in common, with a 95 % interval.

        The intraclass correlation of Shrout and Fleiss (1979), from the mean squares of seeds and of cfg by
        seed: exact where scores are normal with equal variances.
        """
        cfgs, seeds = self.values.shape
        rest = self.values - self.values.mean(axis=1, keepdims=True)
        common = rest.mean(axis=0)
        of_seed = float(cfgs * (common**2).sum() / (seeds - 1))
        residual = float(((rest - common) ** 2).sum() / ((cfgs - 1) * (seeds - 1)))
        above, below = seeds - 1.0, (cfgs - 1.0) * (seeds - 1)
        quotients = (1.0, 1 / f_quantile(0.975, above, below), f_quantile(0.975, below, above))
        each = [of_seed / residual * factor for factor in quotients]
        share, low, high = ((one - 1) / (one + cfgs - 1) for one in each)
        return share, low, high

    def facts(self) -> Iterator[str]:
        """What the trainings themselves show, nothing drawn again."""
        cfgs, seeds = self.values.shape
        means = " and ".join(f"{100 * one:.1f}" for one in self.values.mean(axis=1))
        spread = " and ".join(f"{one / POINT:.2f}" for one in self.values.std(axis=1, ddof=1))
        yield f"{self.name}: {cfgs} cfgs x {seeds} seeds, {self._images} images"
        yield f"  AP: {means}; deviation between seeds: {spread}"
        failing = math.sqrt(self._failing()) / POINT
        yield f"  of it, by which images a seed fails on: {failing:.2f}"
        share, low, high = self.shared()
        yield f"  shared by the variants of a seed: {100 * share:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
        false, pairs = self.false_between_equals()
        yield f"  groups of {GROUP} trainings of one cfg: {100 * false / pairs:.1f} % of {pairs} pairs differ"
        found = ", ".join(
            f"{each}: {100 * self.found_with(each):.0f} %" for each in (2, 3, 5) if each < seeds
        )
        yield f"  studies that find the two cfgs to differ, by seeds: {found}"
