"""Work on a sequence in threads, side by side with whoever makes it and whoever takes the results."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from threading import Event, Thread
from typing import TypeVar

from darknet_py.predict.sources.waiting import Halted, put, take

T = TypeVar("T")
R = TypeVar("R")


def overlapped(
    work: Callable[[T], R],
    items: Iterable[T],
    *,
    workers: int,
    ahead: int,
    stop: Event,
    final: bool = False,
) -> Generator[R, None, None]:
    """The results of `work` for each item, in order.

    A thread takes the items one by one, and others work on them, `ahead` results before they are asked for
    and no more. An exception of `items` or of `work` is raised in its place.

    Args:
        workers: threads that work; with one, it works on the items in order.
        stop: ends everything that waits; is set when the results are not taken to their end.
        final: an exception sets `stop`, too; without, it first has to reach whoever takes the results.
    """
    channel: queue.Queue[Future[R] | None] = queue.Queue(ahead)
    closed = Event()  # the results are not taken to their end
    pool = ThreadPoolExecutor(workers, thread_name_prefix="detect")
    feeder = Thread(target=_feed, args=(work, items, pool, channel, (stop, closed)), daemon=True)
    feeder.start()
    try:
        while (future := take(channel, stop)) is not None:
            yield future.result()
    except BaseException as error:
        if final or not isinstance(error, Exception):
            stop.set()
        raise
    finally:
        closed.set()
        feeder.join()
        pool.shutdown(cancel_futures=True)


def lists_of(items: Iterable[T], length: int) -> Iterator[list[T]]:
    """The items, so many at a time; the last list may be shorter."""
    left = iter(items)
    while together := list(islice(left, length)):
        yield together


def side_by_side(
    work: Callable[[T], R], items: Iterable[T], *, callers: int, stop: Event
) -> Generator[R, None, None]:
    """The results of `work` for each item, in order, of so many calls at once; one is in this thread."""
    if callers == 1:
        yield from map(work, items)
    else:
        yield from overlapped(work, items, workers=callers, ahead=callers, stop=stop)


def _feed(
    work: Callable[[T], R],
    items: Iterable[T],
    pool: ThreadPoolExecutor,
    channel: queue.Queue[Future[R] | None],
    stops: tuple[Event, Event],
) -> None:
    with suppress(Halted):
        try:
            for item in items:
                put(channel, pool.submit(work, item), *stops)
            put(channel, None, *stops)
        except Halted:
            raise
        except BaseException as error:
            failed: Future[R] = Future()
            failed.set_exception(error)
            put(channel, failed, *stops)
        finally:
            if isinstance(items, Generator):
                items.close()
