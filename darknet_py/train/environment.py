"""What the last bits of a training depend on, besides the run itself."""

from __future__ import annotations

from typing import Any

import torch

PARTS = ("torch", "device", "threads")


def environment_of(device: str) -> dict[str, Any]:
    """The parts of `PARTS`: the version of torch, the kind of device, and threads where the CPU computes."""
    kind = torch.device(device).type
    facts: dict[str, Any] = {"torch": torch.__version__, "device": kind}
    if kind == "cpu":
        facts["device"] = f"cpu {torch.backends.cpu.get_cpu_capability()}"
        facts["threads"] = torch.get_num_threads()
    elif kind == "cuda":
        facts["device"] = torch.cuda.get_device_name(device)
    return facts
