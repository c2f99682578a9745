"""The loss of a classifier: the cross entropy of its last [softmax]."""

from __future__ import annotations

import torch
from torch import Tensor


def cross_entropy(logits: Tensor, labels: Tensor, shares: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Sum over images of -sum(t log p), in float32 at least.

    Darknet's smoothing gives each of the other K - 1 classes smoothing / (K - 1) of a label's share.

    Args:
        logits: (N, K).
        labels: (N, T), class indices; -1 where there is none.
        shares: (N, T), of each label in the truth; they add up to 1 for each image.
    """
    exact = logits if logits.dtype == torch.float64 else logits.float()
    logp = exact.log_softmax(dim=1)
    others = logits.shape[1] - 1
    given = shares.to(logp.dtype) * (labels >= 0)
    truth = torch.zeros_like(logp).scatter_add(1, labels.clamp(min=0), given)
    if smoothing and others:
        truth = truth * (1 - smoothing) + (1 - truth) * (smoothing / others)
    return -(truth * logp).sum()
