"""Which loss teaches which head: one table, from what the cfg says to the function that computes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from darknet_py.layers.head import Head
from darknet_py.train.loss import HeadLoss, yolo_loss
from darknet_py.train.matched_loss import matched_losses
from darknet_py.train.truths import Truths

OF_ONE_HEAD: dict[str, Callable[..., HeadLoss]] = {"yolo": yolo_loss}


def trainable(heads: Sequence[Head]) -> bool:
    """Whether there is a loss for every head."""
    return bool(heads) and all(head.section in OF_ONE_HEAD for head in heads)


def losses_of(
    heads: Sequence[Head], raws: Sequence[Tensor], truths: Truths, net: tuple[int, int]
) -> list[HeadLoss]:
    """The gradient and the printed loss of every head.

    Heads whose `assigner` is Darknet's are taught one by one; the others share out the truths among them.

    Args:
        raws: (N, C, H, W) of each head, before its sigmoid.
        net: height and width of the network's input in pixels.
    """
    shared = [getattr(head, "assigner", "darknet") != "darknet" for head in heads]
    together = [pair for pair, one in zip(zip(heads, raws, strict=True), shared, strict=True) if one]
    matched = iter(matched_losses(together, truths, net) if together else ())
    return [
        next(matched) if one else OF_ONE_HEAD[head.section](head, raw, truths, net)
        for head, raw, one in zip(heads, raws, shared, strict=True)
    ]
