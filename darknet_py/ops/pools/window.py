"""Windows on tensors: the cells that they cover, their maximum and mean, and padding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darknet_py.arithmetic.window import bin_edges, output_size
from darknet_py.ops.pools.maximum import max_pool_stride1
from darknet_py.ops.pools.parts import Sides, in_parts, recording
from darknet_py.ops.pools.places import Block, Cell, blocks_of, cells_of

SEPARATE_FROM = 5  # the size from which a mean of rows, then of columns, is faster than one of size² cells


@dataclass(frozen=True)
class Grid:
    """Square windows on a map: size, strides over (rows, columns), and the total padding of each axis."""

    size: int
    strides: tuple[int, int]
    padding: int

    def edges(self, inside: int, axis: int) -> list[tuple[int, int]]:
        """First cell of each window along an axis of `inside` cells, and the cell after its last.

        At the border these may lie outside of the map.
        """
        stride, before = self.strides[axis], self.padding // 2
        count = output_size(inside, size=self.size, stride=stride, padding=self.padding)
        return [(i * stride - before, i * stride - before + self.size) for i in range(count)]

    def outputs(self, x: Tensor) -> tuple[int, int]:
        """Rows and columns of the pooled map."""
        rows, columns = (len(self.edges(int(x.shape[axis - 2]), axis)) for axis in (0, 1))
        return rows, columns

    def cells(self, x: Tensor) -> tuple[Cell, ...]:
        """The cells of the windows, without those outside of the map; row by row within each window."""
        return _cells(self, int(x.shape[-2]), int(x.shape[-1]))

    def blocks(self, x: Tensor) -> tuple[Block, ...]:
        """The windows in blocks of equal size: a window at the border is a smaller window."""
        return _blocks(self, int(x.shape[-2]), int(x.shape[-1]))

    def counts(self, x: Tensor) -> Tensor:
        """(H', W'): how many cells of each window lie in the map."""
        rows, columns = (
            x.new_tensor([min(stop, x.shape[axis - 2]) - max(0, start) for start, stop in edges])
            for axis, edges in enumerate((self.edges(x.shape[-2], 0), self.edges(x.shape[-1], 1)))
        )
        return rows.unsqueeze(1) * columns

    def maximum(self, x: Tensor) -> Tensor:
        """The maximum of the cells of each window that lie in the map."""
        if self.around_each_cell:
            return max_pool_stride1(x, size=self.size)
        padded, built_in = self._half_padded(x, -torch.inf)
        return F.max_pool2d(padded, self.size, self.strides, built_in)

    @property
    def around_each_cell(self) -> bool:
        """Whether there is a window around every cell: stride 1 and the default padding."""
        return self.strides == (1, 1) and self.padding == self.size - 1

    def grown_maximum(self, x: Tensor, maxima: Tensor | None, known: int) -> Tensor:
        """The maximum around each cell, starting from the `maxima` of windows of `known`, if given."""
        return max_pool_stride1(x, size=self.size, maxima=maxima, known=known)

    def in_parts(
        self,
        pool: Callable[..., Tensor],
        x: Tensor,
        sides: Sides,
        *weights: Tensor,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Compute `pool(x, *weights)` one part of the map at a time; see `parts.in_parts`."""
        return in_parts(pool, x, sides, *weights, mask=mask)

    def mean(self, x: Tensor) -> Tensor:
        """The mean of the cells of each window that lie in the map."""
        padded, built_in = self._half_padded(x, 0.0)
        mean = self._mean(padded, built_in)
        if padded is x:
            return mean
        return mean / self._mean(self._half_padded(torch.ones_like(x[:1, :1]), 0.0)[0], built_in)

    def _mean(self, x: Tensor, padding: int) -> Tensor:
        """The mean without the cells of torch's own padding."""
        if self.size < SEPARATE_FROM:
            return F.avg_pool2d(x, self.size, self.strides, padding, count_include_pad=False)
        down, across = self.strides
        rows = F.avg_pool2d(x, (1, self.size), (1, across), (0, padding), count_include_pad=False)
        return F.avg_pool2d(rows, (self.size, 1), (down, 1), (padding, 0), count_include_pad=False)

    def _half_padded(self, x: Tensor, value: float) -> tuple[Tensor, int]:
        """The map padded by what torch cannot pad, and torch's part: at most half a window on every side."""
        built_in = min(self.padding // 2, self.size // 2)
        margins = tuple(max(0, margin - built_in) for margin in self.margins(x))
        return F.pad(x, margins, value=value) if any(margins) else x, built_in

    def margins(self, x: Tensor) -> tuple[int, int, int, int]:
        """Cells to add at the left, right, top and bottom; negative where cells are left over."""
        before = self.padding // 2
        bottom, right = (
            (count - 1) * stride + self.size - before - int(inside)
            for count, stride, inside in zip(self.outputs(x), self.strides, x.shape[-2:], strict=True)
        )
        return before, right, before, bottom

    def pad(self, x: Tensor, value: float) -> Tensor:
        """The map padded with `value`, or cropped, so that the windows fit exactly."""
        margins = self.margins(x)
        return x if not any(margins) else F.pad(x, margins, value=value)

    def unpad(self, padded: Tensor, x_shape: torch.Size) -> Tensor:
        """The adjoint of `pad`: cells outside of the map are dropped."""
        left, right, top, bottom = self.margins(torch.empty(x_shape, device="meta"))
        return F.pad(padded, (-left, -right, -top, -bottom))

    def kernel(self, padded: Tensor) -> tuple[int, int]:
        """Rows and columns of a window on the padded map."""
        return self.size, self.size

    def steps(self, padded: Tensor) -> tuple[int, int]:
        """Rows and columns between windows on the padded map."""
        return self.strides

    def unfolded(self, padded: Tensor) -> Tensor:
        """(N, C, H', W', rows of a window, columns of a window) of a padded map; a view outside of graphs."""
        (high, wide), (step_y, step_x) = self.kernel(padded), self.steps(padded)
        if not recording():
            return padded.unfold(2, high, step_y).unfold(3, wide, step_x)
        bottom, right = padded.shape[2] - high + 1, padded.shape[3] - wide + 1
        cells = [
            padded[:, :, y : bottom + y : step_y, x : right + x : step_x]
            for y in range(high)
            for x in range(wide)
        ]
        stacked = torch.stack(cells, dim=-1)
        return stacked.reshape(*stacked.shape[:-1], high, wide)


@dataclass(frozen=True)
class BinGrid(Grid):
    """A count x count grid on a map of any size; `bin_edges` defines the cells of a bin.

    Padded, bins of different sizes become windows of the largest size, filled up.
    """

    count: int = 1

    def edges(self, inside: int, axis: int) -> list[tuple[int, int]]:
        """Edges of each bin; all lie inside."""
        return [bin_edges(i, self.count, inside) for i in range(self.count)]

    def maximum(self, x: Tensor) -> Tensor:
        """The maximum of each bin; ONNX has no adaptive pools."""
        if recording():
            laid_out = self.pad(x, -torch.inf)
            return F.max_pool2d(laid_out, self.kernel(laid_out), self.steps(laid_out))
        return F.adaptive_max_pool2d(x, self.count)

    @property
    def around_each_cell(self) -> bool:
        """False: bins divide the map."""
        return False

    def mean(self, x: Tensor) -> Tensor:
        """The mean of each bin."""
        if recording():
            laid_out, cells = self.pad(x, 0.0), self.pad(torch.ones_like(x[:1, :1]), 0.0)
            kernel = self.kernel(laid_out)
            return F.avg_pool2d(laid_out, kernel) / F.avg_pool2d(cells, kernel)
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
        return int(padded.shape[-2]) // self.count, int(padded.shape[-1]) // self.count

    steps = kernel

    def _layout(self, inside: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """For each cell of the layout, its index in the map, and whether it lies in its bin."""
        edges = self.edges(inside, 0)
        longest = max(stop - start for start, stop in edges)
        cells = [start + k for start, _ in edges for k in range(longest)]
        there = [start + k < stop for start, stop in edges for k in range(longest)]
        return torch.tensor(cells, device=device).clamp(max=inside - 1), torch.tensor(there, device=device)


class WindowMaximum(nn.Module):
    """The maximum of each window of a grid."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return self.grid.maximum(x)


class MaxPoolStride1(nn.Module):
    """The maximum around each cell of a grid with stride 1.

    Args:
        known: the size of the smaller windows whose maxima `forward` gets, to start from; 1: none.
    """

    def __init__(self, grid: Grid, *, known: int = 1) -> None:
        super().__init__()
        self.grid, self.known = grid, known

    def forward(self, x: Tensor, maxima: Tensor | None = None) -> Tensor:
        """(N, C, H, W), and the maxima of smaller windows on it, to the same shape."""
        return self.grid.grown_maximum(x, maxima, self.known)


@lru_cache(maxsize=256)
def _cells(grid: Grid, height: int, width: int) -> tuple[Cell, ...]:
    return cells_of(*((grid.edges(inside, axis), inside) for axis, inside in enumerate((height, width))))


@lru_cache(maxsize=256)
def _blocks(grid: Grid, height: int, width: int) -> tuple[Block, ...]:
    return blocks_of(*((grid.edges(inside, axis), inside) for axis, inside in enumerate((height, width))))


def max_over_channels(x: Tensor, out_channels: int) -> Tensor:
    """(N, C, H, W) to (N, out_channels, H, W): g is the maximum of channels g, g + out_channels, ..."""
    return torch.stack([x[:, g::out_channels].amax(dim=1) for g in range(out_channels)], dim=1)
