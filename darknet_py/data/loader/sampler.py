"""Which images an iteration trains on, and at which size: a function of the seed and the iteration alone.

Every epoch is a permutation of the data set, so each image is seen once an epoch; batches run across the ends
of epochs. (Darknet draws each image with replacement and has no epochs.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from darknet_py.arithmetic.sizes import drawn_side, greatest_factor

ORDER, SIZES, AUGMENT, RATE = (1 << 32 | k for k in range(4))  # streams of a seed; layers count from 0


def keyed(seed: int, stream: int, *place: int) -> np.random.Generator:
    """A generator of its own for a place in a run: up to three numbers, such as an epoch and an image."""
    counter = [0, *place, *[0] * (3 - len(place))]
    return np.random.Generator(np.random.Philox(key=[seed, stream], counter=counter))


@dataclass(frozen=True)
class Draw:
    """One image of a batch.

    Args:
        index: its number in the data set.
        epoch: whose augmentation it has: this one, or the first of the same version.
        height, width: the size that it is wanted in.
        known: it need not be loaded, for what is made of it is known; its pixels and boxes mean nothing.
    """

    index: int
    epoch: int
    height: int
    width: int
    known: bool = False


@dataclass(frozen=True)
class Sampler:
    """The batches of a run.

    Args:
        images: in the data set.
        batch: images an iteration.
        height, width: of the network's input.
        random: 0 for one size; else the factor by which sizes vary (1 means 1.4), as `[yolo] random`.
        step: sizes are multiples of it.
        channels: of the network's input, 3 or 1.
        versions: augmentations of an image that come back in later epochs; 0: a new one in every epoch.
    """

    images: int
    batch: int
    seed: int
    height: int
    width: int
    random: float = 0.0
    step: int = 32
    channels: int = 3
    versions: int = 0

    def draws(self, iteration: int) -> list[Draw]:
        """The batch of an iteration, which count from 1."""
        height, width = self.size(iteration)
        first = (iteration - 1) * self.batch
        draws = []
        for position in range(first, first + self.batch):
            epoch, place = divmod(position, self.images)
            image = int(_permutation(self.seed, epoch, self.images)[place])
            version = epoch % self.versions if self.versions else epoch
            draws.append(Draw(image, version, height, width))
        return draws

    def size(self, iteration: int) -> tuple[int, int]:
        """Height and width, drawn anew every ten iterations by Darknet's rule.

        The rule adds one step: a factor of 1 on 416 gives 448.
        """
        if not self.random:
            return self.height, self.width
        most = greatest_factor(self.random)
        draw = keyed(self.seed, SIZES, (iteration - 1) // 10)
        scale = draw.uniform(min(1.0, most), max(1.0, most))
        scale = scale if draw.random() < 0.5 else 1 / scale
        return drawn_side(self.height, scale, self.step), drawn_side(self.width, scale, self.step)

    def largest(self) -> tuple[int, int]:
        """Height and width of the largest input that an iteration may have."""
        if not self.random:
            return self.height, self.width
        most = greatest_factor(self.random)
        most = max(most, 1 / most)
        return drawn_side(self.height, most, self.step), drawn_side(self.width, most, self.step)


@lru_cache(maxsize=4)
def _permutation(seed: int, epoch: int, images: int) -> np.ndarray:
    return keyed(seed, ORDER, epoch).permutation(images)


@dataclass(frozen=True)
class Batches:
    """The draws of iterations `first` to `last`, in order: a batch sampler for torch's DataLoader.

    Args:
        rank: of `ranks` processes that share each batch, the one whose part this is.
        known: whether an image need not be loaded; asked when its batch is about to be.
    """

    sampler: Sampler
    first: int
    last: int
    rank: int = 0
    ranks: int = 1
    known: Callable[[Draw], bool] | None = None

    def draws(self, iteration: int) -> list[Draw]:
        """What this process takes of an iteration, which need not be one of these."""
        part, known = self.sampler.batch // self.ranks, self.known
        draws = self.sampler.draws(iteration)[self.rank * part : (self.rank + 1) * part]
        return [replace(draw, known=known(draw)) for draw in draws] if known else draws

    def bytes(self) -> int:
        """Of this process's images of an iteration, at the most."""
        height, width = self.sampler.largest()
        return self.sampler.batch // self.ranks * height * width * self.sampler.channels

    def __iter__(self) -> Iterator[list[Draw]]:
        return (self.draws(iteration) for iteration in range(self.first, self.last + 1))

    def __len__(self) -> int:
        return max(0, self.last - self.first + 1)
