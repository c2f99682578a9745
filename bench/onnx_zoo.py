"""Every cfg as an ONNX graph: what onnxruntime computes of it beside the torch network.

    python bench/onnx_zoo.py [--side S] [--within D] [CFG ...]

Without cfgs: those of this repository and, where it is beside it, shared/zoo. Each network gets random
weights and running statistics, and an image of S x S (default 160; the cfg's own size where its layers need
it) of noise. Prints the greatest difference at any head over the head's greatest value, and how many pass.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import must_parse, read
from darknet_py.edit.overrides import Edit, apply_overrides
from darknet_py.export.onnx_graph import OnnxNetwork, onnx_graph
from darknet_py.graph.executable import must_run
from darknet_py.graph.graph import Graph
from darknet_py.lint.check import compile_checked
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.model.weights import save_weights
from darknet_py.model.weights_file import read_arrays

ROOT = Path(__file__).resolve().parents[1]
ZOO = ROOT.parent / "shared" / "zoo"


def main() -> int:
    """Print a line for each cfg."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cfgs", nargs="*", type=Path)
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--within", type=float, default=1e-4)
    options = parser.parse_args()
    cfgs = options.cfgs or sorted([*ZOO.glob("*.cfg"), *(ROOT / "cfg").rglob("*.cfg")])
    outcomes: dict[str, int] = {"ok": 0, "FAIL": 0, "not run": 0}
    for cfg in cfgs:
        try:
            graph = must_run(smaller(cfg, options.side))
        except CfgError as error:
            outcome, words = "not run", error.diagnostics[0].message
        else:
            differs, fixed = greatest_difference(graph)
            outcome = "ok" if differs <= options.within else "FAIL"
            words = f"{differs:.1e} {fixed and f'size fixed: {fixed}'}"
        outcomes[outcome] += 1
        print(f"{outcome:8} {cfg.stem:45} {words}", flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()))
    return outcomes["FAIL"] > 0


def smaller(path: Path, side: int) -> Graph:
    """The graph for a small input, or for the cfg's own where it does not fit."""
    document = must_parse(read(path))
    edits = [Edit(None, key, str(side)) for key in ("width", "height")]
    try:
        return compile_checked(apply_overrides(document, edits))
    except CfgError:
        return compile_checked(document)


def greatest_difference(graph: Graph) -> tuple[float, str]:
    """Over the greatest value of the head, and why the size is fixed."""
    network = Network(graph).eval()
    initialise(network, seed=1)
    generator = torch.Generator().manual_seed(2)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(torch.randn(module.num_features, generator=generator) * 0.1)
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
            module.weight.data.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
            module.bias.data.copy_(torch.randn(module.num_features, generator=generator) * 0.1)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "drawn.weights"
        save_weights(network, file)
        form = onnx_graph(graph, read_arrays(graph, file))
    image = torch.rand(1, graph.image.channels, graph.image.height, graph.image.width, generator=generator)
    with torch.inference_mode():
        expected = [raw.numpy() for raw in network(image)]
    del network
    ours = computed(form, image.numpy())
    return max(relative(a, b) for a, b in zip(ours, expected, strict=True)), form.fixed_size


def relative(ours: np.ndarray, expected: np.ndarray) -> float:
    """The greatest difference over the greatest value."""
    return float(np.abs(ours - expected).max() / max(np.abs(expected).max(), 1e-30))


def computed(form: OnnxNetwork, images: np.ndarray) -> list[np.ndarray]:
    """By onnxruntime, without a copy of the weights."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    arrays = [np.ascontiguousarray(array) for array in form.weights.values()]
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in arrays]
    options.add_external_initializers(list(form.weights), values)
    session = onnxruntime.InferenceSession(form.serialized(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, {"images": images}))


if __name__ == "__main__":
    sys.exit(main())
