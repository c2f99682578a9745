"""Commands as tasks of Ray, which places them on its machines, and starts them again where one is lost.

A task is a command line of this program and runs in a process of Ray on one of its machines; all machines
share the folder of the comparison. What a lost process had trained is in its checkpoints, from which the next
one resumes. Ray (https://docs.ray.io) is imported when it is needed; it is no requirement of the package.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from darknet_py.errors import Stopped, UsageError
from darknet_py.runs.environment import code_digest
from darknet_py.train.run.stop_signals import StopSignals

RETRIES = 10  # of a run whose process or machine is lost
POLL = 0.5  # seconds
STOPPED, INTERRUPTED, REFUSED = Stopped.exit_code, 130, 3
Main = Callable[[Sequence[str]], int]


@dataclass(frozen=True)
class Resources:
    """What a task needs, and the setting in which it runs.

    Args:
        cpus, gpus: that Ray reserves for it.
        threads: of torch; the last bits of a training depend on them.
        folder: that the paths of its words are relative to.
        program: the digest of this program.
    """

    cpus: int
    gpus: int
    threads: int
    folder: str
    program: str

    @classmethod
    def of(cls, device: str, *, workers: int) -> Resources:
        """Those of a training on a device.

        Args:
            workers: processes that load images.

        Raises: UsageError: when the device is a certain one of several.
        """
        kind, _, number = device.partition(":")
        if number:
            message = f"--device {device} names a GPU, and with --ray each run gets one that is free"
            raise UsageError(message, hint=f"give --device {kind}")
        threads = torch.get_num_threads()
        cpus, gpus = (1 + workers, 1) if kind == "cuda" else (threads + workers, 0)
        return cls(cpus, gpus, threads, str(Path.cwd()), code_digest())

    def on(self, ray: Any, *, local: bool) -> Resources:
        """The same, with no more CPUs than this machine has; tasks for a cluster may wait for a machine."""
        most = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
        return replace(self, cpus=min(self.cpus, int(most))) if local else self

    def missing(self, ray: Any) -> str:
        """What no machine of the cluster has now; empty where one has all."""
        alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        fits = any(one.get("CPU", 0) >= self.cpus and one.get("GPU", 0) >= self.gpus for one in alive)
        return "" if fits else f"{self.cpus} CPUs" + (f" and {self.gpus} GPU" if self.gpus else "")


@dataclass(frozen=True)
class TaskEnd:
    """How a task ended: its exit code, what it printed as errors, and the name of the machine."""

    code: int
    errors: str
    machine: str


def require_ray() -> None:
    """Check that Ray is installed.

    Raises: UsageError: when it is not.
    """
    if find_spec("ray") is None:
        hint = "pip install 'darknet-cfg[ray]', on all machines of the cluster"
        raise UsageError("--ray needs the package ray, which is not installed", hint=hint)


@contextlib.contextmanager
def ray_cluster(address: str) -> Iterator[Any]:
    """Connect to a cluster, or start one on this machine, of as many CPUs and GPUs as it has.

    Args:
        address: `local`, or what `ray.init` takes: HOST:PORT, ray://HOST:PORT, auto.

    Raises: UsageError: when there is none at the address.
    """
    local = address == "local"
    if local:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing of it leaves the machine
    import ray

    more: dict[str, Any] = {"include_dashboard": False} if local else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **more)
    except (ConnectionError, ValueError, RuntimeError) as error:
        hint = "`ray status` on its head node prints the address; --ray local starts one here"
        raise UsageError(f"--ray {address}: no cluster answers: {error}", hint=hint) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def run_tasks(
    ray: Any,
    commands: Mapping[str, Sequence[str]],
    *,
    main: Main,
    resources: Resources,
    ended: Callable[[str, TaskEnd], None],
) -> None:
    """Run commands, as many at a time as the cluster has room for.

    Args:
        commands: the words of each, by a name.
        main: the program: its words, its exit code. It is imported by its name on the other machines.
        ended: called after each, with the command's name.

    Raises:
        Stopped: on request, when all tasks have saved what they trained.
    """
    queue = _Queue(ray, commands, main, resources)
    with StopSignals() as signals:
        while queue.running:
            found = queue.next(stopping=signals.stop)
            if found is not None and not queue.cancelled:
                ended(*found)
    if queue.cancelled:
        raise Stopped("on request", hint="the same command goes on from here")


class _Queue:
    """The tasks that run or wait."""

    def __init__(
        self, ray: Any, commands: Mapping[str, Sequence[str]], main: Main, resources: Resources
    ) -> None:
        self.ray, self.commands, self.main, self.resources = ray, commands, main, resources
        self.task = ray.remote(
            num_cpus=resources.cpus, num_gpus=resources.gpus, max_retries=RETRIES, retry_exceptions=False
        )(perform)
        self.running: dict[Any, str] = {}
        self.stops = dict.fromkeys(commands, 0)
        self.cancelled = False
        for name in commands:
            self._submit(name)

    def _submit(self, name: str) -> None:
        reference = self.task.options(name=name).remote(self.main, list(self.commands[name]), self.resources)
        self.running[reference] = name

    def next(self, *, stopping: bool) -> tuple[str, TaskEnd] | None:
        """The next task that has ended for good; None where none has within `POLL` seconds."""
        if stopping and not self.cancelled:
            self.cancelled = True
            for reference in self.running:
                self.ray.cancel(reference, force=False)  # as Ctrl+C would: a training saves itself
        ready, _ = self.ray.wait(list(self.running), timeout=POLL)
        if not ready:
            return None
        name = self.running.pop(ready[0])
        end = self._end_of(ready[0])
        if end.code in (STOPPED, INTERRUPTED) and not self.cancelled and self.stops[name] < RETRIES:
            self.stops[name] += 1  # its machine is going down, not the comparison
            self._submit(name)
            return None
        return name, end

    def _end_of(self, reference: Any) -> TaskEnd:
        try:
            end: TaskEnd = self.ray.get(reference)
        except self.ray.exceptions.TaskCancelledError:
            return TaskEnd(STOPPED, "", "")
        except self.ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            return TaskEnd(REFUSED, f"error: Ray: {type(error).__name__}: {lines[-1]}", "")
        return end


def perform(main: Main, words: Sequence[str], resources: Resources) -> TaskEnd:
    """Run a command in a process of Ray."""
    machine = platform.node()
    if code_digest() != resources.program:
        message = f"{machine} has another version of darknet-py: install the same on all machines"
        return TaskEnd(REFUSED, f"error: {message}", machine)
    try:
        os.chdir(resources.folder)
    except OSError as error:
        message = (
            f"{machine} cannot enter {resources.folder}, a folder that all machines need: {error.strerror}"
        )
        return TaskEnd(REFUSED, f"error: {message}", machine)
    torch.set_num_threads(resources.threads)
    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        try:
            code = main(words)
        except SystemExit as left:  # argparse's
            code = int(left.code or 0)
    return TaskEnd(code, errors.getvalue(), machine)
