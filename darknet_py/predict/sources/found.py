"""What a word of the command line names: images, a video, a camera, a stream, or nothing."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from darknet_py.errors import DataError, UsageError, quoted
from darknet_py.predict.sources.files import LIST, MissingImage, PathList, exists, find_images
from darknet_py.predict.sources.standard_input import STDIN, GivenImage, given_images

VIDEOS = (
    ".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".wmv", ".flv",
    ".3gp", ".ogv", ".mjpeg", ".mjpg", ".mxf", ".dv",
)  # fmt: skip
SCHEMES = ("rtsp", "rtsps", "http", "https")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)[:,]")  # of two letters or more: C:\a.jpg is no URL
_HOST = re.compile(r"://(?:[^/]*@)?([^/?#:@]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?#]|$)")
_CAMERA = re.compile(r"(?:/dev/video)?(\d{1,4})", re.ASCII)


@dataclass(frozen=True)
class Video:
    """A video file, a camera or a stream.

    Args:
        address: a path, the number of a camera, or a URL.
    """

    address: Path | int | str

    @property
    def live(self) -> bool:
        """Whether it has no end: a camera or a stream."""
        return not isinstance(self.address, Path)

    @property
    def name(self) -> str:
        """What messages and entries call it: a URL without its password.

        >>> Video("rtsp://admin:secret@10.0.0.7/main").name, Video(0).name
        ('rtsp://admin:***@10.0.0.7/main', 'camera 0')
        """
        if isinstance(self.address, int):
            return f"camera {self.address}"
        if isinstance(self.address, Path):
            return str(self.address)
        return masked(self.address)

    @property
    def file_name(self) -> Path:
        """The file that an output is named after.

        >>> Video("rtsp://admin:secret@10.0.0.7:554/main?a=1").file_name
        PosixPath('rtsp-10.0.0.7-554-main.mp4')
        """
        if isinstance(self.address, Path):
            return self.address
        plain = re.sub(r"//[^/]*@", "//", str(self.name)).partition("?")[0]
        return Path(re.sub(r"[^A-Za-z0-9.]+", "-", plain).strip("-.")[:100] + ".mp4")


Found = Path | MissingImage | GivenImage | Video


def masked(url: str) -> str:
    """A URL without its password."""
    return re.sub(r"(//[^/@:]*):[^/]*@", r"\1:***@", url)


class Sources:
    """All that words name, in order. What lists name is found as it is asked for, each time anew.

    Args:
        parts: a list of images is one of them.
    """

    def __init__(self, parts: Sequence[Found | PathList]) -> None:
        self._parts = parts
        self.videos = tuple(each for each in parts if isinstance(each, Video))

    def __iter__(self) -> Iterator[Found]:
        """Each source."""
        for part in self._parts:
            if isinstance(part, PathList):
                yield from part
            else:
                yield part

    def __len__(self) -> int:
        """How many there are, without a look at the files that lists name."""
        return sum(len(part) if isinstance(part, PathList) else 1 for part in self._parts)


def videos_of(found: Sequence[Found] | Sources) -> Sequence[Video]:
    """Those that are videos, cameras or streams."""
    if isinstance(found, Sources):
        return found.videos
    return [each for each in found if isinstance(each, Video)]


def find_sources(words: Iterable[str], *, recursive: bool = False, given: BinaryIO | None = None) -> Sources:
    """All that the words name.

    A word that is the name of a file is that file, whatever it looks like.

    Args:
        recursive: whether folders inside a folder are entered; links to folders are not followed.
        given: standard input, for the word `-`: one image, or a list.

    Raises:
        UsageError: when a URL has a scheme that is not read, or two sources are without end.
    """
    parts = [each for word in words for each in _find(word, recursive, given)]
    found = Sources(parts)
    live = [each for each in found.videos if each.live]
    if live and len(parts) > 1:
        hint = "call detect once for each"
        raise UsageError(f"{live[0].name} has no end, so no other source is taken with it", hint=hint)
    return found


def _find(word: str, recursive: bool, given: BinaryIO | None) -> Iterator[Found | PathList]:
    path = Path(word)
    if word == STDIN and given is not None:
        yield given_images(given)
    elif camera := _CAMERA.fullmatch(word):
        if path.is_file() or path.is_dir():
            yield from find_images([path], recursive=recursive)
        else:
            yield Video(int(camera[1]))
    elif exists(path):
        suffix = path.suffix.lower()
        if suffix in VIDEOS and not path.is_dir():
            yield Video(path)
        elif suffix == LIST and not path.is_dir():
            yield PathList(path, path.parent)
        else:
            yield from find_images([path], recursive=recursive)
    elif scheme := _SCHEME.match(word):
        yield _stream(word, scheme[1].lower())
    elif any(sign in word for sign in "*?["):
        yield from _matches(word, recursive)
    else:
        yield from find_images([path])  # which says that it is missing


def _stream(word: str, scheme: str) -> Video:
    schemes = f"{', '.join(SCHEMES[:-1])} and {SCHEMES[-1]}"
    if scheme not in SCHEMES:
        raise UsageError(
            f"no such file, and no URL that is read: its scheme is `{quoted(scheme)}`",
            where=masked(word),
            hint=f"streams are read by {schemes}",
        )
    if not _HOST.match(word[len(scheme) :]) or not word.isascii() or not word.isprintable() or " " in word:
        expected = f"expected {scheme}://HOST/PATH, without spaces"
        raise UsageError("is no URL with a host", where=masked(word), hint=expected)
    return Video(scheme + word[len(scheme) :])


def _matches(pattern: str, recursive: bool) -> Iterator[Found | PathList]:
    paths = sorted(glob.glob(pattern, recursive=True))
    if not paths:
        yield MissingImage(Path(pattern), DataError("no file has a name of this pattern", where=pattern))
    for path in paths:
        yield from _find(path, recursive, None)
