"""Image files in folders: by the endings of their names, without hidden files, and what is passed over.

Hidden are names that begin with a point (`.DS_Store`, and `._a.jpg`, in which macOS keeps what belongs to
`a.jpg`) and the files that systems leave in folders of pictures; they are no part of a data set.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from darknet_py.data.images.kinds import SUFFIXES
from darknet_py.errors import DataError, quoted

UNREAD = (  # endings of pictures, and of films, in formats that are not read
    ".heic", ".heif", ".avif", ".svg", ".psd", ".xcf", ".ai", ".eps", ".pdf", ".tga", ".ico", ".icns", ".pcx",
    ".exr", ".hdr", ".pfm", ".dcm", ".jxl", ".jxr", ".jls", ".dds", ".qoi", ".sgi", ".ras", ".fits", ".npy",
    ".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf",
    ".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v",
)  # fmt: skip
_OF_SYSTEMS = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "icon\r"}


@dataclass(frozen=True)
class ImageListing:
    """What was found in a folder.

    Args:
        images: paths in the order of their names.
        others: number of the other files that are not hidden, by the ending of their names in small letters.
    """

    images: list[Path]
    others: Counter[str] = field(default_factory=Counter)

    @property
    def unread(self) -> dict[str, int]:
        """Number of the pictures in formats that are not read, by the reason to leave them out."""
        found = {suffix: count for suffix, count in self.others.items() if suffix in UNREAD}
        return {f"image of a format that is not read ({suffix})": found[suffix] for suffix in sorted(found)}


def is_hidden(name: str) -> bool:
    """Whether a file or a folder of this name is no part of a data set."""
    return name.startswith(".") or name.casefold() in _OF_SYSTEMS


def is_image_name(name: str) -> bool:
    """Whether a file of this name is read as an image."""
    return name.lower().endswith(SUFFIXES) and not is_hidden(name)


def list_images(folder: str | os.PathLike[str], *, inside: bool = False) -> ImageListing:
    """List the images of a folder.

    Args:
        inside: whether the folders in it are entered, too.

    Raises: DataError: when it is no folder, or cannot be read.
    """

    def refuse(error: OSError) -> None:
        reason = quoted(error.strerror or error)
        raise DataError(f"is not a folder that can be read: {reason}", where=error.filename)

    listing = ImageListing([])
    try:
        for at, folders, names in os.walk(folder, onerror=refuse):
            folders[:] = sorted(name for name in folders if inside and not is_hidden(name))
            _sort_names(Path(at), names, listing)
    except ValueError as error:  # a NUL in the name
        raise DataError(f"is not a folder that can be read: {quoted(error)}", where=folder) from None
    listing.images.sort()
    return listing


def _sort_names(folder: Path, names: list[str], listing: ImageListing) -> None:
    for name in names:
        if is_image_name(name):
            listing.images.append(folder / name)
        elif not is_hidden(name):
            listing.others[os.path.splitext(name)[1].lower()] += 1


def image_files(folder: str | os.PathLike[str]) -> list[Path]:
    """List the image files of a folder, by suffix, sorted by name; folders inside it are not entered.

    Raises: DataError: when it is no folder, cannot be read, or holds no image.
    """
    listing = list_images(folder)
    if not listing.images:
        raise DataError(no_image_message(listing.others), where=folder)
    return listing.images


def no_image_message(others: Mapping[str, int]) -> str:
    """What a folder without images has instead."""
    return f"holds no image: {counted_endings(others) or 'no file'}, and none ending in {', '.join(SUFFIXES)}"


def counted_endings(others: Mapping[str, int]) -> str:
    """The number of files of each ending, the commonest first.

    >>> counted_endings({".heic": 5, "": 1})
    '5 .heic, 1 without an ending'
    """
    order = sorted(others, key=lambda suffix: (-others[suffix], suffix))
    return ", ".join(f"{others[suffix]} {quoted(suffix) or 'without an ending'}" for suffix in order)


def passed_over(folder: Path, *, inside: bool = False) -> str:
    """The line that tells which files of a folder are not read as images; "" where all are.

    Args:
        inside: whether the folders in it are entered, too.
    """
    others = list_images(folder, inside=inside).others
    if not others:
        return ""
    plural = "s are no image and are" if others.total() > 1 else " is no image and is"
    return f"{quoted(folder)}: {others.total()} file{plural} passed over: {counted_endings(others)}"
