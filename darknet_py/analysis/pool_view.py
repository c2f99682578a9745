"""The effect of pools on a picture: an edge map, a texture and a noisy picture, through every pool.

Every pool slides over the same map with the same window, so that only the rule differs. Stochastic pools are
shown with two seeds, and in evaluation.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from darknet_py.cfg.diagnostics import CfgError, did_you_mean
from darknet_py.cfg.document import parse
from darknet_py.errors import UsageError, quoted
from darknet_py.layers.base import layer_class
from darknet_py.layers.catalogue import ALIASES, CATALOGUE
from darknet_py.layers.pools.base import WindowPool
from darknet_py.lint.check import compile_checked
from darknet_py.model.network import Network
from darknet_py.ops.keyed import Keyed

SIDE = 112  # of a map, in pixels
SALT = 0.08  # of the noisy picture's pixels are black or white
INCHES = 1.7  # of a panel
MOST_COLUMNS = 8


@dataclass(frozen=True)
class Panel:
    """One column of the picture: a title, and what became of each map."""

    title: str
    maps: tuple[np.ndarray, ...]


def window_pools() -> tuple[str, ...]:
    """The sections that can be shown."""
    return tuple(sorted(name for name, cls in CATALOGUE.items() if issubclass(cls, WindowPool)))


def maps_of(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Three maps of a picture, (SIDE, SIDE) float32 in 0..1.

    Args:
        pixels: (H, W, 3) uint8 RGB, any size.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    side = min(grey.shape)
    top, left = (grey.shape[0] - side) // 2, (grey.shape[1] - side) // 2
    square = grey[top : top + side, left : left + side]
    small = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    across, down = (cv2.Sobel(small, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    edges = np.hypot(across, down)
    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(small.shape) < SALT, rng.integers(0, 2, small.shape), small)
    return {
        "edges": edges / max(float(edges.max()), 1e-6),
        "texture": _texture(grey),
        "noise": noisy.astype(np.float32),
    }


def _texture(grey: np.ndarray) -> np.ndarray:
    """The busiest part of the picture, pixel for pixel."""
    scale = SIDE / min(grey.shape)
    if scale > 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    mean, square = (cv2.boxFilter(part, -1, (9, 9)) for part in (grey, grey * grey))
    busy = cv2.boxFilter((square - mean * mean).clip(0), -1, (SIDE, SIDE), borderType=cv2.BORDER_REFLECT)
    half = SIDE // 2
    inner = busy[half : busy.shape[0] - half + 1, half : busy.shape[1] - half + 1]
    top, left = np.unravel_index(int(inner.argmax()), inner.shape)
    return np.ascontiguousarray(grey[top : top + SIDE, left : left + SIDE])


def panels(maps: Sequence[np.ndarray], names: Sequence[str], *, size: int, stride: int) -> Iterator[Panel]:
    """The maps themselves, then a column for each pool, or three for a stochastic one.

    Args:
        names: `SECTION`, or `SECTION@KEY=VALUE,...` with keys.

    Raises:
        UsageError: when a name is no window pool, or its keys do not fit.
    """
    yield Panel("the map", tuple(maps))
    for name in names or window_pools():
        network = _network(name, size=size, stride=stride)
        draws = [module for module in network.modules() if isinstance(module, Keyed)]
        for seed in (0, 1) if draws else ():
            network.train().at(seed=seed, iteration=1, samples=range(len(maps)))
            drawn = _pooled(network, maps)
            if seed == 0 and all(map(np.array_equal, drawn, _pooled(network.eval(), maps))):
                break  # this mode of the pool does not draw
            yield Panel(f"{name}\ntraining, seed {seed}", drawn)
        yield Panel(f"{name}\nevaluation" if draws else name, _pooled(network.eval(), maps))


def _network(name: str, *, size: int, stride: int) -> Network:
    section, _, edits = name.partition("@")
    cls = layer_class(section)
    if cls is None or not issubclass(cls, WindowPool):
        guess = did_you_mean(section, (*window_pools(), *ALIASES))
        hint = f"did you mean `{guess}`?" if guess else f"window pools are {', '.join(window_pools())}"
        raise UsageError(f"{quoted(name)} is no window pool", hint=hint)
    keys = {"size": str(size), "stride": str(stride)}
    keys |= dict(edit.partition("=")[::2] for edit in edits.split(",") if edit)
    lines = "\n".join(f"{key}={value}" for key, value in keys.items())
    text = f"[net]\nwidth={SIDE}\nheight={SIDE}\nchannels=1\n[{cls.section}]\n{lines}\n"
    try:
        graph = compile_checked(parse(text, path=name))
        if unknown := [warning for warning in graph.diagnostics if warning.code == "unknown-key"]:
            raise CfgError(unknown)  # in a cfg it is a warning; who names one here means it
        return Network(graph)
    except CfgError as error:
        errors = "; ".join(error.message for error in error.diagnostics)
        raise UsageError(f"{quoted(name)} cannot be shown: {quoted(errors, limit=300)}") from None


@torch.no_grad()
def _pooled(network: Network, maps: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    (pooled,) = network(torch.from_numpy(np.stack(maps))[:, None])
    return tuple(pooled[:, 0].numpy())


def picture(columns: Sequence[Panel], rows: Sequence[str]) -> bytes:
    """A PNG of panels: a row a map, a column a pool; long lists of columns are broken."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    first, others = columns[0], list(columns[1:])
    wide = min(MOST_COLUMNS - 1, max(1, len(others)))
    bands = [[first, *others[at : at + wide]] for at in range(0, max(1, len(others)), wide)]
    high, across = len(bands) * len(rows), wide + 1
    layout = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0.01)
    figure = Figure(figsize=(INCHES * across, INCHES * 1.08 * high + 0.3 * len(bands)), layout=layout)
    grid = figure.subplots(high, across, squeeze=False)
    for number, band in enumerate(bands):
        for row, name in enumerate(rows):
            line = grid[number * len(rows) + row]
            for axes, panel in zip(line, band, strict=False):
                axes.imshow(panel.maps[row], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
                axes.set_xticks([])
                axes.set_yticks([])
                axes.set_title(panel.title if row == 0 else "", fontsize=8)
            line[0].set_ylabel(name)
            for axes in line[len(band) :]:
                axes.set_visible(False)
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=110, metadata={"Software": None})
    return target.getvalue()
