"""Windows on tensors: padding, and the shifted views of a map that hold one cell of every window each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darknet_py.arithmetic.window import output_size


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

    def shifts(self, padded: Tensor) -> Iterator[Tensor]:
        """For each cell of the window, row by row, a view (N, C, H', W') of that cell in every window."""
        for slices in self.slices(padded):
            yield padded[slices]

    def slices(self, padded: Tensor) -> Iterator[tuple[slice | type(Ellipsis), ...]]:  # type: ignore[valid-type]
        """Where those views lie in the padded map."""
        step_y, step_x = self.strides
        rows = (int(padded.shape[-2]) - self.size) // step_y + 1
        columns = (int(padded.shape[-1]) - self.size) // step_x + 1
        for dy in range(self.size):
            for dx in range(self.size):
                yield (
                    ...,
                    slice(dy, dy + (rows - 1) * step_y + 1, step_y),
                    slice(dx, dx + (columns - 1) * step_x + 1, step_x),
                )

    def maximum(self, x: Tensor) -> Tensor:
        """The greatest existing cell of each window."""
        return F.max_pool2d(self.pad(x, -torch.inf), self.size, self.strides)

    def mean(self, x: Tensor) -> Tensor:
        """The mean of the existing cells of each window."""
        return self.partial_mean(x) / self.partial_mean(torch.ones_like(x[:1, :1]))

    def partial_mean(self, x: Tensor) -> Tensor:
        """The sum of the existing cells of each window over size²."""
        return F.avg_pool2d(self.pad(x, 0.0), self.size, self.strides)


class Pool(nn.Module):
    """A pool without parameters and without randomness: a function of the map."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return self.function(x)


def strongest_of_every(x: Tensor, groups: int) -> Tensor:
    """(N, C, H, W) to (N, groups, H, W): g is the maximum of channels g, g + groups, g + 2 groups, ..."""
    return torch.stack([x[:, g::groups].amax(dim=1) for g in range(groups)], dim=1)
