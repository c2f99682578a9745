"""Files of a data set whose paths were written on another machine, or by another system.

A path is tried as it stands. Only where nothing is there are folders listed: first for a name that differs in
case or in its Unicode form (macOS decomposes letters), then, where the folder of the path is not there
either, for the file below the data whose path has the longest end in common. Nothing is guessed: a file in
the folder of another split is only suggested, and two files that fit equally well are an error.
"""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from darknet_py.data.images.listing import is_hidden, is_image_name
from darknet_py.errors import DataError, quoted

MOST_FILES = 1_000_000  # below the data folder; more are not searched
SIMILAR = "name that differs from its file in case or Unicode form"
BACKSLASHES = "path with backslashes"
BY_END = "path of another machine or folder, found by its end under"

_DRIVE = re.compile(r"[A-Za-z]:(?=[\\/])")
_SPLIT = re.compile(r"(train|trainval|val|valid|validation|test|dev)\d*")


@dataclass(frozen=True)
class MissingFile:
    """A file that was not found, and where it may be."""

    path: Path
    advice: str = ""


class PathFinder:
    """Finds the files that a data set names; what it found elsewhere and what it missed is counted.

    Args:
        base: the folder of the data.
        roots: folders in which files are looked for; by default the folder of the data.

    Attributes:
        found: ways in which files were found elsewhere than at their paths, and how many.
        missing: files that were not found.
    """

    def __init__(self, base: Path, roots: Sequence[Path] = ()) -> None:
        self.base, self.roots = base, tuple(dict.fromkeys(roots or (base,)))
        self.missing: list[MissingFile] = []
        self.names = FolderNames()
        self.found: Counter[str] = Counter()

    def find(self, written: str, plain: Sequence[Path]) -> Path:
        """Find one file.

        Args:
            written: the path as the data set has it.
            plain: where it should be, the likeliest place last.

        Returns: where it is; the last plain place where it was not found, which is kept for `require`.
        """
        for path in plain:
            if os.path.isfile(path):
                if "\\" in written and "\\" not in str(path):
                    self.found[BACKSLASHES] += 1
                return path
        plain = [Path(str(path).replace("\\", "/")) for path in plain] if "\\" in written else plain
        parts = path_parts(written)
        below = () if _is_foreign(written) else [root.joinpath(*parts) for root in self.roots]
        within = () if _is_windows(written) else (*plain, *below)
        similar = _one([found for path in within for found in self.names.similar(path) if found.is_file()])
        if len(similar) == 1:
            self.found[BACKSLASHES if "\\" in written else SIMILAR] += 1
            return similar[0]
        folders = () if _is_windows(written) else [path.parent for path in plain]
        if not similar and parts and not any(map(os.path.isdir, folders)):
            similar = self._by_end(written, parts)
            if len(similar) == 1:
                self.found[f"{BY_END} `{quoted(self.base)}`"] += 1
                return similar[0]
        self.missing.append(MissingFile(plain[-1], self._advice(written, parts, similar)))
        return plain[-1]

    def reaches(self, written: str) -> bool:
        """Whether a path that leaves its folder as it is written is that of one file below the roots."""
        parts = path_parts(written)
        if not parts or _climbs(written):
            return False
        here = (root.joinpath(*parts) for root in self.roots)
        similar = [] if _is_foreign(written) else _one([p for path in here for p in self.names.similar(path)])
        return len(similar or self._by_end(written, parts)) == 1

    def require(self, total: int, *, where: object) -> None:
        """Check that all files were found.

        Raises: DataError: with the number of missing files, the first three, and where they may be.
        """
        if self.missing:
            first = ", ".join(f"`{quoted(file.path)}`" for file in self.missing[:3])
            more = "" if len(self.missing) <= 3 else f" and {len(self.missing) - 3} more"
            message = f"{len(self.missing)} of {total} images are missing: {first}{more}"
            advice = next((file.advice for file in self.missing if file.advice), "")
            raise DataError(message, where=where, hint=advice)

    def _by_end(self, written: str, parts: Sequence[str]) -> list[Path]:
        """The files whose paths have the longest end in common with this one."""
        wanted = [fold(part) for part in parts]
        known = [path for path in self._index.get(wanted[-1], ()) if self._other_splits(path) <= set(wanted)]
        ends = {path: _common_end(wanted, path) for path in known}
        longest = max(ends.values(), default=0)
        enough = 1 if _is_foreign(written) else 2  # the name alone is no proof where the folder is relative
        return _one([path for path in known if ends[path] == longest]) if longest >= enough else []

    def _other_splits(self, path: Path) -> set[str]:
        inside = os.path.relpath(path.parent, self.base).split(os.sep)
        return {fold(part) for part in inside if _SPLIT.fullmatch(fold(part))}

    def _advice(self, written: str, parts: Sequence[str], similar: Sequence[Path]) -> str:
        name = quoted(written, limit=400)
        if len(similar) > 1:
            both = " and ".join(f"`{quoted(path, limit=400)}`" for path in similar[:2])
            return f"`{name}` may be {both}: name one of them, or remove the other"
        if not parts or (len(parts) == 1 and not _is_foreign(written)):
            return ""
        ends = self._index.get(fold(parts[-1]), ())
        wanted = [fold(part) for part in parts]
        likely = max(ends, key=lambda path: _common_end(wanted, path), default=None)
        return f"`{name}`: its end is here: `{quoted(likely, limit=400)}`" if likely else ""

    @cached_property
    def _index(self) -> dict[str, list[Path]]:
        """All images below the roots by their folded names; links are followed, each folder once."""
        index: dict[str, list[Path]] = {}
        seen: set[str] = set()
        count = 0
        for root in self.roots:
            for at, folders, names in os.walk(root, followlinks=True):
                here = os.path.realpath(at)
                if here in seen or count > MOST_FILES:
                    folders.clear()
                    continue
                seen.add(here)
                folders[:] = sorted(name for name in folders if not is_hidden(name))
                count += len(names)
                for name in filter(is_image_name, names):
                    index.setdefault(fold(name), []).append(Path(at, name))
        return index


