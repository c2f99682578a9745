"""The effective receptive field: how much each pixel influences a cell, within its receptive field.

Luo, Li, Urtasun and Zemel, "Understanding the effective receptive field in deep convolutional neural
networks", NIPS 2016, arXiv:1701.04128: the gradient of the middle cell with respect to the pixels. Here that
of the sum over its channels; `energy` is its square, summed over colours and averaged over images.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from darknet_py.graph.reach import clipped_fields
from darknet_py.model.network import Network

SHARES = (0.5, 0.95)
INCHES = 6.5


@dataclass(frozen=True)
class Effective:
    """The effective receptive field of one cell.

    Args:
        layer: its index, and `cell` the cell's row and column.
        rows, columns: first and last pixel that it can see, inside the image.
        energy: (H, W), adds up to 1.
        images: averaged over.
    """

    layer: int
    cell: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]
    energy: np.ndarray
    images: int

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column in the middle of the energy, in pixels."""
        rows, columns = (np.arange(side) for side in self.energy.shape)
        return float((self.energy.sum(axis=1) * rows).sum()), float((self.energy.sum(axis=0) * columns).sum())

    def radius(self, share: float) -> float:
        """The radius, in pixels, of the smallest disc around the centre with this share of the energy."""
        rows, columns = np.indices(self.energy.shape)
        distance = np.hypot(rows - self.centre[0], columns - self.centre[1]).ravel()
        order = np.argsort(distance, kind="stable")
        held = np.cumsum(self.energy.ravel()[order])
        return float(distance[order][min(int(np.searchsorted(held, share)), held.size - 1)])

    def to_json(self) -> dict[str, Any]:
        """Its figures; the words are stable."""
        return {
            "layer": self.layer,
            "cell": list(self.cell),
            "images": self.images,
            "rows": list(self.rows),
            "columns": list(self.columns),
            "centre": list(self.centre),
            "radius": {f"{100 * share:g}": self.radius(share) for share in SHARES},
        }


def effective(network: Network, images: Iterable[Tensor], layer: int) -> Effective | None:
    """Measure it on images, each (C, H, W) in 0..1; None where no pixel of any changes the cell."""
    network.eval().requires_grad_(requires_grad=False)
    shape = network.graph[layer].shape
    cell, count = (shape.height // 2, shape.width // 2), 0
    total: Tensor | None = None
    for image in images:
        pixels = image[None].clone().requires_grad_()
        middle = network.map_of(pixels, layer)[0, :, cell[0], cell[1]].sum()
        (gradient,) = torch.autograd.grad(middle, pixels, allow_unused=True)
        if gradient is not None:
            energy = gradient[0].double().square().sum(dim=0)
            total = energy if total is None else total + energy
        count += 1
    seen = clipped_fields(network.graph)[layer]
    rows, columns = seen.rows.of(cell[0]), seen.columns.of(cell[1])
    if total is None or not total.sum() > 0 or rows is None or columns is None:
        return None
    return Effective(layer, cell, rows, columns, (total / total.sum()).numpy(), count)


def picture(found: Effective, title: str) -> bytes:
    """A PNG: the gradient as brightness, discs that hold its energy, a frame around what can be seen."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle, Rectangle

    height, width = found.energy.shape
    figure = Figure(figsize=(INCHES, INCHES * height / width + 0.9), layout="constrained")
    axes = figure.subplots()
    gradient = np.sqrt(found.energy / found.energy.max())
    axes.imshow(gradient, cmap="inferno", interpolation="nearest")
    top, left = found.rows[0], found.columns[0]
    high, wide = found.rows[1] - top + 1, found.columns[1] - left + 1
    frame = Rectangle((left - 0.5, top - 0.5), wide, high, fill=False, color="white", linestyle="--")
    axes.add_patch(frame)
    row, column = found.centre
    discs = [
        Circle((column, row), found.radius(share), fill=False, linewidth=1.6, color=colour)
        for share, colour in zip(SHARES, ("deepskyblue", "limegreen"), strict=True)
    ]
    for disc in discs:
        axes.add_patch(disc)
    words = [f"{100 * share:g} % of the energy: {found.radius(share):.0f} pixels" for share in SHARES]
    labels = [f"can be seen: {high} x {wide} pixels", *words]
    legend = axes.legend([frame, *discs], labels, loc="upper left", fontsize=8, facecolor="#333333")
    for text in legend.get_texts():
        text.set_color("white")
    axes.set(title=title, xlabel="columns of the image", ylabel="rows")
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=110, metadata={"Software": None})
    return target.getvalue()
