"""A graph, runnable."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from darknet_py.cfg.document import must_parse, read
from darknet_py.graph.executable import must_run
from darknet_py.graph.graph import Graph
from darknet_py.graph.lifetime import last_uses
from darknet_py.graph.sharing import weight_sources
from darknet_py.layers.heads.head import Head
from darknet_py.lint.check import compile_checked
from darknet_py.model.rewriting import rewritten
from darknet_py.ops.keyed import Keyed
from darknet_py.ops.sharing import share


class Network(nn.Module):
    """The torch module of a graph: one module a layer, each called as `module(*maps)`.

    Raises:
        CfgError: when a layer is one that is understood and not run.

    >>> network = Network.from_cfg("cfg/yolov3-tiny.cfg")
    >>> [tuple(raw.shape) for raw in network(torch.zeros(1, 3, 416, 416))]
    [(1, 255, 13, 13), (1, 255, 26, 26)]
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self._plan = rewritten(must_run(graph))
        self.layers = nn.ModuleList(node.layer.module(*node.maps) for node in self._plan)
        for borrower, lender in weight_sources(self._plan).items():
            share(self.layers[borrower], self.layers[lender])
        self._done, self._outputs = last_uses(self._plan), graph.outputs

    @classmethod
    def from_cfg(cls, path: str | Path) -> Network:
        """Read, check and build a cfg file.

        Raises:
            CfgError: when the cfg has errors.
        """
        return cls(compile_checked(must_parse(read(path))))

    def forward(self, images: Tensor) -> list[Tensor]:
        """(N, 3, H, W) in 0..1 to one raw map per head (before sigmoid), or the last layer's map."""
        maps = self._run(images, len(self.graph))
        return [maps[i] for i in self._outputs]

    def logits(self, images: Tensor) -> Tensor:
        """What the [softmax] of a classifier reads, over its temperature: (N, K)."""
        assert self.graph.classifier is not None
        softmax = self.graph[self.graph.classifier]
        maps = self._run(images, softmax.index)
        return maps[softmax.inputs[0]].flatten(1) / softmax.layer.temperature

    def _run(self, images: Tensor, stop: int) -> dict[int, Tensor]:
        """The layers before `stop`; what is left of their maps, by index."""
        maps = {-1: images}
        for node, module, done in zip(self._plan[:stop], self.layers, self._done, strict=False):
            maps[node.index] = module(*[maps[i] for i in node.inputs])
            for index in done:
                del maps[index]
        return maps

    def map_of(self, images: Tensor, layer: int) -> Tensor:
        """The map of one layer, of heads before their sigmoid; the layers behind it are not run."""
        maps = self._run(images, layer)
        return self.layers[layer](*[maps[i] for i in self._plan[layer].inputs])

    def trace(self, images: Tensor) -> list[Tensor]:
        """Every layer's map as Darknet's layer holds it: heads after their sigmoid."""
        maps = {-1: images}
        for node, module in zip(self._plan, self.layers, strict=True):
            # A copy: an activation that works in place must not change what an earlier layer held.
            maps[node.index] = module(*[maps[i].clone() for i in node.inputs])
        return [
            node.layer.activate(maps[node.index]) if isinstance(node.layer, Head) else maps[node.index]
            for node in self.graph
        ]

    def at(self, *, seed: int, iteration: int, samples: Sequence[int]) -> None:
        """Tell random layers where they are, so that their draws depend on nothing else.

        Args:
            seed: the run's.
            iteration: of the update.
            samples: which image of the data set each image of the next batch is.
        """
        keyed = [module for module in self.modules() if isinstance(module, Keyed)]
        for number, module in enumerate(keyed):
            module.at(seed=seed, layer=number, iteration=iteration, samples=samples)
