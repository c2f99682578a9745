"""The names that PyTorch implementations of Darknet give to the arrays of a convolution.

Each numbers its modules by the sections of the cfg: the name of an array says which layer it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from darknet_py.errors import WeightsError
from darknet_py.model.weights import Array

NORMS = {"biases": "bias", "scales": "weight", "means": "running_mean", "variances": "running_var"}


@dataclass(frozen=True)
class Scheme:
    """How one implementation names a convolution and its batch normalisation.

    Args:
        name: a word for it.
        convolution, norm: the names of the two modules; `{i}` is the layer, `{n}` counts convolutions from 1.
        sign: a key that only this scheme has.
    """

    name: str
    convolution: str
    norm: str
    sign: re.Pattern[str]

    def keys(self, layout: Iterable[Array]) -> Iterator[tuple[str, Array]]:
        """The key of every array of a network.

        Raises: WeightsError: when a layer is none that the implementation has.
        """
        convolutions: dict[int, int] = {}
        for array in layout:
            node = array.node
            if node.layer.section != "convolutional":
                message = f"{node.name} has weights, and {self.name} has no names for [{node.layer.section}]"
                raise WeightsError(message, hint="safetensors keeps every layer")
            n = convolutions.setdefault(node.index, len(convolutions) + 1)
            normed = array.name in NORMS and getattr(node.layer, "batch_normalize", False)
            module = (self.norm if normed else self.convolution).format(i=node.index, n=n)
            role = NORMS[array.name] if normed else "bias" if array.name == "biases" else "weight"
            yield f"{module}.{role}", array

    def counter(self, key: str) -> str | None:
        """The key of batch normalisation's counter of batches beside its running variances."""
        return key.replace("running_var", "num_batches_tracked") if key.endswith("running_var") else None


SCHEMES = (
    Scheme(  # github.com/eriklindernoren/PyTorch-YOLOv3, and ultralytics/yolov3 until August 2019
        "pytorch-yolov3",
        "module_list.{i}.conv_{i}",
        "module_list.{i}.batch_norm_{i}",
        re.compile(r"module_list\.\d+\.conv_\d+\.weight"),
    ),
    Scheme(  # github.com/ultralytics/yolov3 (archive), WongKinYiu/PyTorch_YOLOv4 and their forks
        "ultralytics",
        "module_list.{i}.Conv2d",
        "module_list.{i}.BatchNorm2d",
        re.compile(r"module_list\.\d+\.Conv2d\.weight"),
    ),
    Scheme(  # github.com/Tianxiaomo/pytorch-YOLOv4, tool/darknet2pytorch.py
        "pytorch-yolov4",
        "models.{i}.conv{n}",
        "models.{i}.bn{n}",
        re.compile(r"models\.\d+\.conv\d+\.weight"),
    ),
)
