"""Errors of the worker processes that load images: one was killed, or no batch comes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from darknet_py.data.loader.collate import STALLED, Batch, BatchLoader
from darknet_py.errors import DarknetPyError, DataError, quoted
from darknet_py.train.run.stop_signals import StopSignals

PATIENCE = 12  # timeouts in a row; one also comes when the run itself was stopped for hours
WORKER, TIMED_OUT = "DataLoader", "timed out"  # in torch's messages


def batches_of_workers(
    source: Iterator[Batch], signals: StopSignals, *, name: Callable[[int], str] = str
) -> Iterator[Batch]:
    """The batches, until the end or until workers that a signal stopped give no more.

    Args:
        name: of an image, by its number.

    Raises:
        DataError: when a worker was killed, or no batch comes; with the image that it was reading.
        DarknetPyError: a worker's own, as it was raised there, without torch's traceback around it.
    """
    missed = 0
    while True:
        try:
            batch = next(source)
        except StopIteration:
            return
        except DarknetPyError as error:
            raise _without_traceback(error) from None
        except (ConnectionError, EOFError) as error:  # a worker died while it sent a batch
            if signals.stop:
                return
            raise _worker_error(_torch_message(source, error), _images_of(source, name)) from None
        except RuntimeError as error:
            if WORKER not in str(error):
                raise
            if signals.stop:
                return
            missed += 1
            if TIMED_OUT not in str(error) or missed == PATIENCE:
                raise _worker_error(str(error), _images_of(source, name)) from None
            continue
        missed = 0
        yield batch


def _torch_message(source: Iterator[Batch], error: Exception) -> str:
    """torch's message, as soon as it notices the dead worker; batches until then are dropped."""
    for _ in range(PATIENCE):
        try:
            next(source)
        except RuntimeError as noticed:
            return str(noticed)
        except (ConnectionError, EOFError, StopIteration):
            continue
    return f"{WORKER} lost a worker: {error}"


def _without_traceback(error: DarknetPyError) -> DarknetPyError:
    """The error of a worker; torch puts the text of a traceback before its message."""
    kind, text = type(error), str(error)
    if WORKER in text:
        error.args = (text.rpartition(f"{kind.__module__}.{kind.__qualname__}: ")[2].strip(),)
    return error


def _images_of(source: Iterator[Batch], name: Callable[[int], str]) -> dict[int, str]:
    """The image that each worker reads, by its process."""
    reads = source.reads if isinstance(source, BatchLoader) else {}
    return {process: name(index) for process, index in reads.items()}


def _worker_error(text: str, images: dict[int, str]) -> DataError:
    message, hint = text.strip().rstrip("."), "perhaps memory ran out, and fewer --workers need less"
    if TIMED_OUT in text:
        message, hint = f"no image came for {PATIENCE * STALLED} seconds", "is the disk or network available?"
    dead = {int(number) for number in re.findall(r"\d+", text)} & images.keys()
    read = sorted(quoted(image) for process, image in images.items() if process in dead or not dead)
    if read:
        message += f"; {' and '.join(read)} {'was' if len(read) == 1 else 'were'} being read"
    return DataError(message, hint=f"{hint}; --resume goes on")
