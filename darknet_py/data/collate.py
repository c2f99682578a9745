"""Draws to batches: reading, augmenting, and stacking, in this process or in workers."""

from __future__ import annotations

import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader

from darknet_py.data.dataset import Dataset
from darknet_py.data.sampler import AUGMENT, Batches, Draw, keyed

STALLED = 5  # seconds without a batch from a worker, after which asking for one raises; it can be asked again


@dataclass(frozen=True)
class Batch:
    """Images (N, 3, H, W) uint8, the boxes of each (T, 5) as fractions, and their numbers in the data set."""

    images: torch.Tensor
    rows: tuple[np.ndarray, ...]
    samples: tuple[int, ...]


# (H, W, 3) uint8 RGB, and truth rows (T, 5): x, y, w, h (centre and size, pixels of the image) and class.
Picture = tuple[np.ndarray, np.ndarray]


class Augment(ABC):
    """How an image, or several, become one training sample."""

    def others(self, rng: np.random.Generator) -> int:
        """How many other images this sample is made of; they are drawn at random."""
        return 0

    @abstractmethod
    def __call__(
        self,
        pixels: np.ndarray,
        rows: np.ndarray,
        rng: np.random.Generator,
        size: tuple[int, int],
        *others: Picture,
    ) -> Picture:
        """The sample, (height, width, 3), its rows as fractions of it."""


class _Samples(torch.utils.data.Dataset):
    """torch's view of a data set: a draw in, an augmented sample out, and nothing else matters."""

    def __init__(self, dataset: Dataset, how: Augment, seed: int) -> None:
        self.dataset, self.how, self.seed = dataset, how, seed

    def __getitem__(self, draw: Draw) -> tuple[np.ndarray, np.ndarray, int]:
        rng = keyed(self.seed, AUGMENT, draw.epoch, draw.index)
        chosen = rng.integers(len(self.dataset), size=self.how.others(rng)).tolist()
        picture, *others = (self._picture(index) for index in (draw.index, *chosen))
        image, boxes = self.how(*picture, rng, (draw.height, draw.width), *others)
        return image, boxes, draw.index

    def _picture(self, index: int) -> Picture:
        return self.dataset.pixels(index), truth_rows(self.dataset, index)


def truth_rows(dataset: Dataset, index: int) -> np.ndarray:
    """(T, 5): x, y, w, h (centre and size, pixels) and class of an image's boxes, crowds left out."""
    record = dataset.record(index)
    boxes = np.asarray(record.boxes_xywh, np.float64).reshape(-1, 4)
    rows = np.concatenate(
        [boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:], record.labels.reshape(-1, 1)], axis=1
    )
    return rows[~np.asarray(record.crowd, bool)]


def _stack(samples: Sequence[tuple[np.ndarray, np.ndarray, int]]) -> Batch:
    images, rows, numbers = zip(*samples, strict=True)
    return Batch(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2), rows, numbers)


def _can_be_ended(worker: int) -> None:
    """A loader that is told to end lets go of the locks that it shares; torch's handler would keep them."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def batches(dataset: Dataset, plan: Batches, how: Augment, *, workers: int = 0) -> Iterator[Batch]:
    """The batches of a plan, in order; the same for any number of workers."""
    if workers:
        cv2.setNumThreads(1)  # threads of its pool do not survive a fork
    loader = DataLoader(
        _Samples(dataset, how, plan.sampler.seed),
        batch_sampler=plan,  # type: ignore[arg-type]
        num_workers=workers,
        timeout=STALLED if workers else 0,
        collate_fn=_stack,
        worker_init_fn=_can_be_ended,
        generator=torch.Generator(),  # its own: making an iterator draws from the generator
    )
    return iter(loader)
