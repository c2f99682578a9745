"""Rewriting modules for torch.export, ONNX and torch.compile."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn

from darknet_py.ops.pools.window import Grid

M = TypeVar("M", bound=nn.Module)


def exportable(module: M) -> M:
    """A copy that shares the parameters and buffers, with every pool as single operations of torch.

    The outputs are the same; the loops that save memory and time in eager mode are gone.
    """
    shared = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    clone = copy.deepcopy(module, shared)
    use_export_grids(clone)
    return clone


def use_export_grids(module: nn.Module) -> None:
    """Replace every grid that a part of the module holds by its form for export, in place."""
    for part in module.modules():
        for name, value in list(vars(part).items()):
            if isinstance(value, Grid):
                setattr(part, name, value.for_export())
