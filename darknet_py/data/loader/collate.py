"""Draws to batches: images are read, augmented and stacked, in this process or in loader processes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, get_worker_info
from torch.utils.data import Dataset as TorchDataset

from darknet_py.data.augment.base import Augment, Picture
from darknet_py.data.dataset import Dataset
from darknet_py.data.images.channels import in_channels
from darknet_py.data.loader.sample_partners import BatchGroup, GroupSampler, partners
from darknet_py.data.loader.sampler import AUGMENT, Batches, Draw, Sampler, keyed
from darknet_py.data.loader.shared_buffer import BatchLocation, SharedBuffer
from darknet_py.data.loader.worker_status import WorkerStatus
from darknet_py.errors import DataError

NO_ROWS = np.empty((0, 5))
KEPT_BYTES = 1 << 28  # of decoded images, in each process that loads
STALLED = 5  # seconds without a batch from a worker, after which asking for one raises; it can be asked again


@dataclass(frozen=True)
class Batch:
    """Images (N, C, H, W) uint8, the boxes of each (T, 5) as fractions, and their numbers in the data set.

    Args:
        unread: images that could not be decoded and were replaced, with the reason of each.
        draws: what was loaded; images that are known were not.
    """

    images: torch.Tensor
    rows: tuple[np.ndarray, ...]
    samples: tuple[int, ...]
    unread: Mapping[int, str] = field(default_factory=dict)
    draws: tuple[Draw, ...] = ()


class _LoadedBatch(NamedTuple):
    """A batch as a loader sends it: its images, or where they lie in the shared buffer."""

    images: torch.Tensor | BatchLocation
    rows: tuple[np.ndarray, ...]
    draws: tuple[Draw, ...]
    unread: Mapping[int, str]


@dataclass(frozen=True)
class _SharedMemory:
    """What loader processes share with the training process.

    Args:
        buffer: that batches are written into.
        status: which image each loader process reads.
    """

    buffer: SharedBuffer
    status: WorkerStatus


class _GroupDataset(TorchDataset[Iterable[_LoadedBatch]]):
    """torch's view of a data set: it is indexed by a group, and gives its batches."""

    def __init__(
        self,
        dataset: Dataset,
        augment: Augment,
        sampler: Sampler,
        shared: _SharedMemory | None,
        kept_bytes: int,
    ) -> None:
        self.dataset, self.augment, self.shared, self.kept_bytes = dataset, augment, shared, kept_bytes
        self.seed, self.channels = sampler.seed, sampler.channels
        self.everything = range(len(dataset))  # what a sample is mixed of where it comes back
        self.tolerated = 0
        self.unread: dict[int, str] = {}  # images that could not be decoded, of all groups so far
        self.pictures: dict[int, Picture] = {}  # of the group that is loaded
        self.room = 0  # bytes that are left for them

    def __getitem__(self, group: BatchGroup) -> Iterable[_LoadedBatch]:
        """All at once where they go to another process, else one by one."""
        self.pictures = {}
        self.room = self.kept_bytes if group.pool else 0
        found = self._batches(group)
        return found if get_worker_info() is None else list(found)

    def _batches(self, group: BatchGroup) -> Iterator[_LoadedBatch]:
        end = 0
        for draws in group.draws:
            shape = (len(draws), draws[0].height, draws[0].width, self.channels)
            location = BatchLocation(group.slot, end, shape)
            images = self.shared.buffer.at(location) if self.shared else np.empty(shape, np.uint8)
            end, rows = location.end, []
            for image, draw in zip(images, draws, strict=True):
                if draw.known:
                    rows.append(NO_ROWS)
                    continue
                image[:], boxes = self._sample(draw, group.pool)
                rows.append(boxes)
            sent = location if self.shared else torch.from_numpy(images)
            yield _LoadedBatch(sent, tuple(rows), tuple(draws), dict(self.unread))

    def _sample(self, draw: Draw, pool: Sequence[int]) -> Picture:
        """An augmented image, mixed with others of a pool, or of the data set where there is no pool."""
        rng = keyed(self.seed, AUGMENT, draw.epoch, draw.index)
        chosen = partners(draw.index, pool or self.everything, self.augment.others(rng), rng)
        (pixels, boxes), *others = (self._picture(index) for index in (draw.index, *chosen))
        return self.augment(pixels, boxes, rng, (draw.height, draw.width), *others)

    def _picture(self, index: int) -> Picture:
        """An image and its boxes, read once in a group as long as there is room."""
        if index in self.pictures:
            return self.pictures[index]
        worker = get_worker_info()
        reading = self.shared.status.reads(worker.id, index) if self.shared and worker else nullcontext()
        with reading:
            number, pixels = self._decoded(index)
        picture = in_channels(pixels, self.channels), truth_rows(self.dataset, number)
        if picture[0].nbytes <= self.room:
            self.pictures[index] = picture
            self.room -= picture[0].nbytes
        return picture

    def _decoded(self, index: int) -> tuple[int, np.ndarray]:
        """An image and its number; one that cannot be decoded is replaced by the next that can.

        So the replacement depends on the files alone, not on the process or on where a run was resumed.
        """
        number = index
        while True:
            try:
                return number, self.dataset.pixels(number)
            except DataError as error:
                self.unread[number] = str(error)
                number = (number + 1) % len(self.dataset)
                if len(self.unread) > self.tolerated or number == index:
                    raise self._too_many(error) from None

    def _too_many(self, error: DataError) -> DataError:
        """The error of an image that may not be skipped."""
        message, hint = error.message, f"{error.hint}; " if error.hint else ""
        if self.tolerated:
            message += f"; it is image {len(self.unread)} that cannot be decoded, and {self.tolerated} may be"
        hint += f"--skip-bad {len(self.unread)} goes on without it, with --resume from the last checkpoint"
        return DataError(message, where=error.where, hint=hint)


