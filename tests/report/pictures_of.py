"""Pictures in the folder of a comparison, as `compare` stores them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from darknet_py.compare.pictures import small_jpeg
from darknet_py.runs.pictures_file import FoundBox, FoundInImage, StoredPicture, TruthBox, write_pictures
from tests.report.comparison_folder import NAMES

TRUTHS = (TruthBox((40.0, 30.0, 100.0, 80.0), 0, False), TruthBox((200.0, 100.0, 60.0, 90.0), 1, False))


def write_all(
    folder: Path,
    ids: range,
    *,
    names: tuple[str, ...] = NAMES,
    file: str = "{}.jpg",
    seeds: tuple[int, ...] = (0, 1),
    noise: float = 0.0,
) -> None:
    """Every image of `ids` with two objects; the last variant finds both, the others miss the second."""
    generator = np.random.default_rng(0)
    pictures = []
    for number, identity in enumerate(ids):
        pixels = np.full((240, 320, 3), 90 + identity % 100) + generator.normal(0, noise, (240, 320, 3))
        target = folder / "pictures" / f"{number}.jpg"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(small_jpeg(pixels.clip(0, 255).astype(np.uint8)))
        pictures.append(
            StoredPicture(
                identity,
                file.format(identity),
                (640, 480),
                target,
                TRUTHS,
                {(name, seed): _found(name == names[-1]) for name in names for seed in seeds},
            )
        )
    write_pictures(folder / "pictures", pictures, sources={})


def _found(both: bool) -> FoundInImage:
    first = FoundBox((42.0, 31.0, 96.0, 82.0), 0, 0.91, True)
    if both:
        return FoundInImage((first, FoundBox((201.0, 99.0, 60.0, 90.0), 1, 0.11, True)))
    return FoundInImage((first, FoundBox((300.0, 10.0, 40.0, 40.0), 1, 0.45, False)), missed=(1,))
