"""What an exported network is tried with: drawn numbers, and images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from darknet_py.data.formats.synthetic.scenes import Scenes
from darknet_py.data.images.channels import CHANNELS, in_channels
from darknet_py.data.images.read import read_image
from darknet_py.graph.graph import Graph
from darknet_py.graph.input_sizes import shapes_at
from darknet_py.ops.cells import Floats
from darknet_py.predict.letterbox import fit_for
from darknet_py.predict.sources.files import image_paths

COUNT = 32
BATCHES = (1, 2, 3, 4)  # in turn, where the number of images is free
SCENES = 4  # images where none are given


def drawn_inputs(graph: Graph, *, any_batch: bool, any_size: bool) -> Iterator[Floats]:
    """32 inputs in batches, (N, C, H, W) in 0..1: noise, smooth surfaces, edges, and few bright pixels.

    Args:
        any_batch: the file takes any number of images; else one.
        any_size: it takes other sizes than the cfg's, and gets smaller ones too.
    """
    generator = np.random.default_rng(1)
    sizes = _sizes(graph) if any_size else [(graph.image.height, graph.image.width)]
    done = turn = 0
    while done < COUNT:
        count = min(BATCHES[turn % len(BATCHES)], COUNT - done) if any_batch else 1
        shape = (graph.image.channels, *sizes[turn % len(sizes)])
        yield np.stack([_drawn(generator, (done + n) % 4, shape) for n in range(count)])
        done, turn = done + count, turn + 1


def image_inputs(graph: Graph, sources: Sequence[str | Path]) -> Iterator[Floats]:
    """Images fitted to the network, one at a time; scenes that are drawn where no sources are given.

    A network that reads no images has none.

    Raises:
        DataError: when a source is missing or no image.
    """
    if graph.net.channels not in CHANNELS:
        return
    paths = image_paths(sources) if sources else []
    scenes = Scenes("val", val=SCENES, size=320)
    given = map(read_image, paths) if sources else map(scenes.pixels, range(SCENES))
    for pixels in given:
        fit = fit_for(graph.net, pixels.shape[:2])
        yield fit.apply(in_channels(pixels, graph.net.channels))[None]


def image_count(graph: Graph, sources: Sequence[str | Path]) -> int:
    """How many `image_inputs` there are."""
    if graph.net.channels not in CHANNELS:
        return 0
    return len(image_paths(sources)) if sources else SCENES


def _sizes(graph: Graph) -> list[tuple[int, int]]:
    """The cfg's size, and smaller ones, wide and tall, at which its maps fit."""
    height, width = graph.image.height, graph.image.width
    smallest = min((graph[i].shape.height for i in graph.outputs), default=1)
    step = max(1, height // max(1, smallest))
    half, third = (max(1, round(part / step)) * step for part in (height / 2, width / 3))
    wanted = [(height, width), (half, third), (third, half), (half, half)]
    return [size for size in dict.fromkeys(wanted) if shapes_at(graph, *size) is not None]


def _drawn(generator: np.random.Generator, kind: int, shape: tuple[int, int, int]) -> Floats:
    noise = generator.random(shape, np.float32)
    channels, rows, columns = shape
    if kind == 0:
        return noise
    coarse = generator.random((channels, -(-rows // 8), -(-columns // 8)), np.float32)
    blocks = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, :rows, :columns]
    if kind == 1:
        return np.cumsum(blocks, axis=2, dtype=np.float32) / np.arange(1, columns + 1, dtype=np.float32)
    return blocks if kind == 2 else (noise > 0.999).astype(np.float32)
