"""Convolutions that use the weights of another."""

from __future__ import annotations

from torch import nn


def share(borrower: nn.Module, lender: nn.Module) -> None:
    """Give a convolution the very weights, biases and batch normalisation of another."""
    borrower.conv.weight = lender.conv.weight
    if hasattr(borrower, "norm"):
        borrower.norm = lender.norm
    else:
        borrower.conv.bias = lender.conv.bias
