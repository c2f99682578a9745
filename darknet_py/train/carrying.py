"""Weights to start from that belong to another cfg: carried over its difference to the trained one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from darknet_py.cfg.edits import cut_variant
from darknet_py.edit.variant import compile_variant
from darknet_py.graph.graph import Graph
from darknet_py.model.adapt.choices import ZERO
from darknet_py.predict.carried_classes import carried_classes
from darknet_py.predict.network_classes import classes_of_graph, names_file


@dataclass(frozen=True)
class WeightsSource:
    """The cfg that the weights to start from belong to.

    Args:
        cfg: `CFG` or `CFG@EDIT,...`.
        start: what new inputs start from, of `model.adapt.choices.STARTS`.
        pins: pairs of layers as `adapt --map` takes them.
    """

    cfg: str
    start: str = ZERO
    pins: tuple[str, ...] = ()

    @cached_property
    def graph(self) -> Graph:
        """Its network.

        Raises:
            DarknetPyError: when there is no such cfg, or it has errors.
        """
        return compile_variant(self.cfg)

    def classes(
        self, weights: Path, names: Path | None, new_names: Sequence[str]
    ) -> tuple[int | None, ...] | None:
        """For each class of the data that of the weights; None where names are not known."""
        cfg = Path(self.cfg) if Path(self.cfg).is_file() else Path(cut_variant(self.cfg)[0])
        return carried_classes(self.graph, names or names_file((weights, cfg)), new_names)

    def carries_classes(self, weights: Path, names: Path | None, new_names: Sequence[str]) -> bool:
        """Whether the rows of any class are carried over."""
        found = self.classes(weights, names, new_names)
        if found is None:
            return classes_of_graph(self.graph) == len(new_names)
        return any(at is not None for at in found)

    def fingerprint(self) -> dict[str, Any]:
        """What else decides the first weights of a run."""
        text = str(self.graph.document).encode("utf-8", "surrogateescape")
        return {"weights cfg": hashlib.sha256(text).hexdigest(), "adapt": [self.start, *self.pins]}
