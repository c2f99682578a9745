"""Convolutions for inference: batch normalisation folded in, on a CPU packed for oneDNN and fused.

oneDNN reads weights in a layout of its own. torch converts them at every call; here it is done once. The
activation is computed while the result is still in the cache. torch has both for its compiler, under private
names, so they are tried out before they are used; without them a convolution is torch's ordinary one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from darknet_py.arithmetic.shape import Shape
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


def convolution(block: ConvBlock, source: Shape) -> Step:
    """A block as a function of its map, which holds weights of its own.

    Args:
        source: the shape of the map, which the layout of the weights depends on.
    """
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
    weights = weights.contiguous(memory_format=torch.channels_last)
    if weights.device.type == "cpu" and NONE[0] in probed():
        fused = fused_form(getattr(block, "act", None))
        packed = partial(
            _packed,
            _pack(weights, geometry, (1, source.channels, source.height, source.width)),
            biases,
            geometry,
        )
        return (
            partial(packed, fused)
            if fused and fused[0] in probed()
            else _activated(partial(packed, NONE), block)
        )
    return _activated(lambda x: functional.conv2d(x, weights, biases, *geometry), block)


def fused_form(act: nn.Module | None) -> Fused | None:
    """An activation as oneDNN computes it with a convolution, if it does, and as exactly as torch does."""
    if act is None:
        return NONE
    if type(act) is nn.LeakyReLU:
        return "leaky_relu", [act.negative_slope]
    if type(act) is nn.ReLU:
        return "relu", []
    if type(act) is nn.Hardtanh or type(act) is nn.ReLU6:
        return "hardtanh", [float(act.min_val), float(act.max_val)]
    return ("swish", []) if type(act) is nn.SiLU else None


FORMS: tuple[tuple[Fused, Step], ...] = (
    (NONE, torch.clone),
    (("leaky_relu", [0.1]), partial(functional.leaky_relu, negative_slope=0.1)),
    (("relu", []), functional.relu),
    (("hardtanh", [0.0, 6.0]), functional.relu6),
    (("swish", []), functional.silu),
)


def _activated(plain: Step, block: ConvBlock) -> Step:
    act = getattr(block, "act", None)
    if act is None:
        return plain
    return lambda x: act(plain(x))


def _pack(weights: Tensor, geometry: tuple[Any, ...], input_size: tuple[int, ...]) -> Tensor:
    stride, padding, dilation, groups = geometry
    reorder = torch.ops.mkldnn._reorder_convolution_weight
    packed: Tensor = reorder(weights, padding, stride, dilation, groups, input_size)
    return packed


def _packed(weights: Tensor, biases: Tensor, geometry: tuple[Any, ...], fused: Fused, x: Tensor) -> Tensor:
    stride, padding, dilation, groups = geometry
    attribute, numbers = fused
    convolve = torch.ops.mkldnn._convolution_pointwise
    result: Tensor = convolve(x, weights, biases, padding, stride, dilation, groups, attribute, numbers, "")
    return result


@cache
def probed() -> frozenset[str]:
    """The activations that this torch has a packed convolution with, which computes what torch does."""
    draw = torch.Generator().manual_seed(0)
    geometry = ((2, 1), (1, 1), (1, 1), 2)
    x, weights = torch.randn(2, 8, 9, 7, generator=draw), torch.randn(6, 4, 3, 3, generator=draw)
    x, biases = x.contiguous(memory_format=torch.channels_last), torch.randn(6, generator=draw)
    expected = functional.conv2d(x, weights, biases, *geometry)
    found = set()
    for fused, act in FORMS:
        # another version of torch may have other names, and one without oneDNN has none
        with suppress(AttributeError, RuntimeError, TypeError), torch.inference_mode():
            packed = _pack(weights, geometry, (1, 8, 9, 7))
            if torch.allclose(_packed(packed, biases, geometry, fused, x), act(expected), atol=1e-5):
                found.add(fused[0])
    return frozenset(found)
