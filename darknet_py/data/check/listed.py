"""An image that a data set names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from darknet_py.data.findings import Findings
from darknet_py.data.images.locate import PathFinder, fold
from darknet_py.errors import quoted


@dataclass(frozen=True)
class ListedImage:
    """An image that a data set names.

    Args:
        split: "train" or "val".
        file: that names it.
        written: the path as it stands there.
        place: finds line and column in that file; 0 where there are none.
        size: width and height that the file states, or None.
        root: a folder that it must lie in, or None.
        advice: where it may be, if it is not at its path.
    """

    path: Path
    split: str
    file: Path
    written: str
    place: Callable[[], tuple[int, int]] = lambda: (0, 0)
    size: tuple[int, int] | None = None
    root: Path | None = None
    advice: str = ""


def located(images: Iterable[ListedImage], finder: PathFinder, findings: Findings) -> list[ListedImage]:
    """The images with the paths at which they are; one that is found elsewhere is reported in its list."""
    found = []
    for image in images:
        if os.path.lexists(image.path):
            found.append(image)
            continue
        path = finder.find(image.written, [image.path])
        if not os.path.isfile(path):
            found.append(replace(image, advice=finder.missing[-1].advice))
            continue
        message = f"`{quoted(image.written)}` does not exist; `{quoted(path)}` is read"
        findings.add(_how_found(image, path), message, image.file, *image.place())
        found.append(replace(image, path=path))
    return found


def _how_found(image: ListedImage, path: Path) -> str:
    if "\\" in image.written:
        return "path-backslash"
    return "image-case-differs" if fold(str(path)) == fold(str(image.path)) else "path-elsewhere"
