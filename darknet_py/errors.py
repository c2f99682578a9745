"""What can be wrong with what the user gave us: one family of exceptions, each with its exit code.

Every message is whole: what, where, why, and what to do. The command line prints it as it is, without a
traceback.
"""

from __future__ import annotations


def quoted(text: object, *, limit: int = 120) -> str:
    """Quote foreign text for a message: control characters escaped, cut at `limit` characters.

    >>> quoted("a\\x1b[31m")
    'a\\\\x1b[31m'
    """
    quoted = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))
    return quoted if len(quoted) <= limit else quoted[: limit - 1] + "…"


class DarknetPyError(Exception):
    """Something the user gave us cannot be used; `str(error)` is the whole text to show.

    Args:
        message: what is wrong, and what was expected.
        where: the file, with line or byte where one is known.
        hint: what to do about it.
    """

    exit_code = 3
    word = "error"

    def __init__(self, message: str, *, where: object = "", hint: str = "") -> None:
        self.message, self.where, self.hint = message, quoted(where), hint
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


class CheckpointError(DarknetPyError):
    """A checkpoint that is damaged, or belongs to another run."""


class PluginError(DarknetPyError):
    """A file of layers that cannot be imported, or code of it that fails."""


class ReportError(DarknetPyError):
    """Run folders that cannot be set side by side."""


class NotFinite(DarknetPyError):
    """A loss or a gradient is NaN or infinite; nothing was updated."""

    exit_code = 4


class OutOfMemory(DarknetPyError):
    """There is not enough memory, of the machine or of a GPU, for what was asked."""

    exit_code = 5


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory was lacking, of the machine or of a GPU."""
    words = ("out of memory", "can't allocate memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    )


class DistributedError(DarknetPyError):
    """Processes of one training that have lost each other."""


class PeerFailed(DarknetPyError):
    """Another process of the same training failed, and says why; this one ends without a word."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Stopped(DarknetPyError):
    """The run was asked to stop, saved itself, and can be resumed."""

    exit_code = 75
    word = "stopped"
