"""Measure data loading, ours and ultralytics', and decoding alone; print rates, ratios and targets.

`python bench/loading.py --data FOLDER [--ultralytics PYTHON] [--quick]`: a folder of COCO's, whose train
split is loaded by two processes, in batches of 16. Every variant is a live process; one works at a time, in
turns; a turn is 640 images after those that its loaders had ready. Medians of the rounds; shares are medians
of each round's ratio. Beside them what an image costs in processor time, all processes of a variant together:
other work on the machine changes that less. `--ultralytics` is a Python that has it.

Mosaic is Darknet's, every second sample, as [net] mosaic=1 says; "always" is every sample, as in ultralytics.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from training import Worker, present  # noqa: E402

from darknet_py.data.tools.convert import convert  # noqa: E402

BATCH, TIMED, READY = 16, 640, 320
SIZES, CACHES = (416, 640), ("none", "ram")
TARGETS = {416: 500, 640: 300}  # images a second on two cores of a machine where decoding alone reached 701
THEIRS = {416: 400, 640: 216}  # what ultralytics reached there
KINDS = {"single": "no mosaic", "mosaic": "mosaic", "always": "mosaic, always"}
ALONE = "decoding alone"


@dataclass
class Loader(Worker):
    """A live process that loads, and what its turns cost."""

    costs: list[float] = field(default_factory=list)  # milliseconds of processors an image

    def measure(self, *, counts: bool) -> None:
        """One turn."""
        before = processor_seconds(self.process.pid)
        seconds = self.turn()
        spent = processor_seconds(self.process.pid) - before
        if counts:
            self.times.append(seconds)
            self.costs.append(1000 * spent / (TIMED if self.name == ALONE else TIMED + READY))

    def rates(self) -> list[float]:
        """Images a second, turn by turn."""
        return [TIMED / seconds for seconds in self.times]


def processor_seconds(pid: int) -> float:
    """Of a process and of all that it has started."""
    children, spent = defaultdict(list), {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        children[int(fields[1])].append(int(path.parent.name))
        spent[int(path.parent.name)] = int(fields[11]) + int(fields[12])
    family = [pid]
    for one in family:
        family.extend(children[one])
    return sum(spent.get(one, 0) for one in family) / os.sysconf("SC_CLK_TCK")


def loaders(asked: argparse.Namespace, lists: Path, size: int, cache: str) -> list[Loader]:
    """Decoding alone, ours, and theirs where it is."""
    peers = HERE / "peers"
    ends = [str(number) for number in (size, BATCH, READY, TIMED)]
    found = {ALONE: [sys.executable, peers / "decoding.py", lists / "train.txt", TIMED]}
    for kind, words in KINDS.items():
        script = [sys.executable, peers / "ours_loading.py", asked.data]
        found[f"ours, {words}"] = [*script, kind, cache, *ends]
    if present(asked.ultralytics, "ultralytics"):
        files = [lists / "train.txt", lists / "obj.names"]
        for share, kind in enumerate(("single", "always")):
            script = [asked.ultralytics, peers / "ultralytics_loading.py", *files]
            found[f"ultralytics, {KINDS[kind]}"] = [*script, share, cache, *ends]
    return [Loader(name, 0.0, [str(word) for word in words]) for name, words in found.items()]


def measured(found: list[Loader], rounds: int) -> list[Loader]:
    """All of them, in turns; the first one warms up."""
    for loader in found:
        loader.begin(threads=1)
    for number in range(rounds + 1):
        for loader in found:
            loader.measure(counts=number > 0)
    for loader in found:
        loader.end()
    return found


def table(found: list[Loader], size: int, cache: str) -> None:
    """One line a loader, and what there is to reach."""
    print(f"\n### {size} pixels, cache {cache}\n")
    print("| loader | images/s | least, most | of decoding alone | processor ms an image | peak MiB |")
    print("|---|---:|---:|---:|---:|---:|")
    by_name = {loader.name: loader for loader in found}
    for loader in found:
        rates, cost = loader.rates(), statistics.median(loader.costs)
        share, middle = ratio(rates, by_name[ALONE].rates()), statistics.median(rates)
        figures = f"{middle:.0f} | {min(rates):.0f}, {max(rates):.0f} | {share:.2f} | {cost:.2f}"
        print(f"| {loader.name} | {figures} | {loader.peak_mib:.0f} |")
    print()
    theirs = by_name.get("ultralytics, mosaic, always")
    for kind in ("mosaic", "always"):
        own, least = by_name[f"ours, {KINDS[kind]}"], TARGETS[size]
        reached(f"{own.name}, images/s", statistics.median(own.rates()), least)
        if theirs:
            reached(f"{own.name} / ultralytics", ratio(own.rates(), theirs.rates()), least / THEIRS[size])
            reached(f"{own.name} / ultralytics, by processor time", ratio(theirs.costs, own.costs), 0)


def reached(what: str, value: float, least: float) -> None:
    """A figure, and its target if it has one."""
    target = f" (target > {least:.3g}{', MISSED' if value < least else ''})" if least else ""
    print(f"- {what}: {value:.3g}{target}", flush=True)


def ratio(figures: list[float], others: list[float]) -> float:
    """The median of each round's ratio."""
    return statistics.median(one / other for one, other in zip(figures, others, strict=True))


def main() -> None:
    """All tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="a COCO folder")
    parser.add_argument("--ultralytics", help="a Python that has ultralytics")
    parser.add_argument("--quick", action="store_true", help="three rounds instead of nine")
    parser.add_argument("--size", type=int, choices=SIZES, help="one size alone")
    parser.add_argument("--cache", choices=CACHES, help="one kind of cache alone")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lists = Path(folder) / "lists"
        convert(asked.data, to="darknet", out=lists)
        for size in SIZES if asked.size is None else (asked.size,):
            for cache in CACHES if asked.cache is None else (asked.cache,):
                table(measured(loaders(asked, lists, size, cache), 3 if asked.quick else 9), size, cache)


if __name__ == "__main__":
    main()
