"""The rank of a process among those that train together, from torchrun's environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from darknet_py.errors import UsageError, quoted

VARIABLES = "RANK", "WORLD_SIZE", "LOCAL_RANK", "TORCHELASTIC_RESTART_COUNT"
ELASTIC, ERROR_FILE = "TORCHELASTIC_RUN_ID", "TORCHELASTIC_ERROR_FILE"  # other launchers do not set them


@dataclass(frozen=True)
class ProcessInfo:
    """One process of a training; by default the only one.

    Args:
        rank: its number, from 0.
        size: the number of processes.
        local_rank: its number on its machine, which is that of its GPU.
        restarts: how often torchrun has restarted all processes.
        elastic: torchrun is its parent.
        error_file: where torchrun looks for the error that ended the process.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    restarts: int = 0
    elastic: bool = False
    error_file: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ProcessInfo:
        """Read the variables that torchrun sets; without them there is one process.

        Raises:
            UsageError: when torchrun would not set them to these values.
        """
        if not {"RANK", "WORLD_SIZE"} <= environment.keys():
            return cls()
        texts = {name: environment.get(name, "0") for name in VARIABLES}
        if not all(text.isascii() and text.isdigit() for text in texts.values()):
            raise UsageError(f"the variables of torchrun are not numbers: {quoted(texts)}")
        rank, size, local_rank, restarts = (int(text) for text in texts.values())
        if rank >= size:
            raise UsageError(f"RANK is {rank} of WORLD_SIZE {size}; ranks count from 0")
        return cls(rank, size, local_rank, restarts, ELASTIC in environment, environment.get(ERROR_FILE, ""))

    def device(self, name: str) -> str:
        """The device of this process: `cuda` gives every process of a machine a GPU of its own.

        Raises:
            UsageError: when several processes would share a device, or it cannot exchange gradients.
        """
        if self.size == 1 or name == "cpu":
            return name
        if name != "cuda":
            hint = "--device cuda gives each process a GPU of its own, by LOCAL_RANK"
            raise UsageError(f"--device {quoted(name)} cannot be used by {self.size} processes", hint=hint)
        return f"cuda:{self.local_rank}"
