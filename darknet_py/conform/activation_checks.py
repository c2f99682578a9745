"""The checks of an activation function of a plug-in: what every activation promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from darknet_py.conform.run import CheckResult
from darknet_py.errors import quoted
from darknet_py.layers.transforms.activations import plugged_functions

Function = Callable[[Tensor], Tensor]
FARTHEST = 40.0  # beyond it, exp overflows float32 in products


def conform_activation(name: str, *, seed: int = 0) -> Iterator[CheckResult]:
    """Run the checks of one activation function, by name."""
    function = plugged_functions()[name]
    for check, run in CHECKS.items():
        description = (run.__doc__ or "").strip()
        result = CheckResult(name, check, description, "ok")
        try:
            found = run(function, torch.Generator().manual_seed(seed))
        except Exception as error:
            found = f"{type(error).__name__}: {quoted(error)}"
        yield result if not found else CheckResult(name, check, description, "FAIL", description, found)


def _shape(function: Function, generator: torch.Generator) -> str:
    """A map keeps its shape and type, and the map that is read stays as it is."""
    for dtype in (torch.float32, torch.float64):
        x = torch.randn(2, 3, 4, 5, generator=generator, dtype=dtype)
        before, out = x.clone(), function(x)
        if out.shape != x.shape or out.dtype != dtype:
            return f"{tuple(out.shape)} of {out.dtype} from {tuple(x.shape)} of {dtype}"
        if not torch.equal(x, before):
            return "the map that it reads is changed"
    return ""


def _batch(function: Function, generator: torch.Generator) -> str:
    """One image alone has the values it has in a batch."""
    x = torch.randn(3, 4, 5, 5, generator=generator)
    worst = float((function(x)[1:2] - function(x[1:2])).abs().max())
    return "" if worst <= 1e-6 else f"they differ by {worst:.2g}"


def _finite(function: Function, generator: torch.Generator) -> str:
    """Values and gradients are finite from -40 to 40, zero included."""
    x = torch.linspace(-FARTHEST, FARTHEST, 801).view(1, 1, 1, -1).requires_grad_()
    out = function(x)
    (gradient,) = torch.autograd.grad(out.sum(), x)
    for what, values in (("value", out.detach()), ("gradient", gradient)):
        bad = x.detach()[~values.isfinite()]
        if len(bad):
            return f"the {what} at {float(bad[0]):g} is {float(values[~values.isfinite()][0])}"
    return ""


def _gradient(function: Function, generator: torch.Generator) -> str:
    """The gradient is that of differences, in float64."""
    x = torch.randn(1, 3, 2, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    return "" if torch.autograd.gradcheck(function, (x,)) else "they differ"


CHECKS = {"shape": _shape, "batch": _batch, "finite": _finite, "gradient": _gradient}
