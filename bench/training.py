"""A step of training (forward, loss, backward, update), ours and the peers', side by side in one run.

`python bench/training.py [--peers PYTHON] [--data FOLDER]`. Every variant is a live process; one works at a
time, in turns; medians of the rounds. The same 8 images and 64 truths for all, yolov3-tiny at 416; any cfg by
`--cfg NAME=FILE`. Beside them torch.mm of 2048 x 2048, the rate that a step's arithmetic is compared with:
three times the forward FLOPs. `--peers` is a Python that has pytorchyolo and ultralytics; one that is absent
is skipped. `--data` adds complete iterations of a training, mosaic and two loaders included.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from darknet_py.cfg.document import Document, must_parse, read  # noqa: E402
from darknet_py.cfg.edits import set_value  # noqa: E402
from darknet_py.graph.compile import compile  # noqa: E402
from darknet_py.train.recipe import apply_recipe  # noqa: E402

BATCH, SIZE, TRUTHS, SIDE = 8, 416, 64, 2048
ULTRALYTICS_BFLOPS = 8.03  # of its network of this name, at 416 with 80 classes, by its own count
TARGETS = {"pytorchyolo": 1.6, "ultralytics": 1.3}  # our step is so many times faster; ultralytics per BFLOP
SHARE, MEMORY, COMPLETE = 0.65, 1.1, 1.1


@dataclass
class Worker:
    """One live process and what it took, in seconds a step."""

    name: str
    bflops: float
    command: list[str]
    times: list[float] = field(default_factory=list)
    peak_mib: float = 0.0

    def begin(self, threads: int) -> None:
        """Start it, and wait until it is ready."""
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "YOLO_OFFLINE": "1"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(self.command, text=True, bufsize=1, env=environment, **pipes)  # type: ignore[call-overload]  # noqa: S603
        output = iter(self.process.stdout.readline, "")
        facts = next((line for line in output if line.startswith("{")), "")  # a library may print more
        if not facts:
            raise SystemExit(f"{self.name}: its process ended before it was ready")
        self.threads = json.loads(facts)["threads"]

    def turn(self) -> float:
        """Let it work once."""
        self.process.stdin.write("\n")
        return float(self.process.stdout.readline())

    def end(self) -> None:
        """Ask for its peak memory, and let it go."""
        self.process.stdin.close()
        self.peak_mib = int(self.process.stdout.readline()) / 1024
        self.process.wait()

    @property
    def seconds(self) -> float:
        """The median of its turns."""
        return statistics.median(self.times)


def matrix_product() -> float:
    """GFLOP/s of one product of two matrices."""
    a, b = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
    start = time.perf_counter()
    torch.mm(a, b)
    return 2e-9 * SIDE**3 / (time.perf_counter() - start)


def the_batch(path: Path) -> None:
    """Images, and rows of image, x, y, w, h, class."""
    rng = np.random.default_rng(0)
    images = rng.random((BATCH, 3, SIZE, SIZE), dtype=np.float32)
    size, image = rng.uniform(0.04, 0.5, (TRUTHS, 2)), np.sort(np.arange(TRUTHS) % BATCH)
    boxes = [image, *(rng.uniform(size / 2, 1 - size / 2)).T, *size.T, rng.integers(80, size=TRUTHS)]
    np.savez(path, images=images, rows=np.stack(boxes, axis=1).astype(np.float32))


def fixed(document: Document) -> Document:
    """The batch and the size of the measurement; no other sizes in between."""
    for key, value in {"batch": BATCH, "subdivisions": 1, "width": SIZE, "height": SIZE, "mosaic": 1}.items():
        document = set_value(document, 0, key, str(value))
    for head in compile(document).heads:
        document = set_value(document, head + 1, "random", "0")
    return document


def plain(folder: Path) -> Path:
    """The shipped cfg without comments behind values, which pytorchyolo does not read."""
    text = (ROOT / "cfg" / "yolov3-tiny.cfg").read_text()
    (folder / "plain.cfg").write_text(re.sub(r"[ \t]*#.*", "", text))
    return folder / "plain.cfg"


def cfgs(extra: list[str]) -> dict[str, Document]:
    """yolov3-tiny by both recipes, and what the person names."""
    tiny = fixed(must_parse(read(ROOT / "cfg" / "yolov3-tiny.cfg")))
    modern = apply_recipe(compile(tiny), "modern", fresh=True).document
    named = (one.partition("=") for one in extra)
    return {
        "ours, Darknet's loss": tiny,
        "ours, modern recipe": fixed(modern),
        **{f"ours, {name}": fixed(must_parse(read(path))) for name, _, path in named},
    }


def present(python: str | None, package: str) -> bool:
    """Whether an interpreter has a package."""
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    return python is not None and subprocess.run([python, "-c", look], check=False).returncode == 0  # noqa: S603


def workers(asked: argparse.Namespace, folder: Path) -> list[Worker]:
    """All that can run here; what cannot is said."""
    the_batch(folder / "batch.npz")
    paths, found = {}, []
    for number, (name, document) in enumerate(cfgs(asked.cfg).items()):
        path = paths[name] = folder / f"{number}.cfg"
        path.write_text(str(document))
        words = [sys.executable, HERE / "peers" / "ours_step.py", folder / "batch.npz", path, asked.threads]
        found.append(Worker(name, compile(document).cost.bflops_conv, list(map(str, words))))
    for peer, bflops in (("pytorchyolo", found[0].bflops), ("ultralytics", ULTRALYTICS_BFLOPS)):
        if present(asked.peers, peer):
            words = [
                asked.peers,
                HERE / "peers" / f"{peer}_step.py",
                folder / "batch.npz",
                plain(folder),
                asked.threads,
            ]
            found.append(Worker(peer, bflops, list(map(str, words))))
        else:
            print(
                f"{peer}: skipped, " + (f"{asked.peers} has none" if asked.peers else "there is no --peers")
            )
    if asked.data:
        for name, path in list(paths.items())[:2]:
            words = [sys.executable, HERE / "peers" / "ours_training.py", asked.data, path, asked.threads]
            bflops = found[list(paths).index(name)].bflops
            found.append(Worker(f"{name}, complete", bflops, list(map(str, words))))
    return found


def measured(all_: list[Worker], rounds: int, threads: int) -> list[float]:
    """Rounds of turns; the first is for warming up. Returns the matrix products' rates."""
    torch.set_num_threads(threads)
    for worker in all_:
        worker.begin(threads)
    rates = []
    for number in range(rounds + 1):
        torch.set_num_threads(threads)
        rate = statistics.median(matrix_product() for _ in range(5))
        taken = [worker.turn() for worker in all_]
        if number:
            rates.append(rate)
            for worker, seconds in zip(all_, taken, strict=True):
                worker.times.append(seconds)
    for worker in all_:
        worker.end()
    return rates


