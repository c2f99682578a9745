"""Where a process stands among those that train together, as torchrun tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from darknet_py.errors import UsageError, quoted

VARIABLES = {
    "rank": "RANK",
    "size": "WORLD_SIZE",
    "local": "LOCAL_RANK",
    "restarts": "TORCHELASTIC_RESTART_COUNT",
}
ELASTIC, ERROR_FILE = "TORCHELASTIC_RUN_ID", "TORCHELASTIC_ERROR_FILE"  # other starters do not set them


@dataclass(frozen=True)
class Place:
    """Where a process stands among those that train together.

    Args:
        rank: its number, from 0.
        size: how many there are.
        local: its number on its machine: of its GPU.
        restarts: how often torchrun has started all of them again.
        elastic: torchrun is its parent.
        error_file: where torchrun looks for what a process died of.
    """

    rank: int = 0
    size: int = 1
    local: int = 0
    restarts: int = 0
    elastic: bool = False
    error_file: str = ""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Place:
        """From the variables that torchrun sets; without them a process is alone.

        Raises:
            UsageError: when they are set to what torchrun would not set.
        """
        if not {"RANK", "WORLD_SIZE"} <= environment.keys():
            return cls()
        texts = {name: environment.get(key, "0") for name, key in VARIABLES.items()}
        if not all(text.isascii() and text.isdigit() for text in texts.values()):
            raise UsageError(f"the variables of torchrun are no numbers: {quoted(texts)}")
        place = cls(
            **{name: int(text) for name, text in texts.items()},
            elastic=ELASTIC in environment,
            error_file=environment.get(ERROR_FILE, ""),
        )
        if place.rank >= place.size:
            raise UsageError(f"RANK is {place.rank} of WORLD_SIZE {place.size}; ranks count from 0")
        return place

    def device(self, name: str) -> str:
        """The device of this process: with `cuda` each one on a machine takes a GPU of its own.

        Raises:
            UsageError: when several would share one, or it is of a kind that cannot exchange gradients.
        """
        if self.size == 1 or name == "cpu":
            return name
        if name != "cuda":
            hint = "--device cuda gives each process a GPU of its own, by LOCAL_RANK"
            raise UsageError(f"--device {quoted(name)} cannot be used by {self.size} processes", hint=hint)
        return f"cuda:{self.local}"
