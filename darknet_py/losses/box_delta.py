"""Darknet's gradients of boxes, with its quirks.

All of it is what AlexeyAB's Darknet computes, not the exact derivative of the named loss: width and height
lack a factor of 1/2, the distance term has its own sign, CIoU's aspect term lacks 1 / (w² + h²), and an
overlap of two negative extents counts. Deltas are ascent directions, -dLoss/d(output).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

ASPECT = 8 / math.pi**2


@dataclass(frozen=True)
class Edges:
    """Top, bottom, left and right of boxes, (P,) each."""

    top: Tensor
    bottom: Tensor
    left: Tensor
    right: Tensor

    @classmethod
    def of(cls, boxes_cxcywh: Tensor) -> Edges:
        """Of boxes (P, 4)."""
        x, y, w, h = boxes_cxcywh.unbind(-1)
        return cls(y - h / 2, y + h / 2, x - w / 2, x + w / 2)


def iou_delta(kind: str, predicted_cxcywh: Tensor, true_cxcywh: Tensor) -> Tensor:
    """The gradient of IoU, GIoU, DIoU or CIoU by x, y, w, h, as Darknet takes it.

    Args:
        kind: iou, giou, diou or ciou.
        predicted_cxcywh: (P, 4); sides of 0 are taken for 1.
        true_cxcywh: (P, 4).

    Returns:
        (P, 4).
    """
    predicted = predicted_cxcywh.clone()
    predicted[:, 2:] = torch.where(predicted[:, 2:] == 0, 1.0, predicted[:, 2:])
    p, t = Edges.of(predicted), Edges.of(true_cxcywh)
    edges, iou, disjoint = _overlap(p, t, kind)
    top, bottom, left, right = edges.unbind(-1)
    delta = torch.stack([left + right, top + bottom, right - left, bottom - top], dim=-1)
    if kind in ("diou", "ciou"):
        delta = _with_distance(delta, predicted, true_cxcywh, p, t, disjoint)
    if kind == "ciou":
        delta = _with_aspect(delta, predicted, true_cxcywh, iou)
    return delta


def _overlap(p: Edges, t: Edges, kind: str) -> tuple[Tensor, Tensor, Tensor]:
    """Gradient by the four edges (P, 4), IoU with Darknet's overlap (P,), and where boxes are disjoint."""
    width = torch.minimum(p.right, t.right) - torch.maximum(p.left, t.left)
    height = torch.minimum(p.bottom, t.bottom) - torch.maximum(p.top, t.top)
    p_width, p_height = p.right - p.left, p.bottom - p.top
    area = p_width * p_height
    inter = width * height
    union = area + (t.right - t.left) * (t.bottom - t.top) - inter
    nothing = torch.zeros_like(inter)
    d_inter = torch.stack(
        [
            torch.where(p.top > t.top, -width, nothing),
            torch.where(p.bottom < t.bottom, width, nothing),
            torch.where(p.left > t.left, -height, nothing),
            torch.where(p.right < t.right, height, nothing),
        ],
        dim=-1,
    )
    d_area = torch.stack([-p_width, p_width, -p_height, p_height], dim=-1)
    d_union = d_area - d_inter
    u, i = union.unsqueeze(-1), inter.unsqueeze(-1)
    edges = torch.where(u > 0, (u * d_inter - i * d_union) / (u * u), torch.zeros_like(d_inter))
    disjoint = (width <= 0) | (height <= 0)
    if kind == "giou":
        edges = _with_enclosure(edges, p, t, u, d_union, disjoint)
    return edges, inter / union, disjoint


def _with_enclosure(
    edges: Tensor, p: Edges, t: Edges, u: Tensor, d_union: Tensor, disjoint: Tensor
) -> Tensor:
    width, height = _enclosing(p, t)
    nothing = torch.zeros_like(width)
    d_hull = torch.stack(
        [
            torch.where(p.top < t.top, -width, nothing),
            torch.where(p.bottom > t.bottom, width, nothing),
            torch.where(p.left < t.left, -height, nothing),
            torch.where(p.right > t.right, height, nothing),
        ],
        dim=-1,
    )
    hull = (width * height).unsqueeze(-1)
    term = torch.where(hull > 0, (hull * d_union - u * d_hull) / (hull * hull), torch.zeros_like(d_hull))
    return torch.where(disjoint.unsqueeze(-1), term, edges + term)


def _enclosing(p: Edges, t: Edges) -> tuple[Tensor, Tensor]:
    width = torch.maximum(p.right, t.right) - torch.minimum(p.left, t.left)
    height = torch.maximum(p.bottom, t.bottom) - torch.minimum(p.top, t.top)
    return width, height


def _with_distance(
    delta: Tensor, predicted: Tensor, true: Tensor, p: Edges, t: Edges, disjoint: Tensor
) -> Tensor:
    width, height = _enclosing(p, t)
    square = ((predicted[:, :2] - true[:, :2]) ** 2).sum(-1, keepdim=True)
    diagonal = (width**2 + height**2).unsqueeze(-1)
    sides = torch.stack([width, height], dim=-1)
    beyond = torch.stack([p.right > t.right, p.bottom > t.bottom], dim=-1).to(delta.dtype)
    before = torch.stack([p.left < t.left, p.top < t.top], dim=-1).to(delta.dtype)
    by_place, by_size = beyond - before, 0.5 * (beyond + before)
    offset = 2 * (true[:, :2] - predicted[:, :2])
    place = (offset * diagonal - 2 * sides * by_place * square) / diagonal**2
    size = 2 * sides * by_size * square / diagonal**2
    term = torch.where(diagonal > 0, torch.cat([place, size], dim=-1), torch.zeros_like(delta))
    return torch.where(disjoint.unsqueeze(-1) & (diagonal > 0), term, delta + term)


def _with_aspect(delta: Tensor, predicted: Tensor, true: Tensor, iou: Tensor) -> Tensor:
    width, height = predicted[:, 2], predicted[:, 3]
    turn = torch.atan(true[:, 2] / true[:, 3]) - torch.atan(width / height)
    v = 4 / math.pi**2 * turn**2
    alpha = v / (1 - iou + v + 1e-6)
    slope = alpha * ASPECT * turn
    return delta + torch.stack(
        [torch.zeros_like(slope), torch.zeros_like(slope), slope * height, -slope * width], dim=-1
    )
