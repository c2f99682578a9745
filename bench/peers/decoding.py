"""The limit for `loading.py`: images decoded by OpenCV in two threads, and nothing else."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import cv2
from turns import serve


def main(files: str, timed: str) -> None:
    """Serve turns of `timed` images; `files` is a list of paths."""
    cv2.setNumThreads(1)
    paths = list(islice(cycle(Path(files).read_text().splitlines()), int(timed)))
    with ThreadPoolExecutor(2) as pool:
        serve(lambda: all(pool.map(lambda path: cv2.imread(path) is not None, paths)), threads=2)


if __name__ == "__main__":
    main(*sys.argv[1:])