def print_table(all_: list[Worker], rates: list[float]) -> None:
    """Print the table, and the ratios with their targets."""
    rate, first = statistics.median(rates), all_[0].seconds
    print(f"torch.mm {SIDE}: {rate:.0f} GFLOP/s ({min(rates):.0f} to {max(rates):.0f})\n")
    print(
        "| variant | ms a step | fastest to slowest | ms an image and BFLOP | torch.mm | times ours | MiB |"
    )
    print("|---|---:|---|---:|---:|---:|---:|")
    for one in all_:
        share = 3 * BATCH * one.bflops / one.seconds / rate
        spread = f"{1000 * min(one.times):.0f} to {1000 * max(one.times):.0f}"
        each = 1000 * one.seconds / BATCH / one.bflops
        print(
            f"| {one.name} | {1000 * one.seconds:.0f} | {spread} | {each:.1f} | {100 * share:.0f} % |", end=""
        )
        print(f" {one.seconds / first:.2f} | {one.peak_mib:.0f} |")
    print()
    by_name = {one.name: one for one in all_}
    steps = [one for one in all_ if one.name.startswith("ours") and not one.name.endswith("complete")]
    for own in steps:
        against(own, by_name, rate)


def against(own: Worker, by_name: dict[str, Worker], rate: float) -> None:
    """Compare one of our variants with its targets."""
    share = 3 * BATCH * own.bflops / own.seconds / rate
    ratio(f"{own.name}: share of torch.mm", share, f"> {SHARE}")
    for peer, target in TARGETS.items():
        if other := by_name.get(peer):
            gain = (other.seconds / other.bflops) / (own.seconds / own.bflops)
            ratio(f"{peer} / {own.name}, time per BFLOP", gain, f"> {target}")
            ratio(f"{own.name} / {peer}, peak memory", own.peak_mib / other.peak_mib, f"< {MEMORY}")
    if complete := by_name.get(f"{own.name}, complete"):
        ratio(f"{own.name}: complete / step", complete.seconds / own.seconds, f"< {COMPLETE}")


def ratio(what: str, value: float, target: str) -> None:
    """A ratio and its target, as "< 2.2" or "> 3"."""
    sign, _, bound = target.partition(" ")
    missed = value > float(bound) if sign == "<" else value < float(bound)
    print(f"- {what}: {value:.2f} (target {target}{', MISSED' * missed})")


def main() -> None:
    """All variants, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="a Python that has pytorchyolo and ultralytics")
    parser.add_argument("--data", help="a COCO folder of 80 classes, for complete iterations")
    parser.add_argument("--cfg", action="append", default=[], metavar="NAME=FILE", help="may be repeated")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()
    print(
        f"torch {torch.__version__}, {asked.threads} threads each; ultralytics by itself leaves a core alone"
    )
    with tempfile.TemporaryDirectory() as folder:
        all_ = workers(asked, Path(folder))
        rates = measured(all_, asked.rounds, asked.threads)
    print_table(all_, rates)


if __name__ == "__main__":
    main()
