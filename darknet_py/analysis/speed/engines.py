"""The engines that are installed, raced on one network."""

from __future__ import annotations

import importlib.metadata
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from darknet_py.analysis.speed.drawn_weights import write_drawn
from darknet_py.analysis.speed.race import Result, Rounds, Runner, race
from darknet_py.engines.names import ENGINES
from darknet_py.engines.threads import usable_threads
from darknet_py.graph.graph import Graph

TORCH = "torch"


@dataclass(frozen=True)
class EngineStart:
    """Opens an engine in another process.

    Args:
        cfg: the text of the cfg.
        weights: the file.
        engine: of `ENGINES`.
        device: as `open_engine` takes it.
        plugins: files with layers that the cfg uses.
    """

    cfg: str
    weights: Path
    engine: str
    device: str = "cpu"
    plugins: tuple[Path, ...] = ()

    def __call__(self) -> Runner:
        """Open it; an engine is a function of images."""
        if self.plugins:
            from darknet_py.layers.plugins import load_plugins

            load_plugins(self.plugins)
        from darknet_py.engines.opening import open_given

        return open_given(self.cfg, self.weights, engine=self.engine, device=self.device)


@dataclass(frozen=True)
class BenchSettings:
    """What the engines are timed on.

    Args:
        batch: images of one call.
        device: where torch also runs, if it is no CPU.
        rounds: see `Rounds`.
        plugins: files with layers that the cfg uses.
    """

    batch: int = 1
    device: str = "cpu"
    rounds: Rounds = field(default_factory=Rounds)
    plugins: tuple[Path, ...] = ()


def race_engines(graph: Graph, weights: Path | None, settings: BenchSettings) -> dict[str, Any]:
    """Time all engines side by side on random images.

    Args:
        weights: without, they are drawn.

    Returns:
        What `darknet-py bench --json` prints.

    Raises:
        WeightsError: when the file does not fit.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = weights or Path(folder) / "drawn.weights"
        if weights is None:
            write_drawn(graph, file)
        starts = {
            name: EngineStart(str(graph.document), file, engine, device, settings.plugins)
            for name, engine, device in _contestants(settings.device)
        }
        image = graph.image
        shape = (settings.batch, image.channels, image.height, image.width)
        images = np.random.default_rng(0).random(shape, np.float32)
        results = race(starts, images, settings.rounds)
    versions = {name: _version(start.engine) for name, start in starts.items()}
    return {
        "cfg": graph.document.path,
        "weights": None if weights is None else str(weights),
        "input": list(shape),
        "bflops": graph.cost.bflops * settings.batch,
        "threads": usable_threads(),
        "engines": _rows(results, versions, settings.batch),
        "missing": {name: found.why for name, found in results.items() if found.why},
    }


def _contestants(device: str) -> list[tuple[str, str, str]]:
    """Name, engine and device of each."""
    rows = [(name, name, "cpu") for name in ENGINES if name != "auto"]
    return rows if device == "cpu" else [*rows, (f"{TORCH} on {device}", TORCH, device)]


def _rows(results: dict[str, Result], versions: dict[str, str], batch: int) -> list[dict[str, Any]]:
    """The figures of those that took part, the fastest first."""
    took = {name: found for name, found in results.items() if not found.why}
    reference = results[TORCH].outputs
    rows = [
        {
            "engine": name,
            "version": versions[name],
            "ms": 1000 * found.call_s / batch,
            "ms_least": 1000 * min(found.turns_s) / batch,
            "ms_greatest": 1000 * max(found.turns_s) / batch,
            "ratio": found.call_s / min(each.call_s for each in took.values()),
            "difference": greatest_difference(found.outputs, reference),
            "start_s": found.start_s,
            "first_s": found.first_s,
            "peak_mb": found.peak_bytes / 1e6,
        }
        for name, found in took.items()
    ]
    return sorted(rows, key=lambda row: row["ms"])


def greatest_difference(
    outputs: Sequence[np.ndarray[Any, Any]], reference: Sequence[np.ndarray[Any, Any]]
) -> float | None:
    """The greatest difference of any map, as a share of the greatest value of that map."""
    if not reference:
        return None
    shares = [
        float(np.abs(one - other).max() / max(float(np.abs(other).max()), 1e-30))
        for one, other in zip(outputs, reference, strict=True)
    ]
    return max(shares)


def _version(engine: str) -> str:
    try:
        return importlib.metadata.version(engine)
    except importlib.metadata.PackageNotFoundError:
        return ""
