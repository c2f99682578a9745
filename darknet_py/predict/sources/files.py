"""Lists of images from files, folders and lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from darknet_py.data.images.listing import list_images, no_image_message
from darknet_py.errors import DataError, quoted


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
            elif source.suffix.lower() == ".txt":
                yield from _listed_images(source)
            else:
                yield source
        except DataError as error:
            yield MissingImage(source, error)


def listed_images(text: str, *, folder: Path, where: object) -> Iterator[Path | MissingImage]:
    """The images of a list, one path a line.

    Args:
        folder: where a path is looked for after the current folder.
        where: the list, in messages.

    Raises:
        DataError: when the list is empty.
    """
    lines = [line.strip() for line in text.splitlines()]
    if not any(lines):
        raise DataError("the list names no image", where=where)
    for number, line in enumerate(lines, start=1):
        found = next((path for path in (Path(line), folder / line) if _is_file(path)), None)
        if found:
            yield found
        elif line:
            hint = "a path in a list starts from the current folder, or from the list's own"
            missing = DataError(f"no such image: {quoted(line)}", where=f"{where}:{number}", hint=hint)
            yield MissingImage(Path(line), missing)


def _listed_images(source: Path) -> Iterator[Path | MissingImage]:
    try:
        text = source.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=source) from None
    yield from listed_images(text, folder=source.parent, where=source)


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
