"""Golden. Oracle: outputs recorded from AlexeyAB's Darknet (tests/golden/README.md), every layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.export.onnx_graph import onnx_graph
from darknet_py.graph.compile import compile
from darknet_py.layers.heads.head import Head
from darknet_py.model.weights_file import read_arrays
from tests.onnx_runs import run_onnx
from tests.test_golden_layers import CASES, FOLDER, TOLERANCE, difference


@pytest.mark.parametrize("case", CASES)
def test_onnxruntime_computes_what_darknet_computed(case: str, tmp_path: Path) -> None:
    with np.load(FOLDER / f"{case}.npz", allow_pickle=False) as recorded:
        graph = compile(parse(str(recorded["cfg"])))
        file = tmp_path / "net.weights"
        file.write_bytes(recorded["weights"].tobytes())
        network = onnx_graph(graph, read_arrays(graph, file), outputs=range(len(graph)))
        maps = run_onnx(network, recorded["input"])
        assert len(maps) == len(graph)
        for node, mine in zip(graph, maps, strict=True):
            raw = torch.from_numpy(mine)
            held = node.layer.activate(raw) if isinstance(node.layer, Head) else raw
            darknet = recorded[f"layer_{node.index:03d}"]
            assert difference(held.numpy(), darknet) <= TOLERANCE, f"layer {node.index}"
