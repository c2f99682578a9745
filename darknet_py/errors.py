"""The exceptions of invalid input: one family, each with its exit code.

Every message is complete: what, where, why, and what to do. The command line prints it as it is, without a
traceback.
"""

from __future__ import annotations

MOST_PATH = 1 << 14  # characters of a path and of what stands behind it


def quoted(text: object, *, limit: int = 120) -> str:
    """Quote untrusted text for a message: control characters escaped, cut at `limit` characters.

    >>> quoted("a\\x1b[31m")
    'a\\\\x1b[31m'
    """
    quoted = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))
    return quoted if len(quoted) <= limit else quoted[: limit - 1] + "…"


def quoted_path(path: object, *, limit: int = 120) -> str:
    """Quote a path for a message; of a long one the middle is left out, so that the file's name stays.

    >>> quoted_path("/data/" + "deep/" * 40 + "yolov3.cfg:31:12", limit=40)
    '/data/deep/de…deep/deep/yolov3.cfg:31:12'

    Args:
        path: with or without the line behind it.
    """
    text = quoted(path, limit=MOST_PATH)
    if len(text) <= limit:
        return text
    name = text.rpartition("/")[2]
    tail = min(limit - 2, max(len(name) + 1, 2 * limit // 3))
    return f"{text[: limit - 1 - tail]}…{text[-tail:]}"


class DarknetPyError(Exception):
    """Input that cannot be used; `str(error)` is the complete text to print.

    Args:
        message: what is wrong, and what was expected.
        where: the file, with line or byte where one is known.
        hint: what to do about it.
    """

    exit_code = 3
    word = "error"

    def __init__(self, message: str, *, where: object = "", hint: str = "") -> None:
        self.message, self.where, self.hint = message, quoted_path(where), hint
        place = f"{self.where}: " if self.where else ""
        advice = f"\n   = {hint}" if hint else ""
        super().__init__(f"{place}{self.word}: {message}{advice}")


class UsageError(DarknetPyError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class WeightsError(DarknetPyError):
    """A weights file that is damaged, or belongs to another network."""


class DataError(DarknetPyError):
    """A data set, an annotation or an image that cannot be used."""


class StreamLost(DarknetPyError):
    """A camera or a stream that ended, or does not answer, and was not reached again."""

    exit_code = 6


class MissingSplit(DataError):
    """A data set without the split that is asked for."""


class CheckpointError(DarknetPyError):
    """A checkpoint that is damaged, or belongs to another run."""


class PluginError(DarknetPyError):
    """A plug-in that cannot be imported, or whose code fails."""


class ReportError(DarknetPyError):
    """Run folders that cannot be compared."""


class NotFinite(DarknetPyError):
    """A loss or a gradient is NaN or infinite; nothing was updated."""

    exit_code = 4


class OutOfMemory(DarknetPyError):
    """There is not enough memory on the machine or on a GPU."""

    exit_code = 5


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the machine or a GPU ran out of memory."""
    words = ("out of memory", "can't allocate memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    )


class DistributedError(DarknetPyError):
    """Processes of one training that lost their connection."""


class PeerFailed(DarknetPyError):
    """Another process of the same training failed and reports why; this one ends without a message."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Stopped(DarknetPyError):
    """The run was asked to stop, saved itself, and can be resumed."""

    exit_code = 75
    word = "stopped"


class RunsFailed(DarknetPyError):
    """Runs that other processes trained have no result; what these printed is in the message."""

    def __init__(self, message: str, *, hint: str = "", exit_code: int = 3) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code
