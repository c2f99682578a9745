"""Latency: milliseconds per image of each variant, at batch 1."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Mapping

import torch

from darknet_py.graph.graph import Graph
from darknet_py.model.network import Network
from darknet_py.runs.folders import ComparisonFolder
from darknet_py.runs.latency_file import is_measured, write_latencies
from darknet_py.runs.records import Latency

ROUNDS, WARM_UP_ROUNDS = 15, 3


def measure_latencies(graphs: Mapping[str, Graph], folder: ComparisonFolder, *, device: str) -> None:
    """Measure all variants and write latency.json, unless that was done before in the same setting.

    The variants take turns, so that a change of the machine's speed affects all of them.
    """
    threads = torch.get_num_threads()
    setting = {"unit": "ms per image", "batch": 1, "threads": threads, "rounds": ROUNDS, "device": device}
    cfgs = {
        name: hashlib.sha256(str(graph.document).encode("utf-8", "surrogateescape")).hexdigest()
        for name, graph in graphs.items()
    }
    if is_measured(folder.latency, setting, cfgs=cfgs):
        return
    networks = {name: Network(graph).eval().to(device) for name, graph in graphs.items()}
    times: dict[str, list[float]] = {name: [] for name in networks}
    with torch.inference_mode():
        for _ in range(WARM_UP_ROUNDS + ROUNDS):
            for name, network in networks.items():
                times[name].append(_time_one_image(network, device))
    latencies = {}
    for name, values in times.items():
        measured = values[WARM_UP_ROUNDS:]
        median, low, high = statistics.median(measured), min(measured), max(measured)
        latencies[name] = Latency(round(median, 3), round(low, 3), round(high, 3))
    write_latencies(folder.latency, setting, latencies, cfgs=cfgs)


def _time_one_image(network: Network, device: str) -> float:
    net = network.graph.net
    image = torch.rand(1, net.channels, net.height, net.width, device=device)
    image = image.contiguous(memory_format=torch.channels_last)
    start = time.perf_counter()
    for raw in network(image):
        raw.sum().item()  # waits for a device that computes asynchronously
    return 1000 * (time.perf_counter() - start)
