"""All images of a data set: whether they exist, can be decoded, and are listed once and in one split."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from darknet_py.data.check.image_file import ImageReport, inspect_image
from darknet_py.data.check.listed import ListedImage
from darknet_py.data.findings import Findings
from darknet_py.data.images.listing import is_image_name
from darknet_py.errors import quoted
from darknet_py.progress import Progress

MOST_THREADS = 4  # each may hold an image of 192 MB


def check_images(listed: Sequence[ListedImage], findings: Findings, progress: Progress) -> None:
    """Inspect every image once, and compare the splits."""
    there = [image for image in listed if _is_there(image, findings)]
    _listed_twice(there, findings)
    _not_listed(listed, findings)
    paths = list(dict.fromkeys(image.path for image in there))
    findings.images += len(paths)
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as threads:
        reports: dict[Path, ImageReport] = {}
        for path, report in zip(paths, threads.map(inspect_image, paths), strict=True):
            reports[path] = report
            for code, message in report.problems:
                findings.add(code, message, path)
            progress(len(reports), len(paths))
    for image in there:
        size = reports[image.path].size
        if image.size and size and image.size != size:
            upright, stated = (f"{width} x {height}" for width, height in (size, image.size))
            message = f"`{quoted(image.written)}` is {upright} pixels upright, not {stated}"
            findings.add("size-differs", message, image.file, *image.place())
    _same_content(there, reports, findings)


def _is_there(image: ListedImage, findings: Findings) -> bool:
    """Whether the file exists; if not, that is reported where the image is listed."""
    if image.root and os.path.islink(image.path) and not _resolves_inside(image.path, image.root):
        message = f"`{quoted(image.written)}` is a link out of the image folder"
        findings.add("link-leaves-folder", message, image.file, *image.place())
        return False
    if os.path.exists(image.path):
        return True
    message = "; ".join(filter(None, (f"`{quoted(image.written)}` does not exist", image.advice)))
    findings.add("image-missing", message, image.file, *image.place())
    return False


def _resolves_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a link in a circle; RuntimeError before Python 3.13
        return False


def _listed_twice(there: Iterable[ListedImage], findings: Findings) -> None:
    first: dict[str, ListedImage] = {}
    for image in there:
        earlier = first.setdefault(os.path.realpath(image.path), image)
        if earlier is image:
            continue
        line, _ = earlier.place()
        place = f"{quoted(earlier.file)}:{line}" if line else quoted(earlier.written)
        code = "duplicate-image" if earlier.split == image.split else "split-leak"
        message = f"`{quoted(image.written)}` is listed for {earlier.split} at {place}"
        findings.add(code, message, image.file, *image.place())


def _not_listed(listed: Sequence[ListedImage], findings: Findings) -> None:
    known = {os.path.realpath(image.path) for image in listed}
    for folder in sorted({image.root or image.path.parent for image in listed}):
        if not os.path.isdir(folder):
            continue
        files = sorted(path for path in folder.iterdir() if is_image_name(path.name))
        left = [path for path in files if os.path.realpath(path) not in known and path.is_file()]
        if left:
            names = ", ".join(f"`{quoted(path.name)}`" for path in left[:3])
            findings.add("image-not-listed", f"{len(left)} images are in no list: {names}", folder)


def _same_content(there: Iterable[ListedImage], reports: dict[Path, ImageReport], findings: Findings) -> None:
    first: dict[str, ListedImage] = {}
    for image in there:
        digest = reports[image.path].digest
        earlier = first.setdefault(digest, image) if digest else image
        if os.path.realpath(earlier.path) != os.path.realpath(image.path):
            code = "same-content" if earlier.split == image.split else "split-leak"
            message = f"holds the bytes of `{quoted(earlier.path)}`, listed for {earlier.split}"
            findings.add(code, message, image.path)
