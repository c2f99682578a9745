"""The loss of each kind of head: a table from the section to the function that computes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from darknet_py.layers.heads.head import Head
from darknet_py.layers.heads.yolo import SHARING, Yolo
from darknet_py.losses.base import HeadLoss
from darknet_py.losses.gaussian import gaussian_loss
from darknet_py.losses.matched import matched_losses
from darknet_py.losses.region import region_loss
from darknet_py.losses.truths import Truths
from darknet_py.losses.yolo import yolo_loss

OF_ONE_HEAD: dict[str, Callable[..., HeadLoss]] = {
    "yolo": yolo_loss,
    "Gaussian_yolo": gaussian_loss,
    "region": region_loss,
}


def has_loss(heads: Sequence[Head]) -> bool:
    """Whether there is a loss for every head."""
    return bool(heads) and all(head.section in OF_ONE_HEAD for head in heads)


def losses_of(
    heads: Sequence[Head], raws: Sequence[Tensor], truths: Truths, net: tuple[int, int], *, seen: int = 0
) -> list[HeadLoss]:
    """The gradient and the printed loss of every head.

    Heads whose `assigner` is Darknet's have a loss each; those with another assigner have one loss together.
    The loss of a head with `onlyforward` is 0.

    Args:
        raws: (N, C, H, W) of each head, before its sigmoid.
        net: height and width of the network's input in pixels.
        seen: images trained on, those of this iteration among them.
    """
    found: dict[int, HeadLoss] = {}
    for assigner in SHARING:
        members = {
            k: (head, raw)
            for k, (head, raw) in enumerate(zip(heads, raws, strict=True))
            if isinstance(head, Yolo) and head.assigner == assigner and not head.onlyforward
        }
        if members:
            found |= zip(members, matched_losses(list(members.values()), truths, net), strict=True)
    pairs = zip(heads, raws, strict=True)
    return [found.get(k) or _of_one(*pair, truths, net, seen) for k, pair in enumerate(pairs)]


def _of_one(head: Head, raw: Tensor, truths: Truths, net: tuple[int, int], seen: int) -> HeadLoss:
    if head.onlyforward:
        return HeadLoss(torch.zeros_like(raw), raw.new_zeros(()))
    return OF_ONE_HEAD[head.section](head, raw, truths, net, seen=seen)
