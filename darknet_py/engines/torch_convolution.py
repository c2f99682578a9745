"""Convolutions for inference: batch normalisation folded in, on a CPU packed for oneDNN and fused.

oneDNN reads weights in a layout of its own. torch converts them at every call; here it is done once. The
activation is computed while the result is still in the cache. torch has both for its compiler, under private
names, so they are tried out before they are used; without them a convolution is torch's ordinary one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from darknet_py.ops.block import ConvBlock

Step = Callable[..., Tensor]
Fused = tuple[str, list[float]]  # an activation as oneDNN's attribute, and its numbers
NONE: Fused = ("none", [])


def folded(block: ConvBlock) -> tuple[Tensor, Tensor]:
    """Weights and biases of a block with its batch normalisation, in evaluation, folded into them."""
    conv, norm = block.conv, block.norm
    biases = block.biases.detach()
    if norm is None:
        return conv.weight.detach(), biases
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = (norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()).detach()
    shift = biases.double() - norm.running_mean.double() * scale
    shape = [-1 if axis == int(conv.transposed) else 1 for axis in range(4)]
    return conv.weight.detach() * scale.float().view(shape), shift.float()


def convolution(block: ConvBlock) -> Step:
    """A block as a function of its map, which holds weights of its own."""
    weights, biases = folded(block)
    conv = block.conv
    assert not isinstance(conv.padding, str)
    if isinstance(conv, nn.ConvTranspose2d):
        plain: Step = partial(
            functional.conv_transpose2d,
            weight=weights,
            bias=biases,
            stride=conv.stride,
            padding=conv.padding,
            output_padding=conv.output_padding,
            groups=conv.groups,
            dilation=conv.dilation,
        )
        return _activated(plain, block)
    geometry = (conv.stride, conv.padding, conv.dilation, conv.groups)
    fused = fused_form(getattr(block, "act", None))
    weights = weights.contiguous(memory_format=torch.channels_last)
    if weights.device.type == "cpu" and packs():
        packed = partial(_packed, _pack(weights, *geometry), biases, geometry)
        return partial(packed, fused) if fused else _activated(partial(packed, NONE), block)
    return _activated(lambda x: functional.conv2d(x, weights, biases, *geometry), block)


def fused_form(act: nn.Module | None) -> Fused | None:
    """An activation as oneDNN computes it with a convolution, if it does, and as exactly as torch does."""
    if act is None:
        return NONE
    if type(act) is nn.LeakyReLU:
        return "leaky", [act.negative_slope]
    if type(act) is nn.ReLU:
        return "relu", []
    if type(act) is nn.Hardtanh or type(act) is nn.ReLU6:
        return "hardtanh", [float(act.min_val), float(act.max_val)]
    return ("swish", []) if type(act) is nn.SiLU else None


def _activated(plain: Step, block: ConvBlock) -> Step:
    act = getattr(block, "act", None)
    if act is None:
        return plain
    return lambda x: act(plain(x))


def _pack(weights: Tensor, stride: Any, padding: Any, dilation: Any, groups: int) -> Tensor:
    reorder = torch._C._nn.mkldnn_reorder_conv2d_weight
    packed: Tensor = reorder(weights.to_mkldnn(), padding, stride, dilation, groups)
    return packed


def _packed(weights: Tensor, biases: Tensor, geometry: tuple[Any, ...], fused: Fused, x: Tensor) -> Tensor:
    stride, padding, dilation, groups = geometry
    attribute, numbers = fused
    convolve = torch.ops.mkldnn._convolution_pointwise
    result: Tensor = convolve(x, weights, biases, padding, stride, dilation, groups, attribute, numbers, "")
    return result


@cache
def packs() -> bool:
    """Whether this torch has the packed convolution, and it computes what the ordinary one does."""
    draw = torch.Generator().manual_seed(0)
    geometry = ((2, 1), (1, 1), (1, 1), 2)
    x, weights = torch.randn(2, 8, 9, 7, generator=draw), torch.randn(6, 4, 3, 3, generator=draw)
    x, biases = x.contiguous(memory_format=torch.channels_last), torch.randn(6, generator=draw)
    expected = functional.conv2d(x, weights, biases, *geometry)
    try:
        with torch.inference_mode():
            packed = _pack(weights, *geometry)
            return all(
                torch.allclose(_packed(packed, biases, geometry, fused, x), act(expected), atol=1e-5)
                for fused, act in _FORMS
            )
    except (AttributeError, RuntimeError, TypeError):  # another version of torch, or one without oneDNN
        return False


_FORMS: tuple[tuple[Fused, Step], ...] = (
    (NONE, torch.clone),
    (("leaky", [0.1]), partial(functional.leaky_relu, negative_slope=0.1)),
    (("relu", []), functional.relu),
    (("hardtanh", [0.0, 6.0]), functional.relu6),
    (("swish", []), functional.silu),
)
