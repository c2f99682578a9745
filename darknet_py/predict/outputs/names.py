"""Names of output files: each input has its own, and none is an input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from darknet_py.errors import UsageError

WRITABLE = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}  # endings that an output may keep from its input
WRITABLE_VIDEOS = {".mp4", ".m4v", ".mov", ".avi", ".mkv"}


def output_paths(paths: Sequence[Path], out: Path, *, videos: Collection[int] = ()) -> list[Path]:
    """Where the drawn picture of each image goes: in `out`, under its own name.

    Of images with the same name each gets its folder's name in front, and a number if that is not enough.

    >>> [path.name for path in output_paths([Path("a/x.jpg"), Path("b/x.jpg"), Path("b/y.jpg")], Path("out"))]
    ['a-x.jpg', 'b-x.jpg', 'y.jpg']

    Args:
        videos: which of the paths are videos, by their numbers.

    Raises:
        UsageError: when an output would overwrite an input, or `out` is a file.
    """
    if out.exists() and not out.is_dir():
        raise UsageError("the output for drawn pictures is a file, not a folder", where=out)
    names = []
    for at, path in enumerate(paths):
        kept, other = (WRITABLE_VIDEOS, ".mp4") if at in videos else (WRITABLE, ".png")
        names.append(path.name if path.suffix.lower() in kept else f"{path.name}{other}")
    outputs = [out / name for name in _unique(names, paths)]
    _refuse_inputs(paths, outputs, {path.resolve() for path in paths}, "the picture drawn for {}")
    return outputs


def label_outputs(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Where the label file of each image goes: in `folder`, called as the image, and `.txt`.

    Raises:
        UsageError: when it is the label file of an input already, which a training would read as the truth;
            or `folder` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError("the output for label files is a file, not a folder", where=folder)
    from darknet_py.data.formats.darknet.label_files import label_places

    outputs = [folder / name for name in _unique([f"{path.stem}.txt" for path in paths], paths)]
    truth = {place.resolve() for path in paths for place in label_places(str(path), path) if place.exists()}
    _refuse_inputs(paths, outputs, truth, "the labels detected in {}")
    return outputs


def _refuse_inputs(
    paths: Sequence[Path], outputs: Sequence[Path], inputs: Collection[Path], what: str
) -> None:
    for path, output in zip(paths, outputs, strict=True):
        if output.resolve() in inputs:
            kind = "an input" if output.suffix != ".txt" else "its true labels"
            hint = f"name another folder for {'the drawn pictures' if kind == 'an input' else 'the labels'}"
            raise UsageError(f"{what.format(path)} would overwrite {kind}", where=output, hint=hint)


def _unique(names: Sequence[str], paths: Sequence[Path]) -> list[str]:
    counts = Counter(name.casefold() for name in names)  # some file systems take X.jpg and x.jpg for one
    taken: set[str] = set()
    tried: Counter[str] = Counter()
    unique = []
    for name, path in zip(names, paths, strict=True):
        wanted = Path(f"{path.absolute().parent.name}-{name}" if counts[name.casefold()] > 1 else name)
        free = wanted.name
        while free.casefold() in taken:
            tried[wanted.name.casefold()] += 1
            free = f"{wanted.stem}-{tried[wanted.name.casefold()] + 1}{wanted.suffix}"
        taken.add(free.casefold())
        unique.append(free)
    return unique
