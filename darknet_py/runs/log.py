"""The log of a run, a JSON object a line; and the JSON of its results."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darknet_py.files.atomic import publish_bytes
from darknet_py.files.json_text import json_text
from darknet_py.graph.graph import Graph
from darknet_py.graph.reach import widest
from darknet_py.graph.summary import cost_as_json

FORMAT = 1


@dataclass(frozen=True)
class Log:
    """A file of one JSON object a line; an incomplete last line is cut off on resuming."""

    path: Path

    def add(self, values: Mapping[str, Any]) -> None:
        """Append a line."""
        try:
            with self.path.open("ab") as file:
                file.write(json_text(dict(values)).encode() + b"\n")
        except OSError as error:
            error.filename = str(self.path)  # of a failed write it is not set
            raise

    def size(self) -> int:
        """Its length in bytes."""
        return self.path.stat().st_size if self.path.exists() else 0

    def sync(self) -> None:
        """Flush the lines to the disk."""
        with self.path.open("ab") as file:
            os.fsync(file.fileno())

    def cut(self, size: int) -> None:
        """Drop what was written after a checkpoint."""
        self.path.touch()
        assert size <= self.size()
        os.truncate(self.path, size)


def write_json(path: Path, value: Any) -> None:
    """Publish a JSON file: readable, its keys in the order given."""
    publish_bytes(path, json_text(value, indent=1).encode() + b"\n")


def network_facts(graph: Graph) -> dict[str, Any]:
    """The cost of a network and the largest receptive field of its outputs, for a result."""
    net = graph.net
    return {**cost_as_json(graph.cost), "reach": widest(graph), "size": [net.height, net.width]}