def truth_rows(dataset: Dataset, index: int) -> np.ndarray:
    """(T, 5): x, y, w, h (centre and size, pixels) and class of an image's boxes, crowds left out."""
    record = dataset.record(index)
    boxes = np.asarray(record.boxes_xywh, np.float64).reshape(-1, 4)
    parts = [boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:], record.labels.reshape(-1, 1)]
    rows: np.ndarray = np.concatenate(parts, axis=1)[~np.asarray(record.crowd, bool)]
    return rows


class BatchLoader(Iterator[Batch]):
    """The batches of groups. Not a generator: that would end for good when torch reports a timeout.

    Args:
        shared: with the loader processes, where there are any.
    """

    def __init__(self, groups: Iterator[Iterable[_LoadedBatch]], shared: _SharedMemory | None) -> None:
        self.groups, self.shared = groups, shared
        self.ready = iter(list[_LoadedBatch]())

    @property
    def reads(self) -> dict[int, int]:
        """The image that each loader process reads, by process id, where it is known."""
        return self.shared.status.images() if self.shared else {}

    def __next__(self) -> Batch:
        found = next(self.ready, None)
        if found is None:
            self.ready = iter(next(self.groups))
            found = next(self.ready)
        images = found.images
        if isinstance(images, BatchLocation):
            assert self.shared is not None
            images = self.shared.buffer.copy_of(images)
        samples = tuple(draw.index for draw in found.draws)
        return Batch(images.permute(0, 3, 1, 2), found.rows, samples, found.unread, found.draws)


def _end_on_sigterm(worker: int) -> None:
    """Let a terminated loader process release the locks that it shares; torch's handler would keep them."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def _unchanged(found: Iterable[_LoadedBatch]) -> Iterable[_LoadedBatch]:
    return found


def batches(
    dataset: Dataset,
    plan: Batches,
    augment: Augment,
    *,
    workers: int = 0,
    kept_bytes: int = KEPT_BYTES,
    tolerated: int = 0,
) -> BatchLoader:
    """Load the batches of a plan, in order; they are the same for any number of workers.

    Args:
        kept_bytes: of decoded images that each process keeps while it loads a group of batches.
        tolerated: images that cannot be decoded and are replaced; one more is an error.
    """
    forked = bool(workers) and sys.platform == "linux"
    sampler = GroupSampler(plan, augment.mixes and not plan.sampler.versions, workers)
    shared = None
    if forked:
        buffer = SharedBuffer(sampler.slots, sampler.size * plan.bytes())
        shared = _SharedMemory(buffer, WorkerStatus(workers))
    if workers:
        cv2.setNumThreads(1)  # threads of its pool do not survive a fork
    groups = _GroupDataset(dataset, augment, plan.sampler, shared, kept_bytes)
    groups.tolerated = tolerated
    loader = DataLoader(
        groups,
        batch_size=None,
        sampler=sampler,
        num_workers=workers,
        prefetch_factor=sampler.ahead if workers else None,
        multiprocessing_context="fork" if forked else None,
        timeout=STALLED if workers else 0,
        collate_fn=_unchanged,
        worker_init_fn=_end_on_sigterm,
        generator=torch.Generator(),  # its own: making an iterator draws from the generator
    )
    return BatchLoader(iter(loader), shared)


def load_sample(dataset: Dataset, plan: Batches, augment: Augment, draw: Draw) -> np.ndarray:
    """(H, W, C) uint8: one image of a plan whose samples come back (`augment_versions`), in this process.

    Raises: DataError: when an image of it cannot be decoded.
    """
    return _GroupDataset(dataset, augment, plan.sampler, None, 0)._sample(draw, ())[0]
