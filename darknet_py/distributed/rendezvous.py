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

from darknet_py.distributed.communicator import TIMEOUT_SECONDS, Communicator
from darknet_py.distributed.process_info import ProcessInfo
from darknet_py.errors import DarknetPyError, DistributedError, PeerFailed, UsageError, quoted


@contextmanager
def process_group(process: ProcessInfo, *, seconds: float = TIMEOUT_SECONDS) -> Iterator[Communicator]:
    """Meet the other processes, for the time of a training.

    Raises:
        DistributedError: when they do not come, or one is lost.
        UsageError: when nothing says where to meet.
    """
    if process.size == 1:
        yield Communicator(process)
        return
    communicator = Communicator(process, _init_process_group(process, seconds), seconds=seconds)
    try:
        yield communicator
    except BaseException as error:
        if not communicator.failed:  # the others are in the midst of something, and will find this one gone
            communicator.claim_report()
        if process.error_file and isinstance(error, Exception) and not isinstance(error, PeerFailed):
            _write_error_file(error, Path(process.error_file))
        raise
    finally:
        dist.destroy_process_group()


def _init_process_group(process: ProcessInfo, seconds: float) -> dist.Store:
    wait = timedelta(seconds=seconds)
    try:
        store, _, _ = next(dist.rendezvous("env://", timeout=wait))
        store = _fresh_store(store, process, seconds)
        dist.init_process_group("gloo", store=store, rank=process.rank, world_size=process.size, timeout=wait)
    except ValueError as error:
        hint = "torchrun --standalone --nproc-per-node N train.py ... starts N processes"
        raise UsageError(f"the processes cannot meet: {quoted(error)}", hint=hint) from None
    except RuntimeError as error:
        reason = quoted(str(error).split("\n")[0])
        raise DistributedError(
            f"the {process.size} processes did not meet within {seconds:g} seconds: {reason}"
        ) from None
    return store


def _fresh_store(store: dist.Store, process: ProcessInfo, seconds: float) -> dist.Store:
    """A part of the store for the processes of this start alone: torchrun's keeps what earlier ones wrote.

    The first process answers every greeting that it finds, also those of processes that are gone, until all
    others have come to the place that it names.
    """
    mine = secrets.token_hex(8)
    if process.rank:
        store.set(f"join/{process.rank}", mine)
        store.wait([f"start/{mine}"])
        prefix = store.get(f"start/{mine}").decode()
        store.set(f"joined/{prefix}/{process.rank}", "")
        return dist.PrefixStore(prefix, store)
    missing, until = set(range(1, process.size)), time.monotonic() + seconds
    while missing:
        if time.monotonic() > until:
            raise RuntimeError(f"no sign of process {min(missing)}")
        for rank in sorted(missing):
            if store.check([f"join/{rank}"]):
                store.set(f"start/{store.get(f'join/{rank}').decode()}", mine)
            if store.check([f"joined/{mine}/{rank}"]):
                missing.discard(rank)
        time.sleep(0.01)
    return dist.PrefixStore(mine, store)


def _write_error_file(error: Exception, file: Path) -> None:
    """Tell torchrun which process's end was the cause, and what it said."""
    text = str(error) if isinstance(error, DarknetPyError) else "".join(format_exception(error))
    facts = {"py_callstack": text, "timestamp": str(int(time.time()))}
    with suppress(OSError):
        file.write_text(json.dumps({"message": {"message": text, "extraInfo": facts}}))
