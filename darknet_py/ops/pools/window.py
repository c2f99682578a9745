"""Windows on tensors: where their cells lie in a map, the greatest and the mean of them, and padding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from darknet_py.arithmetic.window import bin_edges, output_size
from darknet_py.ops.pools.maximum import greatest_around
from darknet_py.ops.pools.parts import exporting
from darknet_py.ops.pools.places import Block, Cell, blocks_of, cells_of

SEPARATE_FROM = 5  # the side from which a mean in rows, then in columns, is faster than one of size² cells


@dataclass(frozen=True)
class Grid:
    """Square windows on a map: side, step over (rows, columns), and cells of padding in all per axis."""

    size: int
    strides: tuple[int, int]
    padding: int

    def edges(self, inside: int, axis: int) -> list[tuple[int, int]]:
        """First cell of each window along an axis of `inside` cells, and the one after its last.

        Those at the border may lie outside.
        """
        stride, before = self.strides[axis], self.padding // 2
        count = output_size(inside, size=self.size, stride=stride, padding=self.padding)
        return [(i * stride - before, i * stride - before + self.size) for i in range(count)]

    def outputs(self, x: Tensor) -> tuple[int, int]:
        """Rows and columns of the pooled map."""
        rows, columns = (len(self.edges(int(x.shape[axis - 2]), axis)) for axis in (0, 1))
        return rows, columns

    def cells(self, x: Tensor) -> tuple[Cell, ...]:
        """The cells of the windows on a map, those outside of it left out; row by row within each window."""
        return _cells(self, int(x.shape[-2]), int(x.shape[-1]))

    def blocks(self, x: Tensor) -> tuple[Block, ...]:
        """The windows on a map in blocks of equal ones: a window at the border is a smaller window."""
        return _blocks(self, int(x.shape[-2]), int(x.shape[-1]))

    def counts(self, x: Tensor) -> Tensor:
        """(H', W'): how many cells of each window exist."""
        rows, columns = (
            x.new_tensor([min(stop, x.shape[axis - 2]) - max(0, start) for start, stop in edges])
            for axis, edges in enumerate((self.edges(x.shape[-2], 0), self.edges(x.shape[-1], 1)))
        )
        return rows.unsqueeze(1) * columns

    def maximum(self, x: Tensor) -> Tensor:
        """The greatest existing cell of each window."""
        if self.strides == (1, 1) and self.padding == self.size - 1:
            return greatest_around(x, size=self.size)
        padded, built_in = self._half_padded(x, -torch.inf)
        return F.max_pool2d(padded, self.size, self.strides, built_in)

    def mean(self, x: Tensor) -> Tensor:
        """The mean of the existing cells of each window."""
        padded, built_in = self._half_padded(x, 0.0)
        mean = self._mean(padded, built_in)
        if padded is x:
            return mean
        return mean / self._mean(self._half_padded(torch.ones_like(x[:1, :1]), 0.0)[0], built_in)

    def _mean(self, x: Tensor, padding: int) -> Tensor:
        """Existing cells alone count, in torch's padding."""
        if self.size < SEPARATE_FROM:
            return F.avg_pool2d(x, self.size, self.strides, padding, count_include_pad=False)
        down, across = self.strides
        rows = F.avg_pool2d(x, (1, self.size), (1, across), (0, padding), count_include_pad=False)
        return F.avg_pool2d(rows, (self.size, 1), (down, 1), (padding, 0), count_include_pad=False)

    def _half_padded(self, x: Tensor, value: float) -> tuple[Tensor, int]:
        """The map with what torch cannot pad, and what it can: at most half a window, alike on all sides."""
        built_in = min(self.padding // 2, self.size // 2)
        margins = tuple(max(0, margin - built_in) for margin in self.margins(x))
        return F.pad(x, margins, value=value) if any(margins) else x, built_in

    def margins(self, x: Tensor) -> tuple[int, int, int, int]:
        """Cells to add at the left, right, top and bottom; negative where cells are left over."""
        before = self.padding // 2
        sides = []
        for axis in (1, 0):
            stride, inside = self.strides[axis], int(x.shape[axis - 2])
            sides += [before, (self.outputs(x)[axis] - 1) * stride + self.size - before - inside]
        return tuple(sides)  # type: ignore[return-value]

    def pad(self, x: Tensor, value: float) -> Tensor:
        """The map with `value` outside, cut or filled so that the windows fit exactly."""
        margins = self.margins(x)
        return x if not any(margins) else F.pad(x, margins, value=value)

    def unpad(self, padded: Tensor, x_shape: torch.Size) -> Tensor:
        """The adjoint of `pad`: what lies outside of the map is dropped."""
        left, right, top, bottom = self.margins(torch.empty(x_shape, device="meta"))
        return F.pad(padded, (-left, -right, -top, -bottom))

    def kernel(self, padded: Tensor) -> tuple[int, int]:
        """Rows and columns of a window on the padded map."""
        return self.size, self.size

    def steps(self, padded: Tensor) -> tuple[int, int]:
        """Rows and columns between windows on the padded map."""
        return self.strides


@dataclass(frozen=True)
class BinGrid(Grid):
    """A count x count grid on a map of any size; `bin_edges` says which cells a bin covers.

    Padded, bins of different sizes are laid out as windows of the largest, filled up.
    """

    count: int = 1

    def edges(self, inside: int, axis: int) -> list[tuple[int, int]]:
        """None lies outside."""
        return [bin_edges(i, self.count, inside) for i in range(self.count)]

    def maximum(self, x: Tensor) -> Tensor:
        """The greatest cell of each bin."""
        if exporting():  # ONNX has no such bins; laid out they are windows
            laid_out = self.pad(x, -torch.inf)
            return F.max_pool2d(laid_out, self.kernel(laid_out), self.steps(laid_out))
        return F.adaptive_max_pool2d(x, self.count)

    def mean(self, x: Tensor) -> Tensor:
        """The mean of each bin."""
        return F.adaptive_avg_pool2d(x, self.count)

    def pad(self, x: Tensor, value: float) -> Tensor:
        """The bins side by side, each filled up with `value`."""
        (rows, there_y), (columns, there_x) = (self._layout(x.shape[axis], x.device) for axis in (-2, -1))
        laid_out = x.index_select(-2, rows).index_select(-1, columns)
        return torch.where(there_y.unsqueeze(1) & there_x, laid_out, value)

    def unpad(self, padded: Tensor, x_shape: torch.Size) -> Tensor:
        """Cells that lie in two bins get the sum of both."""
        (rows, there_y), (columns, there_x) = (self._layout(x_shape[i], padded.device) for i in (-2, -1))
        padded = torch.where(there_y.unsqueeze(1) & there_x, padded, 0.0)
        narrow = padded.new_zeros(*x_shape[:-1], padded.shape[-1])
        narrow.index_add_(-2, rows, padded)
        return padded.new_zeros(x_shape).index_add_(-1, columns, narrow)

    def kernel(self, padded: Tensor) -> tuple[int, int]:
        """The largest bin."""
        return padded.shape[-2] // self.count, padded.shape[-1] // self.count

    steps = kernel

    def _layout(self, inside: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """For each cell of the layout, which cell of the map it is, and whether it lies in its bin."""
        edges = self.edges(inside, 0)
        longest = max(stop - start for start, stop in edges)
        cells = [start + k for start, _ in edges for k in range(longest)]
        there = [start + k < stop for start, stop in edges for k in range(longest)]
        return torch.tensor(cells, device=device).clamp(max=inside - 1), torch.tensor(there, device=device)


@lru_cache(maxsize=256)
def _cells(grid: Grid, height: int, width: int) -> tuple[Cell, ...]:
    return cells_of(*((grid.edges(inside, axis), inside) for axis, inside in enumerate((height, width))))


@lru_cache(maxsize=256)
def _blocks(grid: Grid, height: int, width: int) -> tuple[Block, ...]:
    return blocks_of(*((grid.edges(inside, axis), inside) for axis, inside in enumerate((height, width))))


def strongest_of_every(x: Tensor, groups: int) -> Tensor:
    """(N, C, H, W) to (N, groups, H, W): g is the maximum of channels g, g + groups, g + 2 groups, ..."""
    return torch.stack([x[:, g::groups].amax(dim=1) for g in range(groups)], dim=1)
