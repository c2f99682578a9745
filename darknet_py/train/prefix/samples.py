"""Training samples whose maps are kept: they come back in later epochs and runs, and are not made again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from darknet_py.data.loader.collate import Batch, load_sample
from darknet_py.data.loader.sampler import Batches, Draw
from darknet_py.model.prefix_maps import PrefixMaps
from darknet_py.train.prefix.keeper import MapKeeper
from darknet_py.train.prefix.settings import KnownSample, SampleKey
from darknet_py.train.settings import TrainingPlan
from darknet_py.train.step import Trainer


class KeptSamples:
    """The samples of a run, and the maps of its frozen layers.

    A sample is known by what it is made of: the data set, its number there, its version, the augmentation,
    the seed and the size. In this process it is then neither read nor augmented again.

    Args:
        todo: the batches of the run.
    """

    def __init__(self, plan: TrainingPlan, trainer: Trainer, todo: Batches, keeper: MapKeeper) -> None:
        assert plan.settings.prefix is not None
        self.plan, self.todo, self.keeper = plan, todo, keeper
        self.augment = trainer.task.augmentation()
        self.index = plan.settings.prefix.known
        self.source = (plan.train.fingerprint, repr(self.augment), plan.seed, todo.sampler.channels)
        if keeper.store and any(key[: len(self.source)] != self.source for key in self.index):
            self.index.clear()  # the runs of another seed are done
            keeper.store.begin()
        # TensorBoard shows the first batches
        self.loads_all = plan.settings.tensorboard or not todo.sampler.versions

    @classmethod
    def of(cls, plan: TrainingPlan, trainer: Trainer, todo: Batches) -> KeptSamples | None:
        """Of a run; None where all layers are trained."""
        keeper = MapKeeper.of(plan, trainer)
        return cls(plan, trainer, todo, keeper) if keeper else None

    def is_known(self, draw: Draw) -> bool:
        """Whether a sample has been made before, and its maps are kept."""
        found = None if self.loads_all else self.index.get(self._key(draw))
        return found is not None and self.keeper.has(found.content)

    def completed(self, batch: Batch) -> Batch:
        """The batch with the boxes of the samples that were not loaded."""
        rows = (
            self.index[self._key(draw)].rows if draw.known else own
            for draw, own in zip(batch.draws, batch.rows, strict=True)
        )
        return replace(batch, rows=tuple(rows))

    def maps(self, batch: Batch, scaled: Callable[[Tensor], Tensor]) -> PrefixMaps:
        """The maps of a completed batch.

        Args:
            scaled: makes the network's input of images (N, C, H, W) uint8.
        """
        pixels = batch.images.permute(0, 2, 3, 1).numpy()
        contents = [
            self.index[self._key(draw)].content if draw.known else self.keeper.content_of(own)
            for draw, own in zip(batch.draws, pixels, strict=True)
        ]

        def ready(number: int) -> Tensor:
            draw = batch.draws[number]
            if not draw.known:
                return scaled(batch.images[number : number + 1])
            # its maps were removed, or damaged, since the batch was planned
            made = torch.from_numpy(load_sample(self.plan.train, self.todo, self.augment, draw))
            return scaled(made.permute(2, 0, 1)[None])

        _, *size = batch.images.shape
        found = self.keeper(contents, ready, (size[0], size[1], size[2]))
        if not batch.unread:  # a run that replaces images has to count them
            self._remember(batch, contents)
        return found

    def _remember(self, batch: Batch, contents: list[bytes]) -> None:
        for draw, rows, content in zip(batch.draws, batch.rows, contents, strict=True):
            if not draw.known and self.keeper.has(content):
                self.index[self._key(draw)] = KnownSample(content, rows)

    def _key(self, draw: Draw) -> SampleKey:
        return (*self.source, draw.index, draw.epoch, draw.height, draw.width)
