"""The layout of run folders and of comparisons: which file is where.

A comparison has compare.json, latency.json, pictures/, runs/VARIANT/seed-N/ and runs/VARIANT/samples/N.png.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from darknet_py.files.json_fields import file_exists


@dataclass(frozen=True)
class RunFolder:
    """The folder of one training."""

    path: Path

    @property
    def cfg(self) -> Path:
        """The text that is trained."""
        return self.path / "net.cfg"

    @property
    def names(self) -> Path:
        """The classes of the network, in its order, a line each."""
        return self.path / "net.names"

    @property
    def log(self) -> Path:
        """One JSON object a line: losses, and scores of evaluations."""
        return self.path / "log.jsonl"

    @property
    def result(self) -> Path:
        """Written last, when the training has finished."""
        return self.path / "result.json"

    @property
    def not_finite(self) -> Path:
        """Why a comparison's training has no result: it stopped before an update that was not finite."""
        return self.path / "not-finite.json"

    @property
    def detections(self) -> Path:
        """What a detector finds in the validation images, as COCO results."""
        return self.path / "detections.json"

    @property
    def matches(self) -> Path:
        """What became of these detections, for the verdicts."""
        return self.path / "matches.npz"

    @property
    def predictions(self) -> Path:
        """The class that a classifier predicts for each validation image."""
        return self.path / "predictions.json"

    @property
    def hits(self) -> Path:
        """Whether each of these is right, for the verdicts."""
        return self.path / "hits.json"

    @property
    def errors(self) -> Path:
        """The kinds of errors among these detections, for the report."""
        return self.path / "errors.json"

    @property
    def weights(self) -> Path:
        """The final weights, which the result is of."""
        return self.path / "final.weights"

    @property
    def carried(self) -> Path:
        """What became of the weights to start from, where they were carried over from another cfg."""
        return self.path / "adapt.json"

    @property
    def carried_text(self) -> Path:
        """The same as text."""
        return self.path / "adapt.txt"

    @property
    def finished(self) -> bool:
        """Whether there is a result."""
        return file_exists(self.result)


@dataclass(frozen=True)
class ComparisonFolder:
    """The folder of a comparison."""

    path: Path

    @property
    def plan(self) -> Path:
        """What is compared: data, seeds, variants."""
        return self.path / "compare.json"

    @property
    def latency(self) -> Path:
        """The latency of every variant."""
        return self.path / "latency.json"

    @property
    def pictures(self) -> Path:
        """The images that the report shows, with what each run finds in them: pictures.json and N.jpg."""
        return self.path / "pictures"

    def variant(self, name: str) -> Path:
        """The folder of a variant."""
        return self.path / "runs" / name

    def run(self, name: str, seed: int) -> RunFolder:
        """The run of a variant and a seed."""
        return RunFolder(self.variant(name) / f"seed-{seed}")

    def samples(self, name: str) -> Path:
        """The folder of a variant's drawn images, 0.png and up."""
        return self.variant(name) / "samples"
