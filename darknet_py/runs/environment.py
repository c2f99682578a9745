"""What the exact bits of a training depend on, besides the run itself."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

CODE = Path(__file__).parents[1]


def environment_of(device: str, *, processes: int = 1) -> dict[str, Any]:
    """Each of `ENVIRONMENT_PARTS` that matters here.

    torch's version, the device, a CPU's threads, the number of processes. Of more than two, also who adds
    their gradients: the sum of two numbers does not depend on an order, that of three does.
    """
    kind = torch.device(device).type
    facts: dict[str, Any] = {"torch": torch.__version__, "device": kind, "world-size": processes}
    if kind == "cpu":
        facts["device"] = f"cpu {torch.backends.cpu.get_cpu_capability()}"
        facts["threads"] = torch.get_num_threads()
    elif kind == "cuda":
        facts["device"] = torch.cuda.get_device_name(device)
    if processes > 2:
        facts["gradients"] = "DistributedDataParallel"
    return facts


def code_digest() -> str:
    """sha256 of this program's files, to check that processes on several machines run the same."""
    digest = hashlib.sha256()
    for path in sorted(CODE.rglob("*.py")):
        digest.update(path.relative_to(CODE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
