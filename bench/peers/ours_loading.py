"""Our loader for `loading.py`: a turn uses up what the loaders had ready, and is timed from there on."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from turns import Turns

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from darknet_py.data.augment.detection import Augmentation
from darknet_py.data.augment.settings import AugmentSettings
from darknet_py.data.cache.cache import keep_images
from darknet_py.data.formats.registry import open_data
from darknet_py.data.loader.collate import batches
from darknet_py.data.loader.sampler import Batches, Sampler
from darknet_py.model.freed_memory import keep_freed_memory

ENDLESS = 10**7  # iterations


@dataclass(frozen=True)
class Always(Augmentation):
    """A mosaic every time, where Darknet makes every second sample one."""

    def others(self, rng: np.random.Generator) -> int:
        """Three."""
        return 3


def main(data: str, kind: str, cache: str, size: str, batch: str, ready: str, timed: str) -> None:
    """Serve turns of `timed` images."""
    keep_freed_memory()
    images = open_data(data, split="train")
    keep_images(images, kind=cache, gib=1.0)
    options = AugmentSettings(
        jitter=0.3, flip=True, mosaic=kind != "single", hue=0.1, saturation=1.5, exposure=1.5
    )
    augment = (Always if kind == "always" else Augmentation)(options)
    plan = Batches(Sampler(len(images), int(batch), 0, int(size), int(size)), 1, ENDLESS)
    source = batches(images, plan, augment, workers=2)
    for _ in range(len(images) // int(batch)):  # where there is a cache, it is full after that
        next(source)
    turns = Turns(threads=2)
    while turns.mine():
        for _ in range(int(ready) // int(batch)):
            next(source)
        start = time.perf_counter()
        for _ in range(int(timed) // int(batch)):
            next(source)
        turns.took(time.perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
