"""A graph as a torch module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import torch
from torch import Tensor, nn

from darknet_py.cfg.document import must_parse, read
from darknet_py.graph.executable import must_run
from darknet_py.graph.graph import Graph
from darknet_py.graph.lifetime import last_uses
from darknet_py.graph.sharing import weight_sources
from darknet_py.layers.heads.head import Head
from darknet_py.layers.transforms.softmax import Softmax
from darknet_py.lint.check import compile_checked
from darknet_py.model.prefix_maps import Inputs, PrefixMaps
from darknet_py.model.rewriting import rewritten
from darknet_py.ops.block import ConvBlock
from darknet_py.ops.keyed import Keyed

Override: TypeAlias = Callable[..., Tensor]  # (module, *maps): what replaces the call `module(*maps)`
Overrides: TypeAlias = Mapping[int, Override]  # by index of the layer

NO_OVERRIDES: Overrides = MappingProxyType({})


class Network(nn.Module):
    """The torch module of a graph: one module for each layer, called as `module(*maps)`.

    Raises:
        CfgError: when a layer cannot be executed.

    >>> network = Network.from_cfg("cfg/yolov3-tiny.cfg")
    >>> [tuple(raw.shape) for raw in network(torch.zeros(1, 3, 416, 416))]
    [(1, 255, 13, 13), (1, 255, 26, 26)]
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self._plan = rewritten(must_run(graph))
        self.layers = nn.ModuleList(node.layer.module(*node.maps) for node in self._plan)
        for index, source in weight_sources(self._plan).items():
            block, shared = self.layers[index], self.layers[source]
            assert isinstance(block, ConvBlock)
            assert isinstance(shared, ConvBlock)
            block.share_weights_of(shared)
        self._last_uses = last_uses(self._plan)
        self._numbers: tuple[int, ...] | None = None

    @property
    def plan(self) -> Graph:
        """The graph as it is computed, rewritten for speed."""
        return self._plan

    @classmethod
    def from_cfg(cls, path: str | Path) -> Network:
        """Read, check and build a cfg file.

        Raises:
            CfgError: when the cfg has errors.
        """
        return cls(compile_checked(must_parse(read(path))))

    def forward(self, images: Inputs, overrides: Overrides | None = None) -> list[Tensor]:
        """Compute the outputs.

        Args:
            images: (N, 3, H, W) in 0..1, or the maps that `prefix_maps` computed of them.
            overrides: by layer, a function of (module, *maps) whose result replaces the layer's output map;
                torch.onnx takes neither a mapping as default nor keywords.

        Returns:
            One raw (pre-sigmoid) map per head, or the map of the last layer if there are no heads.
        """
        maps = self._run_from(images, len(self.graph), overrides or NO_OVERRIDES)
        return [maps[index] for index in self.graph.outputs]

    def logits(self, images: Inputs) -> Tensor:
        """The input of a classifier's [softmax], divided by its temperature: (N, K)."""
        assert self.graph.classifier is not None
        layer = self.graph[self.graph.classifier].layer
        assert isinstance(layer, Softmax)
        return self.raw_maps(images)[0].flatten(1) / layer.temperature

    def raw_maps(self, images: Inputs) -> list[Tensor]:
        """The maps of `graph.raw_outputs`; of a classifier, the layers from its [softmax] on do not run."""
        stop = len(self.graph) if self.graph.classifier is None else self.graph.classifier
        maps = self._run_from(images, stop, NO_OVERRIDES)
        return [maps[index] for index in self.graph.raw_outputs]

    def map_of(self, images: Tensor, layer: int) -> Tensor:
        """The map of one layer, raw (pre-sigmoid) for heads; later layers are not computed."""
        recorded: dict[int, Tensor] = {}
        self._run(images, layer + 1, {layer: _recorder(recorded, layer)})
        return recorded[layer]

    def reads_from(self, layer: int) -> tuple[int, ...]:
        """The maps before `layer` that it, a later layer or the outputs need: indices, -1 the image."""
        read = {index for node in self._plan[layer:] for index in node.inputs} | set(self.graph.outputs)
        return tuple(sorted(index for index in read if index < layer))

    def prefix_maps(self, images: Tensor, layer: int) -> PrefixMaps:
        """Compute the layers before `layer`; of their maps those that are needed later."""
        return PrefixMaps(Network._run(self, images, layer, NO_OVERRIDES), layer, images.shape)

    def ancestors_of(self, layers: Iterable[int]) -> frozenset[int]:
        """The layers that the maps of some layers are computed from, and these themselves; -1 the image."""
        found = set(layers)
        for node in reversed(self._plan):
            if node.index in found:
                found.update(node.inputs)
        return frozenset(found)

    def maps_of(self, images: Tensor, layers: Sequence[int]) -> dict[int, Tensor]:
        """The maps of some layers, raw for heads, -1 for the images; later layers are not computed."""
        recorded = {-1: images} if -1 in layers else {}
        recorders = {layer: _recorder(recorded, layer, copied=True) for layer in layers if layer >= 0}
        self._run(images, max(layers, default=-1) + 1, recorders)
        return recorded

    def resume(
        self, maps: Mapping[int, Tensor], layer: int, *, overrides: Overrides = NO_OVERRIDES
    ) -> list[Tensor]:
        """Compute the outputs from the maps before a layer.

        Args:
            maps: at least those of `reads_from(layer)`, by index; they stay as they are.
            layer: the first that is computed.
        """
        return self.forward(PrefixMaps(maps, layer, torch.Size()), overrides=overrides)

    def trace(self, images: Tensor) -> list[Tensor]:
        """The map of every layer, activated for heads, as Darknet's layers hold them."""
        recorded: dict[int, Tensor] = {}
        self._run(images, len(self.graph), {i: _recorder(recorded, i) for i in range(len(self.graph))})
        return [
            node.layer.activate(recorded[node.index])
            if isinstance(node.layer, Head)
            else recorded[node.index]
            for node in self.graph
        ]

    def _run_from(self, given: Inputs, stop: int, overrides: Overrides) -> dict[int, Tensor]:
        """As `_run`, from images or from the maps before a layer, which stay as they are."""
        if isinstance(given, Tensor):
            return self._run(given, stop, overrides)
        maps = {index: one.clone() for index, one in given.maps.items()}
        return self._run(maps, stop, overrides, given.layer)

    def _run(
        self, given: Tensor | dict[int, Tensor], stop: int, overrides: Overrides, start: int = 0
    ) -> dict[int, Tensor]:
        """Compute the layers from `start` to before `stop`; the maps that later layers or the outputs need.

        Args:
            given: the images, or the maps that layers from `start` on read.
        """
        maps = given if isinstance(given, dict) else {-1: given}
        for at in range(start, stop):
            node, module, unused = self._plan[at], self.layers[at], self._last_uses[at]
            inputs = [maps[index] for index in node.inputs]
            override = overrides.get(node.index)
            maps[node.index] = override(module, *inputs) if override else module(*inputs)
            for index in unused:
                del maps[index]
        return maps

    def number_draws(self, numbers: Sequence[int]) -> None:
        """Key the random numbers of the stochastic layers by these numbers, in place of 0, 1 and up."""
        self._numbers = tuple(numbers)

    def at(self, *, seed: int, iteration: int, samples: Sequence[int]) -> None:
        """Seed the stochastic layers: their random numbers then depend on these arguments alone.

        Args:
            seed: of the run.
            iteration: index of the update.
            samples: index in the data set of each image of the next batch.
        """
        keyed = [module for module in self.modules() if isinstance(module, Keyed)]
        numbers = range(len(keyed)) if self._numbers is None else self._numbers
        for number, module in zip(numbers, keyed, strict=True):
            module.at(seed=seed, layer=number, iteration=iteration, samples=samples)


def _recorder(recorded: dict[int, Tensor], index: int, *, copied: bool = False) -> Override:
    """An override that computes the layer on copies of its inputs and stores the output.

    Without the copies, an in-place activation would change the recorded map of an earlier layer.

    Args:
        copied: store a copy, for the next layer is not recorded, and may change the output in place.
    """

    def record(module: nn.Module, *maps: Tensor) -> Tensor:
        output: Tensor = module(*[one.clone() for one in maps])
        recorded[index] = output.clone() if copied else output
        return output

    return record
