"""The layout of a comparison's folder, which `compare` writes and the report reads.

compare.json  latency.json  runs/VARIANT/seed-N/  runs/VARIANT/samples/N.png
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ComparisonFolder:
    """Where the files of a comparison are."""

    root: Path

    @property
    def plan_file(self) -> Path:
        """What is compared: data, seeds, variants."""
        return self.root / "compare.json"

    @property
    def latency_file(self) -> Path:
        """The latency of every variant."""
        return self.root / "latency.json"

    def variant(self, name: str) -> Path:
        """The folder of a variant."""
        return self.root / "runs" / name

    def run(self, name: str, seed: int) -> Path:
        """The run folder of a variant and a seed."""
        return self.variant(name) / f"seed-{seed}"

    def samples(self, name: str) -> Path:
        """The folder of a variant's drawn images, 0.png and up."""
        return self.variant(name) / "samples"
