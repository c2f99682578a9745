"""Where tensors live."""

from __future__ import annotations

import torch

from darknet_py.errors import UsageError, quoted

KINDS = ("cpu", "cuda", "mps")


def usable(name: str) -> str:
    """The name of a device that works here.

    Raises:
        UsageError: when torch does not know it or this machine does not have it.
    """
    kind = name.partition(":")[0]
    if kind not in KINDS:
        raise UsageError(
            f"--device {quoted(name)} cannot be used", hint=f"expected one of {', '.join(KINDS)}"
        )
    if kind == "cuda":  # float32 as on a CPU: TensorFloat-32 keeps three digits
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).split("\n")[0]
        raise UsageError(
            f"--device {quoted(name)} cannot be used: {quoted(reason)}", hint="cpu always can"
        ) from None
    return name
