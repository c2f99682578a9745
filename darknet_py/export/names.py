"""The names of inputs and outputs in an ONNX graph, without importing onnx."""

from __future__ import annotations

from collections.abc import Sequence

IMAGES = "images"


def raw_names(heads: Sequence[int]) -> list[str]:
    """The tensors that are the raw maps of a network's heads, in each of its files."""
    return [f"head_{index}" for index in heads]
