"""The maps of frozen layers: computed image by image, kept, and put together again to batches.

A map must not depend on the other images of its batch, and a convolution may sum in another order for another
number of images. So the frozen layers always see one image, whether their maps are kept or not, and both give
the same bits. What is kept is found by its content: the frozen layers, their weights and all that decides
their arithmetic, and the pixels of the sample.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from darknet_py import __version__
from darknet_py.data.cache.store import KEY_BYTES
from darknet_py.layers.plugins import fingerprint_of
from darknet_py.model.network import Network
from darknet_py.model.prefix_maps import PrefixMaps
from darknet_py.runs.environment import code_digest, environment_of
from darknet_py.train.precision import DTYPES
from darknet_py.train.prefix.stores import MapStore
from darknet_py.train.settings import TrainingPlan
from darknet_py.train.step import Trainer


class MapKeeper:
    """Computes the maps that the layers from one on read of those before it, or takes them from a store.

    Args:
        network: its layers before `layer` are frozen; they are put in evaluation mode.
        precision: of activations, of `runs.choices.PRECISIONS`.
        identity: what decides the maps besides the image.
    """

    def __init__(
        self,
        network: Network,
        layer: int,
        *,
        precision: str = "float32",
        identity: bytes = b"",
        store: MapStore | None = None,
    ) -> None:
        self.network, self.layer, self.store = network, layer, store
        self.dtype, self.identity = DTYPES[precision], identity
        self.reads = network.reads_from(layer)
        self.computed = 0  # images

    @classmethod
    def of(cls, plan: TrainingPlan, trainer: Trainer, *, precision: str | None = None) -> MapKeeper | None:
        """Of a training with its first weights; None where all its layers are trained.

        Args:
            precision: in place of the training's.
        """
        prefix, precision = plan.settings.prefix, precision or plan.settings.precision
        if prefix is None:
            return None
        network = trainer.network
        identity = _identity(network, prefix.layer, plan, precision) if prefix.store else b""
        return cls(network, prefix.layer, precision=precision, identity=identity, store=prefix.store)

    def __call__(
        self, contents: Sequence[bytes], ready: Callable[[int], Tensor], size: tuple[int, int, int]
    ) -> PrefixMaps:
        """The maps of a batch.

        Args:
            contents: of each image, as `content_of` returns it.
            ready: makes the network's input (1, C, H, W) of the image of a number.
            size: channels, rows and columns of an input.
        """
        found = [self._maps(content, ready, number) for number, content in enumerate(contents)]
        device = next(self.network.parameters()).device
        maps = {}
        for index in self.reads:
            _, *rest = found[0][index].shape
            shape, dtype = (len(found), *rest), found[0][index].dtype
            layout = torch.channels_last if len(shape) == 4 else torch.contiguous_format
            maps[index] = torch.empty(shape, dtype=dtype, device=device, memory_format=layout)
            for number, one in enumerate(found):
                maps[index][number] = one[index][0]
        return PrefixMaps(maps, self.layer, torch.Size((len(found), *size)))

    def content_of(self, pixels: np.ndarray) -> bytes:
        """What the maps of an image are found by: a digest of its pixels; nothing where none are kept."""
        if self.store is None:
            return b""
        described = json.dumps([str(pixels.dtype), pixels.shape]).encode()
        digest = hashlib.blake2b(described, digest_size=KEY_BYTES)
        digest.update(np.ascontiguousarray(pixels).data)
        return digest.digest()

    def has(self, content: bytes) -> bool:
        """Whether all maps of an image are kept."""
        return self.store is not None and all(key in self.store for key in self._keys(content).values())

    def _maps(self, content: bytes, ready: Callable[[int], Tensor], number: int) -> dict[int, Tensor]:
        if self.store is None:
            return self._compute(ready(number))
        keys = self._keys(content)
        found = {index: one for index in self.reads if (one := self.store.get(keys[index])) is not None}
        if len(found) < len(self.reads):
            found = {index: one.cpu().clone() for index, one in self._compute(ready(number)).items()}
            for index, one in found.items():
                self.store.put(keys[index], one)
        return found

    def _keys(self, content: bytes) -> dict[int, bytes]:
        parts = {index: index.to_bytes(4, "little", signed=True) for index in self.reads}
        return {
            index: hashlib.blake2b(self.identity + content + part, digest_size=KEY_BYTES).digest()
            for index, part in parts.items()
        }

    @torch.no_grad()
    def _compute(self, image: Tensor) -> dict[int, Tensor]:
        self.computed += 1
        for module in self.network.layers[: self.layer]:
            module.eval()
        with torch.autocast(image.device.type, self.dtype, enabled=self.dtype is not None):
            maps = self.network.prefix_maps(image, self.layer).maps
        return {index: maps[index] for index in self.reads}


def _identity(network: Network, layer: int, plan: TrainingPlan, precision: str) -> bytes:
    """What decides the maps besides the image: the layers and their weights, precision, machine, program."""
    environment = {k: v for k, v in environment_of(plan.settings.device).items() if k != "world-size"}
    plugins = fingerprint_of(plan.settings.plugins, plan.document)
    layers = [(node.inputs, repr(node.layer)) for node in network.plan.nodes[:layer]]
    facts = [layer, layers, precision, environment, plugins, __version__, code_digest()]
    digest = hashlib.blake2b(repr(facts).encode(), digest_size=32)
    for name, tensor in network.layers[:layer].state_dict().items():
        digest.update(name.encode() + b"\0")
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.digest()
