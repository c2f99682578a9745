"""Pools with one fault each: what they do wrong, and the check that must say so."""

from __future__ import annotations

HEAD = '''
import torch
from torch import nn
from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key
from darknet_py.ops.function import Function
from darknet_py.layers.pools.base import WindowPool, hide
from darknet_py.layers.pools.laws import equals, near


def mean(cells, inside):
    return (cells * inside).sum(-1) / inside.sum(-1)


class Weighted(nn.Module):
    def __init__(self, grid):
        super().__init__()
        self.grid, self.w = grid, nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.grid.mean(x) * self.w


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


class Planted(WindowPool, section="planted"):
    """A pool with a fault.

        [planted]
        size = 2
        stride = 2
    """
'''
MEAN = "def reduce(self, cells, inside): return mean(cells, inside)"
ONE_WEIGHT = "def cost(self, *maps): return Cost(1, 1)"
A_WEIGHT = "def arrays(self, module): yield 'w', module.w"


def by(expression: str) -> str:
    """A module whose forward is an expression of `x` and `grid`."""
    return f"def module(self, *maps): grid = self.grid(); return Function(lambda x: {expression})"


FAULTS = {  # what is wrong: the check that says it, and the body of the class
    "a key's default below its range": ("keys", f"p: float = key(0.0, above=0, doc='power')\n{MEAN}"),
    "a key's default not among its words": ("keys", f"p: str = key('a', one_of=('b',), doc='kind')\n{MEAN}"),
    "no example": ("example", f"__doc__ = 'A pool.'\n{MEAN}"),
    "an example with a key that is not there": (
        "example",
        f"__doc__ = 'A pool.\\n\\n    [planted]\\n    kernel = 2'\n{MEAN}",
    ),
    "an exception in check": ("drawn", f"def check(self, *maps): raise KeyError('oops')\n{MEAN}"),
    "no section that fits": (
        "drawn",
        f"def shape(self, *maps): raise Refused(Complaint('no map is good enough'))\n{MEAN}",
    ),
    "a word with a blank in it": ("written", f"p: str = key('a b', doc='kind')\n{MEAN}"),
    "a value changed after reading": (
        "written",
        "p: int = key(1, doc='n')\n"
        f"def __post_init__(self): object.__setattr__(self, 'p', self.p + 1)\n{MEAN}",
    ),
    "a row too many by shape": (
        "shape",
        "def shape(self, *maps):\n"
        "    s = super().shape(*maps)\n"
        f"    return Shape(s.channels, s.height + 1, s.width)\n{MEAN}",
    ),
    "channels that shape does not know": ("shape", by("torch.cat([grid.mean(x), grid.maximum(x)], 1)")),
    "two outputs": ("shape", by("(grid.mean(x), x)")),
    "a parameter that cost does not count": (
        "cost",
        f"def module(self, *maps): return Weighted(self.grid())\n{A_WEIGHT}",
    ),
    "a parameter that arrays leaves out": (
        "cost",
        "def module(self, *maps): return Weighted(self.grid())\ndef cost(self, *maps): return Cost(0, 1)",
    ),
    "less the mean of the batch": ("alone", by("grid.mean(x - x.mean(0, keepdim=True))")),
    "over the greatest of the batch": ("alone", by("grid.mean(x / x.abs().max())")),
    "a logarithm of negative cells": (
        "finite",
        "def reduce(self, cells, inside): return mean(cells.log(), inside)",
    ),
    "a root whose slope at 0 is infinite": (
        "finite",
        "def reduce(self, cells, inside):\n"
        "    below = hide(cells, inside).amax(-1, keepdim=True) - cells\n"
        "    return mean(below.abs().sqrt(), inside)",
    ),
    "an output cut off": ("finite", by("grid.mean(x.detach())")),
    "weights cut off from the gradient": (
        "gradient",
        "def reduce(self, cells, inside): return (hide(cells, inside).softmax(-1).detach() * cells).sum(-1)",
    ),
    "a backward pass of twice the slope": ("gradient", by("grid.mean(Twice.apply(x))")),
    "a window declared too large": (
        "window",
        "def window(self, *maps):\n"
        "    return Window(Axis(self.size + 1, self.stride_y), Axis(self.size + 1, self.stride_x))\n" + MEAN,
    ),
    "the window beside the one declared": ("window", by("grid.mean(x.roll(1, dims=3))")),
    "noise in evaluation": ("mode", by("grid.mean(x + torch.rand_like(x))")),
    "noise in training that no key draws": (
        "mode",
        "def module(self, *maps):\n"
        "    pool = nn.Dropout(0.5)\n"
        "    grid = self.grid()\n"
        "    return nn.Sequential(pool, Function(grid.mean))",
    ),
    "half numbers inside": ("float64", by("grid.mean(x.half().float() if x.dtype == torch.float32 else x)")),
    "always float32": ("float64", by("grid.mean(x.float())")),
    "a view that a map with channels last has not": (
        "memory",
        by("grid.mean(x.view(len(x), -1).view(x.shape))"),
    ),
    "numbers in the order of memory": (
        "memory",
        by("grid.mean(torch.as_strided(x, x.shape, x.contiguous().clone('').stride()))").replace(
            ".clone('')", ""
        ),
    ),
    "a branch on what the map holds": ("export", by("grid.mean(x) if x.sum() > 0 else grid.maximum(x)")),
    "numpy inside": ("export", by("torch.from_numpy(grid.mean(x).detach().numpy())")),
    "a maximum for other programs": (
        "onnx",
        f"{MEAN}\ndef onnx(self, nodes, *maps):\n"
        "    return nodes.add('MaxPool', maps[0], **self.windows().attributes)",
    ),
    "an array that array_shapes leaves out": (
        "onnx",
        "def module(self, *maps): return Weighted(self.grid())\n"
        "def onnx(self, nodes, *maps):\n"
        "    mean = nodes.add('AveragePool', maps[0], **self.windows().attributes)\n"
        f"    return nodes.add('Mul', mean, nodes.constant(nodes.arrays['w']))\n{A_WEIGHT}\n{ONE_WEIGHT}",
    ),
    "an array that is a copy": (
        "weights",
        "def module(self, *maps):\n"
        "    pool = Weighted(self.grid())\n"
        "    torch.nn.init.normal_(pool.w)\n"
        "    return pool\n"
        f"def arrays(self, module): yield 'w', module.w * 1\n{ONE_WEIGHT}",
    ),
    "a weight copied when it is built": (
        "weights",
        "def module(self, *maps):\n"
        "    pool = Weighted(self.grid())\n"
        "    torch.nn.init.normal_(pool.w)\n"
        "    pool.register_buffer('kept', pool.w.detach().clone(), persistent=False)\n"
        "    pool.forward = lambda x: pool.grid.mean(x) * pool.kept + 0 * pool.w\n"
        f"    return pool\n{A_WEIGHT}\n{ONE_WEIGHT}",
    ),
    "a law that an average breaks": ("laws", f"laws = (near('maxpool'),)\n{MEAN}"),
    "a law for another key than the one that counts": (
        "laws",
        "laws = (near('maxpool', t=1e3),)\n"
        "t: float = key(1.0, above=0, doc='temperature')\n"
        "def reduce(self, cells, inside):\n"
        "    return ((hide(cells, inside) / self.t).softmax(-1) * cells).sum(-1)",
    ),
    "a sum": ("constant", "def reduce(self, cells, inside): return cells.sum(-1)"),
    "an average that counts cells outside": (
        "constant",
        "def reduce(self, cells, inside): return cells.mean(-1)",
    ),
    "a spread beside the average": (
        "between",
        "def reduce(self, cells, inside):\n"
        "    low, high = -hide(-cells, inside).amax(-1), hide(cells, inside).amax(-1)\n"
        "    return mean(cells, inside) + high - low",
    ),
    "a maximum of more than the window": ("between", by("grid.maximum(x).clamp(min=float(x.max()))")),
    "a value that depends on the place": (
        "shift",
        by("grid.mean(x) * torch.arange(1.0, 1 + grid.outputs(x)[0], dtype=x.dtype).view(1, 1, -1, 1)"),
    ),
    "less the map's mean": ("shift", by("grid.mean(x - x.mean((2, 3), keepdim=True))")),
    "a module that is another pool": ("defined", f"{MEAN}\n{by('grid.maximum(x)')}"),
    "a module that takes the least": ("defined", f"{MEAN}\n{by('-grid.maximum(-x)')}"),
}
