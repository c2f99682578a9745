"""Where tensors live."""

from __future__ import annotations

import torch

from darknet_py.errors import UsageError, shown


def usable(name: str) -> str:
    """The name of a device that works here.

    Raises:
        UsageError: when torch does not know it or this machine does not have it.
    """
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).split("\n")[0]
        raise UsageError(
            f"--device {shown(name)} cannot be used: {shown(reason)}", hint="cpu always can"
        ) from None
    return name
