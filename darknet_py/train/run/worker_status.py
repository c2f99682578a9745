"""What becomes of processes that load images and end, or stand still, before their time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from darknet_py.data.loader.collate import STALLED, Batch, BatchLoader
from darknet_py.errors import DarknetPyError, DataError, quoted
from darknet_py.train.run.stop_signals import Requests

PATIENCE = 12  # times that nothing came; one time is also what a run sees that was itself stopped for hours
SIGN, LATE = "DataLoader", "timed out"  # in torch's texts


def loaded(
    source: Iterator[Batch], requests: Requests, *, name: Callable[[int], str] = str
) -> Iterator[Batch]:
    """The batches, until the end or until loaders that were asked to stop with us give no more.

    Args:
        name: of an image.

    Raises:
        DataError: when a loader was killed, or stands still; with the image that it was reading.
        DarknetPyError: a loader's own, as it was raised there, without torch's traceback around it.
    """
    missed = 0
    while True:
        try:
            batch = next(source)
        except StopIteration:
            return
        except DarknetPyError as error:
            raise _told(error) from None
        except (ConnectionError, EOFError) as error:  # a loader died while it handed a batch over
            if requests.stop:
                return
            raise _lost(_noticed(source, error), _reading(source, name)) from None
        except RuntimeError as error:
            if SIGN not in str(error):
                raise
            if requests.stop:
                return
            missed += 1
            if LATE not in str(error) or missed == PATIENCE:
                raise _lost(str(error), _reading(source, name)) from None
            continue
        missed = 0
        yield batch


def _noticed(source: Iterator[Batch], error: Exception) -> str:
    """What torch says as soon as it notices the dead loader; no batch is used any more."""
    for _ in range(PATIENCE):
        try:
            next(source)
        except RuntimeError as told:
            return str(told)
        except (ConnectionError, EOFError, StopIteration):
            continue
    return f"{SIGN} lost a worker: {error}"


def _told(error: DarknetPyError) -> DarknetPyError:
    """What the loader raised; torch puts the text of a traceback before it."""
    kind, text = type(error), str(error)
    if SIGN in text:
        error.args = (text.rpartition(f"{kind.__module__}.{kind.__qualname__}: ")[2].strip(),)
    return error


def _reading(source: Iterator[Batch], name: Callable[[int], str]) -> dict[int, str]:
    """The image that each loader reads, by its process."""
    reads = source.reads if isinstance(source, BatchLoader) else {}
    return {process: name(index) for process, index in reads.items()}


def _lost(text: str, reading: dict[int, str]) -> DataError:
    message, hint = text.strip().rstrip("."), "perhaps for want of memory, which fewer --workers need less of"
    if LATE in text:
        message, hint = f"no image came for {PATIENCE * STALLED} seconds", "is the disk, or the net, there?"
    dead = {int(number) for number in re.findall(r"\d+", text)} & reading.keys()
    images = sorted(quoted(image) for process, image in reading.items() if process in dead or not dead)
    if images:
        message += f"; {' and '.join(images)} {'was' if len(images) == 1 else 'were'} being read"
    return DataError(message, hint=f"{hint}; --resume goes on")
