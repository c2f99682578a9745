"""Lists of images from files, folders and lists; and the names of the pictures drawn of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from darknet_py.data.images.listing import image_files
from darknet_py.errors import DataError, UsageError, quoted

WRITABLE = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}  # endings that an output may keep from its input


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


def find_images(sources: Iterable[str | Path]) -> Iterator[Path | MissingImage]:
    """As `image_paths`, with what is missing in its place among the images."""
    for source in map(Path, sources):
        try:
            if source.is_dir():
                yield from image_files(source)
            elif not source.exists():
                raise DataError("no such file or folder", where=source)
            elif source.suffix.lower() == ".txt":
                yield from _listed_images(source)
            else:
                yield source
        except DataError as error:
            yield MissingImage(source, error)


def output_paths(paths: Sequence[Path], out: Path) -> list[Path]:
    """Where the drawn picture of each image goes: in `out`, under its own name.

    Of images with the same name each gets its folder's name in front, and a number if that is not enough.

    >>> [path.name for path in output_paths([Path("a/x.jpg"), Path("b/x.jpg"), Path("b/y.jpg")], Path("out"))]
    ['a-x.jpg', 'b-x.jpg', 'y.jpg']

    Raises:
        UsageError: when an output would overwrite an input, or `out` is a file.
    """
    if out.exists() and not out.is_dir():
        raise UsageError("the output for drawn pictures is a file, not a folder", where=out)
    names = [path.name if path.suffix.lower() in WRITABLE else f"{path.name}.png" for path in paths]
    outputs = [out / name for name in _unique(names, paths)]
    inputs = {path.resolve() for path in paths}
    for path, output in zip(paths, outputs, strict=True):
        if output.resolve() in inputs:
            hint = "name another folder for the drawn pictures"
            raise UsageError(
                f"the picture drawn for {path} would overwrite an input", where=output, hint=hint
            )
    return outputs


def _listed_images(source: Path) -> Iterator[Path | MissingImage]:
    try:
        lines = source.read_text(encoding="utf-8-sig", errors="surrogateescape").splitlines()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=source) from None
    if not any(map(str.strip, lines)):
        raise DataError("the list names no image", where=source)
    for number, line in enumerate(map(str.strip, lines), start=1):
        found = next((path for path in (Path(line), source.parent / line) if path.is_file()), None)
        if found:
            yield found
        elif line:
            hint = "a path in a list starts from the current folder, or from the list's own"
            missing = DataError(f"no such image: {quoted(line)}", where=f"{source}:{number}", hint=hint)
            yield MissingImage(Path(line), missing)


def _unique(names: Sequence[str], paths: Sequence[Path]) -> list[str]:
    counts = Counter(name.casefold() for name in names)  # some file systems take X.jpg and x.jpg for one
    taken: set[str] = set()
    unique = []
    for name, path in zip(names, paths, strict=True):
        wanted = Path(f"{path.absolute().parent.name}-{name}" if counts[name.casefold()] > 1 else name)
        number, free = 1, wanted.name
        while free.casefold() in taken:
            number += 1
            free = f"{wanted.stem}-{number}{wanted.suffix}"
        taken.add(free.casefold())
        unique.append(free)
    return unique
