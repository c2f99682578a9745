"""Every cfg compared with OpenCV 4's own importer of Darknet files: raw maps, and where they differ.

    python bench/opencv_zoo.py [--side S] [--within D] [CFG ...]
    python bench/opencv_zoo.py --recordings FOLDER     # OpenCV compared with Darknet itself

`--recordings` reads the folder tests/golden/layers. Without cfgs: those of this repository and, where it is
beside it, shared/zoo. Each network gets random weights, scales and statistics, and an image of S x S (default
128; the cfg's own size where its layers need it) of noise. Every cell of the raw map of every head
is compared, those at the border included; of a network without heads, its last map. A network that differs is
compared layer by layer, and the first layer that differs is printed.

OpenCV runs without fusion and without Winograd's algorithm, whose rounding alone is 1e-4. It divides by the
root of variance + 1e-6, where recordings of Darknet have 1e-5, so it is given variances that are greater by
the difference.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from bench.onnx_zoo import smaller  # noqa: E402
from darknet_py.cfg.diagnostics import CfgError  # noqa: E402
from darknet_py.cfg.document import parse  # noqa: E402
from darknet_py.edit.folding import expanded  # noqa: E402
from darknet_py.engines.opening import open_engine  # noqa: E402
from darknet_py.graph.compile import compile  # noqa: E402
from darknet_py.graph.executable import must_run  # noqa: E402
from darknet_py.graph.graph import Graph  # noqa: E402
from darknet_py.layers.heads.head import Head  # noqa: E402
from darknet_py.model.restoring import restore  # noqa: E402
from darknet_py.model.weights_file import declared_specs  # noqa: E402
from darknet_py.ops.block import EPSILON  # noqa: E402

ZOO = ROOT.parent / "shared" / "zoo"
ENGINES = ("onnxruntime", "torch")
NUMBERED = re.compile(r"(\w+)_(\d+)")
NEXT_NUMBER = ("relu", "leaky", "swish", "mish", "logistic", "tanh", "adjust_crop")  # than their section's
OF_HEADS = ("permute", "yolo")  # their outputs are decoded boxes
RANGES = {"scales": (0.5, 1.3), "variances": (0.5, 1.5)}  # of the mean square of scale / root, 0.95
ADDED = 0.2  # of a branch that is added to another: the sums of a hundred blocks stay small
HEADER_WORDS = 5  # of 4 bytes
OPENCVS_EPSILON = 1e-6
ACTIVATION = re.compile(r"(relu|leaky|swish|mish|logistic|tanh|elu)_(\d+)")  # the number of the next section


@dataclass(frozen=True)
class Row:
    """What came of one cfg.

    Args:
        kind: equal, differs, not read (by OpenCV), not run (here).
        words: the figures, or why.
    """

    kind: str
    words: str


class OpenCvNetwork:
    """A Darknet network in OpenCV.

    Args:
        text: the cfg.
        weights: the file.

    Raises:
        cv2.error: when OpenCV does not read it.
    """

    def __init__(self, text: str, weights: bytes) -> None:
        """Read it."""
        bytes_ = with_darknets_epsilon(compile(parse(text)), weights)
        self._net = cv2.dnn.readNetFromDarknet(
            np.frombuffer(text.encode("utf-8", "surrogateescape"), np.uint8), bytes_
        )
        self._net.enableFusion(False)
        self._net.enableWinograd(False)
        self._names: dict[int, str] = {}  # the last layer of each section
        for name in self._net.getLayerNames():
            found = NUMBERED.fullmatch(name)
            if found and found[1] not in OF_HEADS:
                self._names[int(found[2]) - (found[1] in NEXT_NUMBER)] = name

    def maps(self, images: np.ndarray, sections: list[int]) -> dict[int, np.ndarray]:
        """The maps of those sections that it has."""
        known = [index for index in sections if index in self._names]
        self._net.setInput(images)
        found = self._net.forward([self._names[index] for index in known])
        return dict(zip(known, found, strict=True))


def with_darknets_epsilon(graph: Graph, weights: bytes) -> np.ndarray:
    """The bytes of a file from which OpenCV computes with Darknet's epsilon."""
    floats = np.frombuffer(weights, "<f4").copy()
    at = HEADER_WORDS
    for spec in declared_specs(graph):
        if spec.name == "variances":
            floats[at : at + spec.floats] += np.float32(EPSILON - OPENCVS_EPSILON)
        at += spec.floats
    return floats.view(np.uint8)


def raw_sections(graph: Graph) -> list[int]:
    """The sections that compute what an engine puts out: those that the heads read."""
    return [
        graph[index].inputs[0] if isinstance(graph[index].layer, Head) else index
        for index in graph.raw_outputs
    ]


