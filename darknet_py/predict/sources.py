"""From what the user typed to a list of images, and to the names under which their pictures are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from darknet_py.data.images.read import image_files
from darknet_py.errors import DataError, UsageError

WRITABLE = (
    ".jpg",
    ".jpeg",
    ".png",
    ".bmp",
    ".webp",
)  # an output keeps its input's ending when it is one of these


def image_paths(sources: Iterable[str | Path]) -> list[Path]:
    """Images named by files, folders, and `.txt` lists with one path a line.

    A path in a list is taken as it stands, as in Darknet; when there is no such file, it is looked for beside
    the list.

    Raises:
        DataError: when a path is missing, a folder has no image, or a list is empty.
    """
    return [path for source in sources for path in _of_source(Path(source))]


def output_paths(paths: Sequence[Path], out: Path) -> list[Path]:
    """Where the drawn picture of each image goes: in `out`, under its own name.

    Of images with the same name each gets its folder's name in front, and a number if that is not enough.

    >>> [path.name for path in output_paths([Path("a/x.jpg"), Path("b/x.jpg"), Path("b/y.jpg")], Path("out"))]
    ['a-x.jpg', 'b-x.jpg', 'y.jpg']

    Raises:
        UsageError: when an output would overwrite an input, or `out` is a file.
    """
    if out.exists() and not out.is_dir():
        raise UsageError("the place for drawn pictures is a file, not a folder", where=out)
    outputs = [out / name for name in _unique([_plain_name(path) for path in paths], paths)]
    inputs = {path.resolve() for path in paths}
    for path, output in zip(paths, outputs, strict=True):
        if output.resolve() in inputs:
            hint = "name another folder for the drawn pictures"
            raise UsageError(
                f"the picture drawn for {path} would overwrite an input", where=output, hint=hint
            )
    return outputs


def _of_source(source: Path) -> list[Path]:
    if source.is_dir():
        return image_files(source)
    if not source.exists():
        raise DataError("no such file or folder", where=source)
    return _listed(source) if source.suffix.lower() == ".txt" else [source]


def _listed(source: Path) -> list[Path]:
    lines = source.read_text(encoding="utf-8-sig", errors="surrogateescape").splitlines()
    entries = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    if not entries:
        raise DataError("the list names no image", where=source)
    return [_beside(source, number, line) for number, line in entries]


def _beside(source: Path, number: int, line: str) -> Path:
    for path in (Path(line), source.parent / line):
        if path.is_file():
            return path
    hint = "a path in a list starts from the current folder, or from the list's own"
    raise DataError(f"no such image: {line}", where=f"{source}:{number}", hint=hint)


def _plain_name(path: Path) -> str:
    return path.name if path.suffix.lower() in WRITABLE else f"{path.name}.png"


def _unique(names: Sequence[str], paths: Sequence[Path]) -> list[str]:
    shared = Counter(name.casefold() for name in names)  # some file systems hold X.jpg and x.jpg for one
    wanted = [
        f"{path.absolute().parent.name}-{name}" if shared[name.casefold()] > 1 else name
        for name, path in zip(names, paths, strict=True)
    ]
    taken: set[str] = set()
    return [_free(name, taken) for name in wanted]


def _free(name: str, taken: set[str]) -> str:
    path, number, free = Path(name), 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{path.stem}-{number}{path.suffix}"
    taken.add(free.casefold())
    return free
