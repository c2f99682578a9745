"""A network as a program of `torch.export`."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from darknet_py.export.metadata import metadata_of
from darknet_py.model.network import Network
from darknet_py.ops.cells import Floats

METADATA = "metadata.json"


class _Outputs(nn.Module):
    """The network with a plain signature, which programs keep."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The raw maps of the heads, or the last map."""
        return tuple(self.network(images))


class _Maps(_Outputs):
    """The network with the maps of all layers as outputs."""

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The maps, activated for heads."""
        return tuple(self.network.trace(images))


class TorchForm:
    """The .pt2 file of a network, with its metadata as `metadata.json`.

    Args:
        names: of the classes.
        one: it takes one image; else any number.
    """

    any_size = False

    def __init__(self, network: Network, names: tuple[str, ...], *, one: bool) -> None:
        """Trace the network, and read the file again."""
        self._network = network
        self.any_batch = not one
        image = network.graph.image
        images = torch.zeros(1 if one else 2, image.channels, image.height, image.width)
        batch = None if one else {"images": {0: torch.export.Dim("batch", min=1, max=4096)}}
        with torch.no_grad():
            program = torch.export.export(_Outputs(network), (images,), dynamic_shapes=batch, strict=False)
        buffer = io.BytesIO()
        described = json.dumps(metadata_of(network.graph, names, {}))
        torch.export.save(program, buffer, extra_files={METADATA: described})
        self.files: Mapping[str, bytes] = {".pt2": buffer.getvalue()}
        self._module = torch.export.load(io.BytesIO(buffer.getvalue())).module()
        self.notes = ("the input has the cfg's size: programs of torch.export are made for one",)

    def run(self, images: Floats) -> list[Floats]:
        """See `Form.run`."""
        with torch.inference_mode():
            return [raw.numpy() for raw in self._module(torch.from_numpy(images))]

    def trace(self, images: Floats) -> Mapping[int, Floats]:
        """See `Form.trace`: of a program whose outputs are all maps."""
        from darknet_py.deploy.check import raw_maps

        inputs = torch.from_numpy(images)
        with torch.no_grad():
            maps = torch.export.export(_Maps(self._network), (inputs,), strict=False).module()(inputs)
        return {i: map_.numpy() for i, map_ in enumerate(raw_maps(self._network.graph, inputs, maps))}
