"""Boxes: the formats, and how much two of them overlap.

Three formats, named in every variable: `boxes_xyxy` (left, top, right, bottom), `boxes_cxcywh` (centre and
size, as Darknet holds them) and `boxes_xywh` (corner and size, as COCO writes them). The unit is the
caller's. Formats are of numpy arrays or of tensors, overlaps of tensors, for the losses; torch is imported
for tensors alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

Floats: TypeAlias = "npt.NDArray[np.floating[Any]]"
BoxesT = TypeVar("BoxesT", Floats, "Tensor")


def xyxy_from_cxcywh(boxes_cxcywh: BoxesT) -> BoxesT:
    """Corners of boxes given by centre and size.

    >>> xyxy_from_cxcywh(np.array([[5.0, 5.0, 4.0, 2.0]])).tolist()
    [[3.0, 4.0, 7.0, 6.0]]
    """
    centre, size = boxes_cxcywh[..., :2], boxes_cxcywh[..., 2:]
    return _joined(centre - size / 2, centre + size / 2)


def cxcywh_from_xyxy(boxes_xyxy: BoxesT) -> BoxesT:
    """Centre and size of boxes given by corners.

    >>> cxcywh_from_xyxy(np.array([[3.0, 4.0, 7.0, 6.0]])).tolist()
    [[5.0, 5.0, 4.0, 2.0]]
    """
    low, high = boxes_xyxy[..., :2], boxes_xyxy[..., 2:]
    return _joined((low + high) / 2, high - low)


def xywh_from_xyxy(boxes_xyxy: BoxesT) -> BoxesT:
    """Corner and size (COCO) of boxes given by corners.

    >>> xywh_from_xyxy(np.array([[3.0, 4.0, 7.0, 6.0]])).tolist()
    [[3.0, 4.0, 4.0, 2.0]]
    """
    low, high = boxes_xyxy[..., :2], boxes_xyxy[..., 2:]
    return _joined(low, high - low)


def xyxy_from_xywh(boxes_xywh: BoxesT) -> BoxesT:
    """Corners of boxes given by corner and size (COCO).

    >>> xyxy_from_xywh(np.array([[3.0, 4.0, 4.0, 2.0]])).tolist()
    [[3.0, 4.0, 7.0, 6.0]]
    """
    low, size = boxes_xywh[..., :2], boxes_xywh[..., 2:]
    return _joined(low, low + size)


def cxcywh_from_xywh(boxes_xywh: BoxesT) -> BoxesT:
    """Centre and size of boxes given by corner and size (COCO).

    >>> cxcywh_from_xywh(np.array([[3.0, 4.0, 4.0, 2.0]])).tolist()
    [[5.0, 5.0, 4.0, 2.0]]
    """
    low, size = boxes_xywh[..., :2], boxes_xywh[..., 2:]
    return _joined(low + size / 2, size)


def xywh_from_cxcywh(boxes_cxcywh: BoxesT) -> BoxesT:
    """Corner and size (COCO) of boxes given by centre and size.

    >>> xywh_from_cxcywh(np.array([[5.0, 5.0, 4.0, 2.0]])).tolist()
    [[3.0, 4.0, 4.0, 2.0]]
    """
    centre, size = boxes_cxcywh[..., :2], boxes_cxcywh[..., 2:]
    return _joined(centre - size / 2, size)


def _joined(first: BoxesT, last: BoxesT) -> BoxesT:
    """Two halves of boxes, (..., 2) each, as (..., 4)."""
    if isinstance(first, np.ndarray):
        return np.concatenate([first, last], axis=-1)
    import torch

    return torch.cat([first, last], dim=-1)


def clip(boxes_xyxy_px: Floats, size: tuple[int, int]) -> Floats:
    """Boxes cut to an image of `size` (height, width); a box outside becomes an empty one on the border.

    >>> clip(np.array([[-3.0, 4.0, 70.0, 6.0]]), (20, 30)).tolist()
    [[0.0, 4.0, 30.0, 6.0]]
    """
    height, width = size
    return boxes_xyxy_px.clip(0, np.array([width, height, width, height], boxes_xyxy_px.dtype))


def iou(a_xyxy: Tensor, b_xyxy: Tensor) -> Tensor:
    """Intersection over union of every box of `a` with every box of `b`.

    It is 0 where the intersection or the union is 0, as in Darknet's `box_iou`.

    >>> import torch
    >>> iou(torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0]])).item()
    0.3333333432674408

    Args:
        a_xyxy: (..., A, 4); leading dimensions, such as images, must agree with those of `b`.
        b_xyxy: (..., B, 4).

    Returns:
        (..., A, B), 0..1.
    """
    import torch

    low = torch.maximum(a_xyxy[..., :, None, :2], b_xyxy[..., None, :, :2])
    high = torch.minimum(a_xyxy[..., :, None, 2:], b_xyxy[..., None, :, 2:])
    intersection = (high - low).clamp_(min=0).prod(dim=-1)
    union = area(a_xyxy)[..., :, None] + area(b_xyxy)[..., None, :] - intersection
    return torch.where((intersection > 0) & (union > 0), intersection / union, 0)


def iou_of_pairs(a_xyxy: Tensor, b_xyxy: Tensor) -> Tensor:
    """IoU of each box of `a` with its partner in `b`: (P, 4), (P, 4) to (P,).

    >>> import torch
    >>> iou_of_pairs(torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0]])).tolist()
    [0.3333333432674408]
    """
    return iou(a_xyxy.unsqueeze(1), b_xyxy.unsqueeze(1)).flatten()


def area(boxes_xyxy: Tensor) -> Tensor:
    """Area of each box, in the square of its unit.

    >>> import torch
    >>> area(torch.tensor([[3.0, 4.0, 7.0, 6.0]])).tolist()
    [8.0]
    """
    return (boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]).prod(dim=-1)
