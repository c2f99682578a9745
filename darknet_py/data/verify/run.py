"""All images of data sets verified at once, so that a damaged one does not end a training that has begun."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.labelled.base import Labelled
from darknet_py.data.images.ends import is_complete
from darknet_py.data.images.pillow import opened_image, upright_size
from darknet_py.data.images.read import read_image
from darknet_py.data.summary import UNREADABLE
from darknet_py.data.verify.limit import SkipLimit
from darknet_py.data.verify.subset import without
from darknet_py.data.verify.verified import WORTHWHILE, VerifiedImages
from darknet_py.errors import DataError, quoted
from darknet_py.progress import Progress, no_progress

NAMED = 20  # images in a message
MOST_THREADS = 4  # each may hold an image of 192 MB


class UnreadableImages(DataError):
    """Images of a data set that cannot be read.

    Args:
        images: path and error of each.
    """

    def __init__(self, message: str, images: Sequence[tuple[Path, DataError]], *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.images = tuple(images)

    def to_json(self) -> list[dict[str, str]]:
        """All of them, for `--json`."""
        return [{"image": quoted(path, limit=4096), "error": error.message} for path, error in self.images]


@dataclass(frozen=True)
class _Job:
    """An image to verify.

    Args:
        thorough: decode it.
    """

    data: Dataset
    index: int
    path: Path
    thorough: bool

    @property
    def method(self) -> object:
        """What the result depends on, besides the file."""
        return self.thorough, self.data.stated_size(self.index)

    def error(self) -> DataError | None:
        """What is wrong with the image."""
        try:
            with opened_image(self.path) as (image, file):
                size, complete = upright_size(image), is_complete(file, str(image.format))
            if self.thorough or not complete:
                read_image(self.path)
            self.data.check_size(self.index, size)
        except DataError as error:
            return error
        return None


def readable(
    *data: Dataset, limit: SkipLimit | None = None, progress: Progress = no_progress
) -> tuple[Dataset, ...]:
    """Data sets without the images that cannot be read.

    The header and the end of every file are looked at. Where images may be skipped, those that are evaluated
    on are decoded too: all of a classifier, and of a detector all but the first data set.

    Args:
        limit: how many images of each data set may be skipped; by default none.
        progress: called after each image.

    Raises:
        UnreadableImages: when there are more; with all of them.
    """
    limit = limit or SkipLimit()
    jobs = [
        _Job(one, index, path, thorough=limit.value > 0 and (number > 0 or isinstance(one, Labelled)))
        for number, one in enumerate(data)
        for index in range(len(one))
        if (path := one.path(index)) is not None
    ]
    bad = [(job, error) for job, error in zip(jobs, _errors(jobs, progress), strict=True) if error]
    left_out = [{job.index for job, _ in bad if job.data is one} for one in data]
    if any(len(found) > limit.of(len(one)) for one, found in zip(data, left_out, strict=True)):
        raise _too_many([(job.path, error) for job, error in bad], len(jobs), limit)
    return tuple(without(one, found, UNREADABLE) for one, found in zip(data, left_out, strict=True))


def _errors(jobs: Sequence[_Job], progress: Progress) -> Iterator[DataError | None]:
    """What is wrong with each image; those that were verified before are not read."""
    verified = VerifiedImages() if len(jobs) >= WORTHWHILE else None

    def verify(job: _Job) -> tuple[bytes, DataError | None]:
        key = verified.key(job.path, job.method) if verified else b""
        known = verified is not None and key in verified.known
        return (b"", None) if known else (key, job.error())

    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as threads:
        for done, (key, error) in enumerate(threads.map(verify, jobs), start=1):
            if verified and key and not error:
                verified.add(key)
            progress(done, len(jobs))
            yield error
    if verified:
        verified.save()


def _too_many(bad: Sequence[tuple[Path, DataError]], total: int, limit: SkipLimit) -> UnreadableImages:
    lines = [f"  {quoted(path, limit=400)}: {error.message}" for path, error in bad[:NAMED]]
    more = [f"  and {len(bad) - NAMED} more"] if len(bad) > NAMED else []
    allowed = f", and --skip-bad {limit.text} allows fewer" if limit.value else ""
    message = f"{len(bad)} of {total} images cannot be read{allowed}\n" + "\n".join([*lines, *more])
    hint = f"fetch or export them again; --skip-bad {len(bad)} goes on without them"
    return UnreadableImages(message, bad, hint=hint)
