"""The protocol of an engine: a graph with its weights, made ready to run on one device.

What comes before it (reading and fitting images) and after it (decoding, NMS) is numpy, and the same for
every engine. An engine imports its own library when it is opened, so only `torch` needs torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from darknet_py.graph.graph import Graph

Floats: TypeAlias = "npt.NDArray[np.float32]"


class Engine(Protocol):
    """A network that is ready to run.

    Attributes:
        name: of the library that runs it, as `--engine` takes it.
        device: where it runs: `cpu`, `cuda`, `cuda:1`, ...
        graph: what is run; `graph.image` is the shape of one input image.
        callers: how many threads may call it at once; an engine that does not have it is called by one.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see Attributes
    @property
    def device(self) -> str: ...  # noqa: D102
    @property
    def graph(self) -> Graph: ...  # noqa: D102

    def __call__(self, images: Floats) -> list[Floats]:
        """Run the network.

        Args:
            images: (N, C, H, W) in 0..1, C, H and W as in `graph.image`.

        Returns:
            The maps of `graph.raw_outputs` in that order, (N, C, H, W) each, in any memory layout: one raw
            (pre-sigmoid) map per head, or what the [softmax] of a classifier reads. A later call does not
            change them.
        """


def callers_of(engine: Engine) -> int:
    """How many threads may call an engine at once."""
    return int(getattr(engine, "callers", 1))
