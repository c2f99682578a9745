"""How the processes that torchrun starts find each other, and how they part."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from traceback import format_exception

import torch.distributed as dist

from darknet_py.distributed.communicator import PATIENCE, Communicator
from darknet_py.distributed.process_info import Place
from darknet_py.errors import DarknetPyError, DistributedError, PeerFailed, UsageError, quoted


@contextmanager
def joined(place: Place, *, seconds: float = PATIENCE) -> Iterator[Communicator]:
    """Meet the other processes, for the time of a training.

    Raises:
        DistributedError: when they do not come, or one is lost.
        UsageError: when nothing says where to meet.
    """
    if place.size == 1:
        yield Communicator(place)
        return
    communicator = Communicator(place, _met(place, seconds), seconds=seconds)
    try:
        yield communicator
    except BaseException as error:
        if not communicator.over:  # the others are in the midst of something, and will find this one gone
            communicator.may_tell()
        if place.error_file and isinstance(error, Exception) and not isinstance(error, PeerFailed):
            _recorded(error, Path(place.error_file))
        raise
    finally:
        dist.destroy_process_group()


def _met(place: Place, seconds: float) -> dist.Store:
    wait = timedelta(seconds=seconds)
    try:
        store, _, _ = next(dist.rendezvous("env://", timeout=wait))
        store = _fresh(store, place, seconds)
        dist.init_process_group("gloo", store=store, rank=place.rank, world_size=place.size, timeout=wait)
    except ValueError as error:
        hint = "torchrun --standalone --nproc-per-node N train.py ... starts N processes"
        raise UsageError(f"the processes cannot meet: {quoted(error)}", hint=hint) from None
    except RuntimeError as error:
        reason = quoted(str(error).split("\n")[0])
        raise DistributedError(
            f"the {place.size} processes did not meet within {seconds:g} seconds: {reason}"
        ) from None
    return store


def _fresh(store: dist.Store, place: Place, seconds: float) -> dist.Store:
    """A part of the store for the processes of this start alone: torchrun's keeps what earlier ones wrote.

    The first process answers every greeting that it finds, also those of processes that are gone, until all
    others have come to the place that it names.
    """
    mine = secrets.token_hex(8)
    if place.rank:
        store.set(f"hello/{place.rank}", mine)
        store.wait([f"welcome/{mine}"])
        place_to_meet = store.get(f"welcome/{mine}").decode()
        store.set(f"here/{place_to_meet}/{place.rank}", "")
        return dist.PrefixStore(place_to_meet, store)
    missing, until = set(range(1, place.size)), time.monotonic() + seconds
    while missing:
        if time.monotonic() > until:
            raise RuntimeError(f"no sign of process {min(missing)}")
        for rank in sorted(missing):
            if store.check([f"hello/{rank}"]):
                store.set(f"welcome/{store.get(f'hello/{rank}').decode()}", mine)
            if store.check([f"here/{mine}/{rank}"]):
                missing.discard(rank)
        time.sleep(0.01)
    return dist.PrefixStore(mine, store)


def _recorded(error: Exception, file: Path) -> None:
    """Tell torchrun which process's end was the cause, and what it said."""
    text = str(error) if isinstance(error, DarknetPyError) else "".join(format_exception(error))
    facts = {"py_callstack": text, "timestamp": str(int(time.time()))}
    with suppress(OSError):
        file.write_text(json.dumps({"message": {"message": text, "extraInfo": facts}}))
