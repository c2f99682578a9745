"""Work on a sequence in threads, side by side with whoever makes it and whoever takes the results."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event, Thread
from typing import TypeVar

from darknet_py.predict.sources.waiting import Halted, put, take

T = TypeVar("T")
R = TypeVar("R")


def overlapped(
    work: Callable[[T], R], items: Iterable[T], *, workers: int, ahead: int, stop: Event
) -> Generator[R, None, None]:
    """The results of `work` for each item, in order.

    A thread takes the items one by one, and others work on them, `ahead` results before they are asked for
    and no more. An exception of `items` or of `work` is raised in its place.

    Args:
        workers: threads that work; with one, it works on the items in order.
        stop: ends everything that waits; is set when the results are not taken to their end.
    """
    channel: queue.Queue[Future[R] | None] = queue.Queue(ahead)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="detect")
    feeder = Thread(target=_feed, args=(work, items, pool, channel, stop), name="feed", daemon=True)
    feeder.start()
    try:
        while (future := take(channel, stop)) is not None:
            yield future.result()
    except BaseException:
        stop.set()
        raise
    finally:
        feeder.join()
        pool.shutdown(cancel_futures=True)


def _feed(
    work: Callable[[T], R],
    items: Iterable[T],
    pool: ThreadPoolExecutor,
    channel: queue.Queue[Future[R] | None],
    stop: Event,
) -> None:
    with suppress(Halted):
        try:
            for item in items:
                put(channel, pool.submit(work, item), stop)
            put(channel, None, stop)
        except Halted:
            raise
        except BaseException as error:
            failed: Future[R] = Future()
            failed.set_exception(error)
            put(channel, failed, stop)
        finally:
            if isinstance(items, Generator):
                items.close()
