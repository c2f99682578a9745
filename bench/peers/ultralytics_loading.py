"""ultralytics' loader for `loading.py`, as its trainer builds it; runs where ultralytics is."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

from turns import Turns
from ultralytics.cfg import get_cfg
from ultralytics.data import build_dataloader, build_yolo_dataset


def main(
    files: str, names: str, mosaic: str, cache: str, size: str, batch: str, ready: str, timed: str
) -> None:
    """Serve turns of `timed` images; `files` lists images with label files next to them."""
    kept = False if cache == "none" else cache
    settings = get_cfg(
        overrides={
            "imgsz": int(size),
            "mosaic": float(mosaic),
            "cache": kept,
            "task": "detect",
            "batch": int(batch),
        }
    )
    classes = dict(enumerate(Path(names).read_text().splitlines()))
    data = {"names": classes, "nc": len(classes), "channels": 3}
    images = build_yolo_dataset(settings, files, int(batch), data, mode="train", rect=False, stride=32)
    loader = build_dataloader(images, batch=int(batch), workers=2, shuffle=True, rank=-1)
    source = itertools.chain.from_iterable(itertools.repeat(loader))
    for _ in range(len(images) // int(batch)):
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
