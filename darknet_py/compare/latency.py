"""Latency: milliseconds per image of each variant, at batch 1.

A machine that does other work makes every network slow, and some slower than others. So the share of the time
is taken in which the measuring thread had a core, and how far rounds lie from the fastest; a measurement that
was disturbed is made again, and if all were, the best is kept and reported as such.
"""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Mapping, Sequence

import torch

from darknet_py.graph.graph import Graph
from darknet_py.model.network import Network
from darknet_py.runs.folders import ComparisonFolder
from darknet_py.runs.latency_file import is_measured, write_latencies
from darknet_py.runs.records import Latency

ROUNDS, WARM_UP_ROUNDS = 15, 3
ATTEMPTS = 3

Times = tuple[float, float]  # milliseconds of one image: passed, and of the measuring thread on a core


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
    attempts: list[dict[str, Latency]] = []
    while len(attempts) < ATTEMPTS and not (attempts and _quiet(attempts[-1])):
        attempts.append(_measure(networks, device))
    best = min(attempts, key=lambda one: (not _quiet(one), sum(row.median for row in one.values())))
    write_latencies(folder.latency, setting, best, cfgs=cfgs)


def summarize(rounds: Sequence[Times], *, device: str) -> Latency:
    """The latency of one variant.

    Args:
        rounds: without those of the warm-up.
        device: of others than the CPU the thread waits, so that its share says nothing.
    """
    passed = [one for one, _ in rounds]
    share = sum(own for _, own in rounds) / sum(passed) if device == "cpu" else 1.0
    median, low, high = statistics.median(passed), min(passed), max(passed)
    return Latency(round(median, 3), round(low, 3), round(high, 3), round(min(share, 1.0), 3))


def _quiet(latencies: Mapping[str, Latency]) -> bool:
    return not any(one.disturbed for one in latencies.values())


def _measure(networks: Mapping[str, Network], device: str) -> dict[str, Latency]:
    times: dict[str, list[Times]] = {name: [] for name in networks}
    with torch.inference_mode():
        for _ in range(WARM_UP_ROUNDS + ROUNDS):
            for name, network in networks.items():
                times[name].append(_time_one_image(network, device))
    return {name: summarize(rounds[WARM_UP_ROUNDS:], device=device) for name, rounds in times.items()}


def _time_one_image(network: Network, device: str) -> Times:
    net = network.graph.net
    image = torch.rand(1, net.channels, net.height, net.width, device=device)
    image = image.contiguous(memory_format=torch.channels_last)
    start, busy = time.perf_counter(), time.thread_time()
    for raw in network(image):
        raw.sum().item()  # waits for a device that computes asynchronously
    return 1000 * (time.perf_counter() - start), 1000 * (time.thread_time() - busy)
