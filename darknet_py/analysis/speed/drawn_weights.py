"""A `.weights` file of random numbers, for what does not depend on a training."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from darknet_py.graph.graph import Graph
from darknet_py.model.weights_file import declared_specs

ZEROS = {"biases", "means"}


def write_drawn(graph: Graph, path: Path) -> None:
    """Write weights of which maps neither vanish nor grow without bound.

    The weights of a layer have a deviation of the root of 2 over its inputs, as of He et al., "Delving Deep
    into Rectifiers", ICCV 2015, arXiv:1502.01852; biases and means are 0, other numbers
    of a channel or a layer 1.
    """
    draw = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(struct.pack("<3iQ", 0, 2, 5, 0))
        for spec in declared_specs(graph):
            values = np.full(spec.shape, 0.0 if spec.name in ZEROS else 1.0, "<f4")
            if len(spec.shape) > 1:
                inputs = spec.floats / spec.shape[0]
                values = draw.standard_normal(spec.shape, np.float32) * np.float32(np.sqrt(2 / inputs))
            file.write(values.astype("<f4", copy=False).tobytes())
