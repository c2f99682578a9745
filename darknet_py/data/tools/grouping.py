"""Images that belong together, so that a split of a data set must not part them.

Roboflow writes augmented copies of one picture as `name_jpg.rf.<hash>.jpg`, and tools copy files. If one copy
is in train and another in val, the figures of val are of images that were learnt.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from darknet_py.errors import DataError, UsageError, quoted
from darknet_py.files.digest import sha256_of

ROBOFLOW = re.compile(r"(.+)\.rf\.[0-9A-Za-z]{8,}")


def group_images(paths: Sequence[Path], pattern: str = "") -> list[list[int]]:
    """Group images by their source, and those that hold the same bytes.

    Args:
        pattern: a regular expression; images in whose paths, below the folder that holds all, it finds the
            same text (or the same first group) belong together, such as `video_[0-9]+`. By default, copies of
            one picture do, as Roboflow names them.

    Returns: indices of each group, in order.

    Raises: UsageError: when the pattern is no regular expression, or is found in no path.
    """
    first: dict[str, int] = {}
    joined = list(range(len(paths)))  # each image's earlier one, up to the first of its group

    def root(at: int) -> int:
        while joined[at] != at:
            joined[at] = joined[joined[at]]
            at = joined[at]
        return at

    for keys in (_sources(paths, pattern), _contents(paths)):
        for at, key in enumerate(keys):
            one, other = root(at), root(first.setdefault(key, at)) if key else at
            joined[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for at in range(len(paths)):
        groups.setdefault(root(at), []).append(at)
    return list(groups.values())


def _sources(paths: Sequence[Path], pattern: str) -> list[str]:
    """A key of the source of each image; empty where it has none."""
    if not pattern:
        found = [ROBOFLOW.fullmatch(path.stem) for path in paths]
        return [f"source {match[1]}" if match else "" for match in found]
    try:
        finder = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--group {quoted(pattern)} is no regular expression: {error}") from None
    home = os.path.commonpath([path.parent for path in paths])
    matches = [finder.search(path.relative_to(home).as_posix()) for path in paths]
    if not any(matches):
        raise UsageError(f"--group {quoted(pattern)} is found in no path, such as {quoted(paths[0])}")
    return [f"source {match[1 if finder.groups else 0]}" if match else "" for match in matches]


def _contents(paths: Sequence[Path]) -> list[str]:
    """A key of the bytes of each image; empty where no other file has its size."""
    try:
        sizes = [os.stat(path).st_size for path in paths]
        counts = Counter(sizes)
        return [
            f"bytes {sha256_of(path)}" if counts[size] > 1 else ""
            for path, size in zip(paths, sizes, strict=True)
        ]
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=error.filename) from None