def write_varied(graph: Graph, path: Path) -> None:
    """Write random weights, scales and statistics; a layer's map is about as large as what it reads."""
    draw = np.random.default_rng(0)
    added = {node.inputs[0] for node in graph if node.layer.section == "shortcut"}
    with path.open("wb") as file:
        file.write(np.array([0, 2, 5, 0, 0], "<i4").tobytes())
        for spec in declared_specs(graph):
            values = draw.standard_normal(spec.shape, np.float32) * np.float32(0.1)
            if spec.name in ("scales", "variances"):
                values = draw.uniform(*RANGES[spec.name], spec.shape)
                if spec.name == "scales" and spec.node.index in added:
                    values *= ADDED
            elif len(spec.shape) > 1:
                values *= np.float32(10 * np.sqrt(2 * spec.shape[0] / spec.floats))
            file.write(values.astype("<f4", copy=False).tobytes())


def noise(graph: Graph, *, count: int) -> np.ndarray:
    """Images of random numbers."""
    shape = (count, graph.image.channels, graph.image.height, graph.image.width)
    return np.random.default_rng(count).random(shape, np.float32)


def relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The greatest difference over the greatest value."""
    if ours.size != theirs.size:
        return float("inf")
    largest = np.abs(ours.reshape(theirs.shape).astype(np.float64) - theirs).max()
    return float(largest / max(np.abs(theirs).max(), 1e-30))


def compare_with_opencv(path: Path, side: int, within: float) -> Row:
    """Compare both engines with OpenCV, which is given composite layers in Darknet's sections."""
    try:
        graph = smaller(path, side)
        must_run(graph)
    except CfgError as error:
        return Row("not run", error.diagnostics[0].message)
    plain, images = expanded(graph), noise(graph, count=1)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "varied.weights"
        write_varied(graph, weights)
        try:
            theirs = OpenCvNetwork(str(plain.document), weights.read_bytes())
            expected = theirs.maps(images, raw_sections(plain))
        except cv2.error as error:
            return Row("not read", reason(error))
        figures = {}
        for name in ENGINES:
            found = open_engine(graph, weights, engine=name)(images)
            figures[name] = max(relative(a, b) for a, b in zip(found, expected.values(), strict=True))
        words = ", ".join(f"{name} {figure:.1e}" for name, figure in figures.items())
        if max(figures.values()) <= within:
            return Row("equal", words)
        return Row("differs", f"{words}; first {first_difference(plain, weights, theirs, images, within)}")


def first_difference(
    graph: Graph, weights: Path, theirs: OpenCvNetwork, images: np.ndarray, within: float
) -> str:
    """The first layer whose map is not OpenCV's."""
    with torch.inference_mode():
        traced = restore(graph, weights).eval().trace(torch.from_numpy(images))
    layers = [node.index for node in graph if not isinstance(node.layer, Head)]
    for index, expected in theirs.maps(images, layers).items():
        figure = relative(traced[index].numpy(), expected)
        if figure > within:
            return f"{graph[index].name}, by {figure:.1e}"
    return "in no layer"


def reason(error: cv2.error) -> str:
    """What OpenCV says, without its places."""
    words = str(error.err) or str(error)
    return " ".join(words.split())[:120]


def compare_with_darknet(path: Path, within: float) -> Row:
    """Compare OpenCV's maps with those that Darknet computed of the same network."""
    with np.load(path, allow_pickle=False) as recorded:
        text = str(recorded["cfg"])
        try:
            theirs = OpenCvNetwork(text, recorded["weights"].tobytes())
            maps = theirs.maps(recorded["input"], list(range(len(json.loads(str(recorded["table"]))))))
        except cv2.error as error:
            return Row("not read", reason(error))
        for index, found in maps.items():
            darknet = recorded[f"layer_{index:03d}"]
            if (figure := relative(darknet, found)) > within:
                return Row("differs", f"layer {index}, by {figure:.1e}")
    return Row("equal", f"{len(maps)} layers")


def main() -> int:
    """Print a line for each cfg or recording."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cfgs", nargs="*", type=Path)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--within", type=float, default=1e-4)
    parser.add_argument("--recordings", type=Path)
    options = parser.parse_args()
    kinds: Counter[str] = Counter()
    if options.recordings:
        files = sorted(options.recordings.glob("*.npz"))
    else:
        files = options.cfgs or sorted([*ZOO.glob("*.cfg"), *(ROOT / "cfg").rglob("*.cfg")])
    for file in files:
        if options.recordings:
            row = compare_with_darknet(file, options.within)
        else:
            row = compare_with_opencv(file, options.side, options.within)
        kinds[row.kind] += 1
        print(f"| {file.stem} | {row.kind} | {row.words} |", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in kinds.items()))
    return kinds["differs"] > 0


if __name__ == "__main__":
    sys.exit(main())
