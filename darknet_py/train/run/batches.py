"""The batches of a run, from the loaders to the device."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from darknet_py.data.loader.collate import Batch
from darknet_py.distributed.process_info import ProcessInfo
from darknet_py.losses.truths import Truths
from darknet_py.model.freed_memory import return_freed_memory
from darknet_py.model.prefix_maps import Inputs
from darknet_py.train.prefix.samples import KeptSamples
from darknet_py.train.run.stop_signals import StopSignals
from darknet_py.train.run.worker_errors import batches_of_workers
from darknet_py.train.settings import TrainingPlan, batches_of, load_batches
from darknet_py.train.step import Trainer


@dataclass(frozen=True)
class DeviceBatch:
    """A batch, or this process's share of it, on the device.

    Args:
        images: (N, C, H, W) in 0..1, or their maps before the layers that are trained.
        samples: which image of the data set each image is.
    """

    images: Inputs
    truths: Truths
    samples: tuple[int, ...]


class BatchSource:
    """The batches that a run trains on, from an iteration on."""

    def __init__(
        self, plan: TrainingPlan, trainer: Trainer, *, first: int, process: ProcessInfo, signals: StopSignals
    ) -> None:
        self.device, self.shape = plan.settings.device, torch.Size()
        todo = batches_of(plan, trainer.task, first=first, process=process)
        self.kept = KeptSamples.of(plan, trainer, todo)
        if self.kept:
            todo = replace(todo, known=self.kept.is_known)
        source = load_batches(plan, trainer.task, todo)
        self.batches = batches_of_workers(source, signals, name=lambda index: plan.train.record(index).name)
        signals.ignore_ended_workers()

    def next(self) -> Batch | None:
        """The next batch; None at the end, or where a signal has stopped the loaders."""
        batch = next(self.batches, None)
        return self.kept.completed(batch) if batch and self.kept else batch

    def to_device(self, batch: Batch) -> DeviceBatch:
        """A batch on the device: its images in 0..1, or the maps of the frozen layers."""
        if batch.images.shape != self.shape:
            return_freed_memory()
        self.shape = batch.images.shape
        truths = Truths.of(batch.rows).to(self.device)
        inputs = self.kept.maps(batch, self._scaled) if self.kept else self._scaled(batch.images)
        return DeviceBatch(inputs, truths, batch.samples)

    def _scaled(self, images: Tensor) -> Tensor:
        found = images.to(self.device).float().div_(255)
        return found.contiguous(memory_format=torch.channels_last)
