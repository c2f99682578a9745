"""Boxes: the formats, and how much two of them overlap.

Three formats, named in every variable: `boxes_xyxy` (left, top, right, bottom), `boxes_cxcywh` (centre and
size, as Darknet holds them) and `boxes_xywh` (corner and size, as COCO writes them). The unit is the
caller's.
"""

from __future__ import annotations

import torch
from torch import Tensor


def xyxy_from_cxcywh(boxes_cxcywh: Tensor) -> Tensor:
    """Corners of boxes given by centre and size.

    >>> xyxy_from_cxcywh(torch.tensor([[5.0, 5.0, 4.0, 2.0]])).tolist()
    [[3.0, 4.0, 7.0, 6.0]]
    """
    centre, size = boxes_cxcywh[..., :2], boxes_cxcywh[..., 2:]
    return torch.cat([centre - size / 2, centre + size / 2], dim=-1)


def cxcywh_from_xyxy(boxes_xyxy: Tensor) -> Tensor:
    """Centre and size of boxes given by corners.

    >>> cxcywh_from_xyxy(torch.tensor([[3.0, 4.0, 7.0, 6.0]])).tolist()
    [[5.0, 5.0, 4.0, 2.0]]
    """
    low, high = boxes_xyxy[..., :2], boxes_xyxy[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def xywh_from_xyxy(boxes_xyxy: Tensor) -> Tensor:
    """Corner and size (COCO) of boxes given by corners.

    >>> xywh_from_xyxy(torch.tensor([[3.0, 4.0, 7.0, 6.0]])).tolist()
    [[3.0, 4.0, 4.0, 2.0]]
    """
    low, high = boxes_xyxy[..., :2], boxes_xyxy[..., 2:]
    return torch.cat([low, high - low], dim=-1)


def xyxy_from_xywh(boxes_xywh: Tensor) -> Tensor:
    """Corners of boxes given by corner and size (COCO).

    >>> xyxy_from_xywh(torch.tensor([[3.0, 4.0, 4.0, 2.0]])).tolist()
    [[3.0, 4.0, 7.0, 6.0]]
    """
    low, size = boxes_xywh[..., :2], boxes_xywh[..., 2:]
    return torch.cat([low, low + size], dim=-1)


def cxcywh_from_xywh(boxes_xywh: Tensor) -> Tensor:
    """Centre and size of boxes given by corner and size (COCO).

    >>> cxcywh_from_xywh(torch.tensor([[3.0, 4.0, 4.0, 2.0]])).tolist()
    [[5.0, 5.0, 4.0, 2.0]]
    """
    low, size = boxes_xywh[..., :2], boxes_xywh[..., 2:]
    return torch.cat([low + size / 2, size], dim=-1)


def xywh_from_cxcywh(boxes_cxcywh: Tensor) -> Tensor:
    """Corner and size (COCO) of boxes given by centre and size.

    >>> xywh_from_cxcywh(torch.tensor([[5.0, 5.0, 4.0, 2.0]])).tolist()
    [[3.0, 4.0, 4.0, 2.0]]
    """
    centre, size = boxes_cxcywh[..., :2], boxes_cxcywh[..., 2:]
    return torch.cat([centre - size / 2, size], dim=-1)


def clip(boxes_xyxy_px: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes cut to an image of `size` (height, width); a box outside becomes an empty one on the border.

    >>> clip(torch.tensor([[-3.0, 4.0, 70.0, 6.0]]), (20, 30)).tolist()
    [[0.0, 4.0, 30.0, 6.0]]
    """
    height, width = size
    return boxes_xyxy_px.clamp(min=0).minimum(boxes_xyxy_px.new_tensor([width, height, width, height]))


def iou(a_xyxy: Tensor, b_xyxy: Tensor) -> Tensor:
    """Intersection over union of every box of `a` with every box of `b`.

    It is 0 where the intersection or the union is 0, as in Darknet's `box_iou`.

    >>> iou(torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0]])).item()
    0.3333333432674408

    Args:
        a_xyxy: (..., A, 4); leading dimensions, such as images, must agree with those of `b`.
        b_xyxy: (..., B, 4).

    Returns:
        (..., A, B), 0..1.
    """
    low = torch.maximum(a_xyxy[..., :, None, :2], b_xyxy[..., None, :, :2])
    high = torch.minimum(a_xyxy[..., :, None, 2:], b_xyxy[..., None, :, 2:])
    intersection = (high - low).clamp_(min=0).prod(dim=-1)
    union = area(a_xyxy)[..., :, None] + area(b_xyxy)[..., None, :] - intersection
    return torch.where((intersection > 0) & (union > 0), intersection / union, 0)


def iou_of_pairs(a_xyxy: Tensor, b_xyxy: Tensor) -> Tensor:
    """IoU of each box of `a` with its partner in `b`: (P, 4), (P, 4) to (P,).

    >>> iou_of_pairs(torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0]])).tolist()
    [0.3333333432674408]
    """
    return iou(a_xyxy.unsqueeze(1), b_xyxy.unsqueeze(1)).flatten()


def area(boxes_xyxy: Tensor) -> Tensor:
    """Area of each box, in the square of its unit.

    >>> area(torch.tensor([[3.0, 4.0, 7.0, 6.0]])).tolist()
    [8.0]
    """
    return (boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]).prod(dim=-1)


def centre_distance(a_xyxy: Tensor, b_xyxy: Tensor) -> Tensor:
    """How far apart two boxes are: d²/c², for every box of `a` with every box of `b`.

    d is the distance of the centres, c the diagonal of the smallest box around both; 0 where c is 0.
    Source: Zheng et al., "Distance-IoU Loss", AAAI 2020, arXiv:1911.08287.

    Returns:
        (A, B), 0..1. Unlike IoU, it changes when x and y are scaled differently.
    """
    a, b = a_xyxy[:, None], b_xyxy[None]
    span = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    offset = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    diagonal = span.square().sum(dim=-1)
    return torch.where(diagonal > 0, offset.square().sum(dim=-1) / diagonal, 0)


def distance_iou(a_xyxy: Tensor, b_xyxy: Tensor, *, beta: float = 1.0) -> Tensor:
    """IoU less the centre distance: IoU - (d²/c²)^beta. `beta` = 1 is the paper's DIoU.

    Returns:
        (A, B), -1..1.
    """
    return iou(a_xyxy, b_xyxy) - centre_distance(a_xyxy, b_xyxy) ** beta
