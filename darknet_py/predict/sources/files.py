"""Lists of images from files, folders and lists."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from darknet_py.data.images.listing import list_images, no_image_message
from darknet_py.errors import DataError, quoted

LIST = ".txt"
LONGEST_LINE = 1 << 16  # characters; no system has longer paths


@dataclass(frozen=True)
class MissingImage:
    """A source, or a line of a list, that names no image; and the error that says so."""

    path: Path
    error: DataError


def image_paths(sources: Iterable[str | Path]) -> list[Path]:
    """Images named by files, folders, and `.txt` lists with one path a line.

    A path in a list is taken as it stands, as in Darknet; when there is no such file, it is looked for in
    the list's folder.

    Raises:
        DataError: when a path is missing, a folder has no image, or a list is empty.
    """
    paths = []
    for found in find_images(sources):
        if isinstance(found, MissingImage):
            raise found.error
        paths.append(found)
    return paths


def find_images(sources: Iterable[str | Path], *, recursive: bool = False) -> Iterator[Path | MissingImage]:
    """As `image_paths`, with what is missing in its place among the images.

    Args:
        recursive: whether folders inside a folder are entered; links to folders are not followed.
    """
    for source in map(Path, sources):
        try:
            if exists(source) and source.is_dir():
                yield from _folder_images(source, recursive)
            elif not exists(source):
                raise DataError("no such file or folder", where=source)
            elif source.suffix.lower() == LIST:
                yield from PathList(source, source.parent)
            else:
                yield source
        except DataError as error:
            yield MissingImage(source, error)


@dataclass(frozen=True)
class PathList:
    """The images that a list names, one path a line: read line by line, each time anew.

    Args:
        where: the list, in messages; a file, unless `data` are given.
        folder: where a path is looked for after the current folder.
        data: what the list holds.
    """

    where: Path
    folder: Path
    data: bytes | None = None

    def __iter__(self) -> Iterator[Path | MissingImage]:
        """What its lines name; one error where it cannot be read, or names nothing."""
        number = 0
        try:
            for number, line in self._lines():
                found = next((path for path in (Path(line), self.folder / line) if _is_file(path)), None)
                yield found or self._missing(number, line)
            if not number:
                yield MissingImage(self.where, DataError("the list names no image", where=self.where))
        except OSError as error:
            reason = DataError(f"cannot be read: {error.strerror}", where=self.where)
            yield MissingImage(self.where, reason)

    def __len__(self) -> int:
        """How many it gives; their files are not looked for."""
        try:
            return max(1, sum(1 for _ in self._lines()))
        except OSError:
            return 1

    def _lines(self) -> Iterator[tuple[int, str]]:
        """The number of each line that is not blank, and its text."""
        with (
            self.where.open("rb") if self.data is None else io.BytesIO(self.data) as file,
            io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape") as text,
        ):
            number = 0
            while line := text.readline(LONGEST_LINE):
                number += 1
                while not line.endswith("\n") and (rest := text.readline(LONGEST_LINE)):
                    line = line[:LONGEST_LINE] + rest[-1:]  # no path is that long
                if line := line.strip():
                    yield number, line

    def _missing(self, number: int, line: str) -> MissingImage:
        hint = "a path in a list starts from the current folder, or from the list's own"
        where = f"{self.where}:{number}"
        return MissingImage(Path(line), DataError(f"no such image: {quoted(line)}", where=where, hint=hint))


def _folder_images(folder: Path, recursive: bool) -> list[Path]:
    listing = list_images(folder, inside=recursive)
    if not listing.images:
        raise DataError(no_image_message(listing.others), where=folder)
    return listing.images


def exists(path: Path) -> bool:
    """Whether there is such a file or folder; of a name that none can have, it is not."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with a NUL
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a line longer than a name can be, or with a NUL
        return False
