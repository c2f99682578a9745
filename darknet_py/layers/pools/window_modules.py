"""Windows on tensors: padding, and the shifted views of a map that hold one cell of every window each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from darknet_py.arithmetic.window import bin_edges, output_size


@dataclass(frozen=True)
class Grid:
    """Square windows on a map: side, step over (rows, columns), and cells of padding in all per axis."""

    size: int
    strides: tuple[int, int]
    padding: int

    def outputs(self, x: Tensor) -> tuple[int, int]:
        """Rows and columns of the pooled map."""
        rows, columns = (
            output_size(int(inside), size=self.size, stride=stride, padding=self.padding)
            for inside, stride in zip(x.shape[-2:], self.strides, strict=True)
        )
        return rows, columns

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

    def shifts(self, padded: Tensor) -> Iterator[Tensor]:
        """For each cell of the window, row by row, a view (N, C, H', W') of that cell in every window."""
        for slices in self.slices(padded):
            yield padded[slices]

    def slices(self, padded: Tensor) -> Iterator[tuple[slice | type(Ellipsis), ...]]:  # type: ignore[valid-type]
        """Where those views lie in the padded map."""
        (high, wide), (step_y, step_x) = self.kernel(padded), self.steps(padded)
        rows = (int(padded.shape[-2]) - high) // step_y + 1
        columns = (int(padded.shape[-1]) - wide) // step_x + 1
        for dy in range(high):
            for dx in range(wide):
                yield (
                    ...,
                    slice(dy, dy + (rows - 1) * step_y + 1, step_y),
                    slice(dx, dx + (columns - 1) * step_x + 1, step_x),
                )

    def maximum(self, x: Tensor) -> Tensor:
        """The greatest existing cell of each window."""
        padded = self.pad(x, -torch.inf)
        return F.max_pool2d(padded, self.kernel(padded), self.steps(padded))

    def mean(self, x: Tensor) -> Tensor:
        """The mean of the existing cells of each window."""
        return self.partial_mean(x) / self.partial_mean(torch.ones_like(x[:1, :1]))

    def partial_mean(self, x: Tensor) -> Tensor:
        """The sum of the existing cells of each window over the cells of a whole window."""
        padded = self.pad(x, 0.0)
        return F.avg_pool2d(padded, self.kernel(padded), self.steps(padded))


@dataclass(frozen=True)
class Bins(Grid):
    """A count x count grid on a map of any size; `bin_edges` says which cells a bin covers.

    Bins of different sizes are laid out as windows of the largest; cells beyond a bin count as outside.
    """

    count: int = 1

    def outputs(self, x: Tensor) -> tuple[int, int]:
        """The same for every map."""
        return self.count, self.count

    def pad(self, x: Tensor, value: float) -> Tensor:
        """The bins side by side, each filled up with `value`."""
        (rows, there_y), (columns, there_x) = (self._cells(x.shape[axis], x.device) for axis in (-2, -1))
        laid_out = x.index_select(-2, rows).index_select(-1, columns)
        return torch.where(there_y.unsqueeze(1) & there_x, laid_out, value)

    def unpad(self, padded: Tensor, x_shape: torch.Size) -> Tensor:
        """Cells that lie in two bins get the sum of both."""
        (rows, there_y), (columns, there_x) = (self._cells(x_shape[axis], padded.device) for axis in (-2, -1))
        padded = torch.where(there_y.unsqueeze(1) & there_x, padded, 0.0)
        narrow = padded.new_zeros(*x_shape[:-1], padded.shape[-1])
        narrow.index_add_(-2, rows, padded)
        return padded.new_zeros(x_shape).index_add_(-1, columns, narrow)

    def kernel(self, padded: Tensor) -> tuple[int, int]:
        """The largest bin."""
        return padded.shape[-2] // self.count, padded.shape[-1] // self.count

    steps = kernel

    def _cells(self, inside: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """For each cell of the layout, which cell of the map it is, and whether it lies in its bin."""
        edges = [bin_edges(i, self.count, inside) for i in range(self.count)]
        longest = max(stop - start for start, stop in edges)
        cells = [start + k for start, _ in edges for k in range(longest)]
        there = [start + k < stop for start, stop in edges for k in range(longest)]
        return torch.tensor(cells, device=device).clamp(max=inside - 1), torch.tensor(there, device=device)


def strongest_of_every(x: Tensor, groups: int) -> Tensor:
    """(N, C, H, W) to (N, groups, H, W): g is the maximum of channels g, g + groups, g + 2 groups, ..."""
    return torch.stack([x[:, g::groups].amax(dim=1) for g in range(groups)], dim=1)
