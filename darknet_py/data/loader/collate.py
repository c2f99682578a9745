"""Draws to batches: reading, augmenting, and stacking, in this process or in workers."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, get_worker_info

from darknet_py.data.augment.base import Augment, Picture
from darknet_py.data.dataset import Dataset
from darknet_py.data.loader.sample_partners import Group, Groups, partners
from darknet_py.data.loader.sampler import AUGMENT, Batches, Draw, keyed
from darknet_py.data.loader.shared_buffer import Place, Ring
from darknet_py.data.loader.worker_status import Reading

KEPT_BYTES = 1 << 28  # of decoded images, in each process that loads
STALLED = 5  # seconds without a batch from a worker, after which asking for one raises; it can be asked again


@dataclass(frozen=True)
class Batch:
    """Images (N, 3, H, W) uint8, the boxes of each (T, 5) as fractions, and their numbers in the data set."""

    images: torch.Tensor
    rows: tuple[np.ndarray, ...]
    samples: tuple[int, ...]


class _Made(NamedTuple):
    """A batch on its way; its images are left where they are if both ends see that place."""

    images: torch.Tensor | Place
    rows: tuple[np.ndarray, ...]
    samples: tuple[int, ...]


class _Loader(torch.utils.data.Dataset):
    """torch's view of a data set: a group in, its batches out, and nothing else matters."""

    def __init__(
        self, dataset: Dataset, augment: Augment, seed: int, ring: Ring | None, reading: Reading | None
    ) -> None:
        self.dataset, self.augment, self.seed, self.ring = dataset, augment, seed, ring
        self.reading = reading

    def __getitem__(self, group: Group) -> Iterable[_Made]:
        """All at once where they go to another process, else one by one."""
        self.read: dict[int, Picture] = {}
        self.room = KEPT_BYTES if group.pool else 0
        found = self._batches(group)
        return found if get_worker_info() is None else list(found)

    def _batches(self, group: Group) -> Iterator[_Made]:
        end = 0
        for draws in group.todo:
            place = Place(group.slot, end, (len(draws), draws[0].height, draws[0].width, 3))
            images, end = self.ring.at(place) if self.ring else np.empty(place.shape, np.uint8), place.end
            rows = []
            for image, draw in zip(images, draws, strict=True):
                image[:], boxes = self._sample(draw, group.pool)
                rows.append(boxes)
            sent = place if self.ring else torch.from_numpy(images)
            yield _Made(sent, tuple(rows), tuple(draw.index for draw in draws))

    def _sample(self, draw: Draw, pool: Sequence[int]) -> Picture:
        rng = keyed(self.seed, AUGMENT, draw.epoch, draw.index)
        chosen = partners(draw.index, pool, self.augment.others(rng), rng)
        picture, *others = (self._picture(index) for index in (draw.index, *chosen))
        return self.augment(*picture, rng, (draw.height, draw.width), *others)

    def _picture(self, index: int) -> Picture:
        """An image and its boxes, read once in a group as long as there is room."""
        found = self.read.get(index)
        if found is None:
            found = self._pixels(index), truth_rows(self.dataset, index)
            if found[0].nbytes <= self.room:
                self.read[index] = found
                self.room -= found[0].nbytes
        return found

    def _pixels(self, index: int) -> np.ndarray:
        worker = get_worker_info()
        if self.reading is None or worker is None:
            return self.dataset.pixels(index)
        with self.reading.of(worker.id, index):
            return self.dataset.pixels(index)


def truth_rows(dataset: Dataset, index: int) -> np.ndarray:
    """(T, 5): x, y, w, h (centre and size, pixels) and class of an image's boxes, crowds left out."""
    record = dataset.record(index)
    boxes = np.asarray(record.boxes_xywh, np.float64).reshape(-1, 4)
    rows = np.concatenate(
        [boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:], record.labels.reshape(-1, 1)], axis=1
    )
    return rows[~np.asarray(record.crowd, bool)]


class Loading(Iterator[Batch]):
    """The batches of groups. No generator: those end for good when torch says that nothing came in time.

    Args:
        reading: what the loaders read, where they can tell.
    """

    def __init__(
        self, groups: Iterator[Iterable[_Made]], ring: Ring | None, reading: Reading | None = None
    ) -> None:
        self.groups, self.ring, self.ready = groups, ring, iter(list[_Made]())
        self.reading = reading

    def __next__(self) -> Batch:
        found = next(self.ready, None)
        if found is None:
            self.ready = iter(next(self.groups))
            found = next(self.ready)
        images = self.ring.taken_out(found.images) if self.ring else found.images
        return Batch(images.permute(0, 3, 1, 2), found.rows, found.samples)


def _can_be_ended(worker: int) -> None:
    """A loader that is told to end lets go of the locks that it shares; torch's handler would keep them."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def _as_it_is(found: Iterable[_Made]) -> Iterable[_Made]:
    return found


def batches(dataset: Dataset, plan: Batches, augment: Augment, *, workers: int = 0) -> Loading:
    """The batches of a plan, in order; the same for any number of workers."""
    forked = bool(workers) and sys.platform == "linux"
    groups = Groups(plan, augment.mixes, workers)
    ring = Ring(groups.slots, groups.size * plan.bytes()) if forked else None
    reading = Reading(workers) if forked else None
    if workers:
        cv2.setNumThreads(1)  # threads of its pool do not survive a fork
    loader = DataLoader(
        _Loader(dataset, augment, plan.sampler.seed, ring, reading),
        batch_size=None,
        sampler=groups,
        num_workers=workers,
        prefetch_factor=groups.ahead if workers else None,
        multiprocessing_context="fork" if forked else None,
        timeout=STALLED if workers else 0,
        collate_fn=_as_it_is,
        worker_init_fn=_can_be_ended,
        generator=torch.Generator(),  # its own: making an iterator draws from the generator
    )
    return Loading(iter(loader), ring, reading)
