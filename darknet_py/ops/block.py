"""Weighted modules with their batch normalisation and activation, in sequence.

The names of the parts (`conv`, `linear`, `norm`, `act`) are those of the tensors in checkpoints. A part that
a layer does not have takes no name.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

EPSILON = 1e-5  # AlexeyAB's Darknet: sqrt(variance + 1e-5)
MOMENTUM = 0.01  # Darknet on a GPU: running = .99 running + .01 batch


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """torch's batch normalisation with Darknet's constants."""
    return nn.BatchNorm2d(channels, eps=EPSILON, momentum=MOMENTUM)


def norm_arrays(norm: nn.BatchNorm2d) -> Iterator[tuple[str, Tensor]]:
    """Scales, running means and running variances, as a `.weights` file has them after the biases."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    yield "scales", norm.weight
    yield "means", norm.running_mean
    yield "variances", norm.running_var


class ConvBlock(nn.Sequential):
    """A convolution, or a transposed one; batch normalisation and an activation where there are any."""

    conv: nn.Conv2d | nn.ConvTranspose2d
    norm: nn.BatchNorm2d | None

    def __init__(
        self,
        conv: nn.Conv2d | nn.ConvTranspose2d,
        norm: nn.BatchNorm2d | None,
        act: nn.Module | None,
    ) -> None:
        super().__init__()
        self.conv = conv
        self.norm = norm
        if act is not None:
            self.act = act

    @property
    def biases(self) -> Tensor:
        """The beta of batch normalisation, or the convolution's own biases."""
        return _biases(self.norm or self.conv)

    def share_weights_of(self, source: ConvBlock) -> None:
        """Use the very weights, biases and batch normalisation of another block."""
        self.conv.weight = source.conv.weight
        if self.norm is not None:
            self.norm = source.norm
        else:
            self.conv.bias = source.conv.bias


class LinearBlock(nn.Sequential):
    """A linear layer on the flattened map; batch normalisation and an activation where there are any."""

    linear: nn.Linear
    norm: nn.BatchNorm2d | None

    def __init__(self, linear: nn.Linear, norm: nn.BatchNorm2d | None, act: nn.Module | None) -> None:
        super().__init__()
        self.flat = nn.Flatten()
        self.linear = linear
        self.map = nn.Unflatten(1, (linear.out_features, 1, 1))
        self.norm = norm
        if act is not None:
            self.act = act

    @property
    def biases(self) -> Tensor:
        """The beta of batch normalisation, or the linear layer's own biases."""
        return _biases(self.norm or self.linear)


def _biases(module: nn.BatchNorm2d | nn.Conv2d | nn.ConvTranspose2d | nn.Linear) -> Tensor:
    assert module.bias is not None
    return module.bias