class FolderNames:
    """The names in folders, without regard to case and Unicode form; a folder is listed when it is needed."""

    def __init__(self) -> None:
        self._listed: dict[str, dict[str, list[str]]] = {}
        self._folders: dict[str, list[Path]] = {}

    def similar(self, path: Path) -> list[Path]:
        """All paths that differ from this one in case or Unicode form alone."""
        if os.path.lexists(path):
            return [path]
        parent, key = path.parent, str(path.parent)
        if parent == path:
            return []
        if key not in self._folders:
            self._folders[key] = [parent] if os.path.isdir(parent) else self.similar(parent)
        name = fold(path.name)
        return [
            folder / similar for folder in self._folders[key] for similar in self._names(folder).get(name, ())
        ]

    def _names(self, folder: Path) -> dict[str, list[str]]:
        key = str(folder)
        if key not in self._listed:
            names: dict[str, list[str]] = {}
            for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
                names.setdefault(fold(name), []).append(name)
            self._listed[key] = names
        return self._listed[key]


def fold(name: str) -> str:
    """A name without case and Unicode form.

    >>> fold("E\\u0301.JPG") == fold("\\u00e9.jpg")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def path_parts(written: str) -> tuple[str, ...]:
    """The folders and the name of a path of any system, from its drive or root on.

    >>> path_parts("C:\\\\data\\\\.\\\\train\\\\..\\\\a.jpg")
    ('data', 'a.jpg')
    """
    parts: list[str] = []
    for part in _DRIVE.sub("", written, count=1).replace("\\", "/").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)


def _climbs(written: str) -> bool:
    """Whether a relative path begins above its folder."""
    return posixpath.normpath(written.replace("\\", "/")).startswith("..")


def _is_foreign(written: str) -> bool:
    """Whether a path begins at the root of a system."""
    return written.startswith("/") or _is_windows(written)


def _is_windows(written: str) -> bool:
    return written.startswith("\\") or _DRIVE.match(written) is not None


def _common_end(wanted: Sequence[str], path: Path) -> int:
    count = 0
    for mine, theirs in zip(reversed(wanted), reversed(path.parts), strict=False):
        if mine != fold(theirs):
            break
        count += 1
    return count


def _one(paths: Sequence[Path]) -> list[Path]:
    """Paths of different files; several paths of one file are one."""
    return list({os.path.realpath(path): path for path in reversed(paths)}.values())[::-1]
