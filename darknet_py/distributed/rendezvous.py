"""Start and end of the process group of a training."""

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
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from darknet_py.distributed.communicator import TIMEOUT_SECONDS, Communicator
from darknet_py.distributed.process_info import ProcessInfo
from darknet_py.errors import DarknetPyError, DistributedError, PeerFailed, UsageError, quoted


@contextmanager
def process_group(process: ProcessInfo, *, seconds: float = TIMEOUT_SECONDS) -> Iterator[Communicator]:
    """Connect to the other processes for the duration of a training.

    Raises:
        DistributedError: when a process does not connect, or is lost.
        UsageError: when the address of the first process is unknown.
    """
    if process.size == 1:
        yield Communicator(process)
        return
    communicator = Communicator(process, _init_process_group(process, seconds), seconds=seconds)
    try:
        yield communicator
    except BaseException as error:
        if not communicator.failed:  # the others will find the connection closed
            communicator.claim_report()
        if process.error_file and isinstance(error, Exception) and not isinstance(error, PeerFailed):
            _write_error_file(error, Path(process.error_file))
        raise
    finally:
        dist.destroy_process_group()


def _init_process_group(process: ProcessInfo, seconds: float) -> Store:
    wait = timedelta(seconds=seconds)
    try:
        store, _, _ = next(rendezvous("env://", timeout=wait))
        store = fresh_store(store, process, seconds)
        dist.init_process_group("gloo", store=store, rank=process.rank, world_size=process.size, timeout=wait)
    except ValueError as error:
        hint = "torchrun --standalone --nproc-per-node N train.py ... starts N processes"
        raise UsageError(f"the processes cannot connect: {quoted(error)}", hint=hint) from None
    except RuntimeError as error:
        reason = quoted(str(error).split("\n")[0])
        raise DistributedError(
            f"the {process.size} processes did not connect within {seconds:g} seconds: {reason}"
        ) from None
    return store


def fresh_store(store: Store, process: ProcessInfo, seconds: float) -> Store:
    """A part of the store for the processes of this start alone; torchrun keeps the keys of earlier starts.

    The first process sends its prefix to every process that asks, including those of an earlier start, until
    all others have confirmed the prefix.
    """
    mine = secrets.token_hex(8)
    if process.rank:
        store.set(f"join/{process.rank}", mine)
        store.wait([f"start/{mine}"])
        prefix = store.get(f"start/{mine}").decode()
        store.set(f"joined/{prefix}/{process.rank}", "")
        return PrefixStore(prefix, store)
    missing, until = set(range(1, process.size)), time.monotonic() + seconds
    while missing:
        if time.monotonic() > until:
            raise RuntimeError(f"no answer from process {min(missing)}")
        for rank in sorted(missing):
            if store.check([f"join/{rank}"]):
                store.set(f"start/{store.get(f'join/{rank}').decode()}", mine)
            if store.check([f"joined/{mine}/{rank}"]):
                missing.discard(rank)
        time.sleep(0.01)
    return PrefixStore(mine, store)


def _write_error_file(error: Exception, file: Path) -> None:
    """Write the error for torchrun, which reports the first one as the root cause."""
    text = str(error) if isinstance(error, DarknetPyError) else "".join(format_exception(error))
    facts = {"py_callstack": text, "timestamp": str(int(time.time()))}
    with suppress(OSError):
        file.write_text(json.dumps({"message": {"message": text, "extraInfo": facts}}))
