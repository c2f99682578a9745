"""`--train-from`: which layers of the variants were frozen, and so what the verdicts are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from darknet_py.files.json_fields import JsonObject
from darknet_py.runs.merging import TRAIN_FROM
from darknet_py.runs.records import Comparison

DIGITS = 12  # of a digest, for people


@dataclass(frozen=True)
class FrozenLayers:
    """The layers before one were frozen with the weights that they started from.

    Args:
        layer: the first that was trained.
        versions: of each training image.
        weights: sha256 of their file.
    """

    layer: int
    versions: int
    weights: str

    def sentence(self) -> str:
        """What the verdicts are about."""
        few = "layer 0 was" if self.layer == 1 else f"layers 0 to {self.layer - 1} were"
        return (
            f"Only layer {self.layer} and those behind it were trained: {few} frozen, with the weights and "
            f"statistics of the file with sha256 {self.weights[:DIGITS]}, the same for all variants. So this "
            "is about the variants given this backbone; a backbone that is trained with them may answer "
            "otherwise."
        )

    def json(self) -> dict[str, Any]:
        """The facts."""
        return {"layer": self.layer, "versions": self.versions, "weights": self.weights}


def frozen_layers(comparison: Comparison) -> FrozenLayers | None:
    """What was frozen in all runs of a comparison; None where all layers were trained.

    Raises: ReportError: when the first run's record of it is damaged.
    """
    run = comparison.baseline.runs[0]
    if run.fingerprint.get(TRAIN_FROM) is None:
        return None
    known = JsonObject(dict(run.fingerprint), run.folder.result)
    found = known.child(TRAIN_FROM)
    return FrozenLayers(found.count("layer"), found.count("versions"), known.text("weights"))
