"""Inference, side by side with others: forward, a whole process, many images, and an evaluation.

    python bench/inference.py            # all networks; five minutes on two cores
    python bench/inference.py --quick    # without yolov3-spp, fewer rounds
    python bench/inference.py --weights DIR --images DIR

Each program is a process of its own; they take turns, and medians are compared. Each gets two threads. A peer
that is not installed is skipped with a line. yolov3-spp has random weights, unless DIR has its file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import distributions, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]
os.environ["OMP_NUM_THREADS"] = "2"

import numpy as np  # noqa: E402

from bench.peers.inference import PEERS  # noqa: E402
from darknet_py.analysis.speed.drawn_weights import write_drawn  # noqa: E402
from darknet_py.analysis.speed.engines import EngineStart  # noqa: E402
from darknet_py.analysis.speed.race import Result, Rounds, race  # noqa: E402
from darknet_py.cfg.shipped import open_cfg  # noqa: E402
from darknet_py.lint.check import compile_checked  # noqa: E402

ENGINES = ("onnxruntime", "torch", "openvino")
DEFAULT = "onnxruntime"
NETWORKS = (  # a name, batches, rounds, and seconds of a turn
    ("yolo-fastest-1.1", (1,), 15, 0.2),
    ("yolo-fastest-1.1-xl", (1,), 15, 0.2),
    ("yolov3-tiny", (1, 8), 11, 0.3),
    ("yolov3-spp", (1,), 5, 0.1),
)
OPENCV_SCRIPT = """
import sys, cv2
cfg, weights, out, *files = sys.argv[1:]
net = cv2.dnn.readNetFromDarknet(cfg, weights)
names = net.getUnconnectedOutLayersNames()
for file in files:
    image = cv2.imread(file)
    height, width = image.shape[:2]
    net.setInput(cv2.dnn.blobFromImage(image, 1 / 255, (320, 320), swapRB=True))
    boxes, scores = [], []
    for rows in net.forward(names):
        for row in rows[rows[:, 4] > 0.25]:
            score = float(row[5:].max())
            if score > 0.25:
                x, y, w, h = row[:4] * (width, height, width, height)
                boxes.append([int(x - w / 2), int(y - h / 2), int(w), int(h)])
                scores.append(score)
    for i in cv2.dnn.NMSBoxes(boxes, scores, 0.25, 0.45):
        x, y, w, h = boxes[int(i)]
        cv2.rectangle(image, (x, y), (x + w, y + h), (0, 255, 0), 2)
    cv2.imwrite(out + "/" + file.rpartition("/")[2], image)
"""

EVALUATION = """
import json, sys, time
import numpy as np
from darknet_py.cfg.shipped import open_cfg
from darknet_py.engines.opening import open_engine
from darknet_py.engines.threads import MOST_CALLERS, callers_for
from darknet_py.lint.check import compile_checked
from darknet_py.predict.batch_detector import BatchDetector
from darknet_py.tasks.api import evaluate_network, open_in_network_order
from darknet_py.tasks.base import EvaluationSettings
cfg, weights, folder = sys.argv[1:]
graph = compile_checked(open_cfg(cfg))
data = open_in_network_order(graph, folder, "val", names=None)
alone = BatchDetector(open_engine(graph, weights))
shared = open_engine(graph, weights, callers=callers_for(MOST_CALLERS))
seconds = {"decoding": [], "forward": [], "loop": []}
for _ in range(3):
    began = time.perf_counter()
    images = [data.pixels(index) for index in range(len(data))]
    seconds["decoding"].append(time.perf_counter() - began)
    inputs = alone.inputs(images, [alone.fit(image.shape[:2]) for image in images])
    began = time.perf_counter()
    for start in range(0, len(inputs), 8):
        alone.engine(inputs[start : start + 8])
    seconds["forward"].append(time.perf_counter() - began)
    began = time.perf_counter()
    found = evaluate_network(shared, data, EvaluationSettings(batch=8), progress=lambda done, total: None)
    seconds["loop"].append(time.perf_counter() - began)
print(json.dumps({name: sorted(each)[1] for name, each in seconds.items()} | found.curve()))
"""
READY = """
import sys, time
import cv2, numpy, onnxruntime
import darknet_py.engines.onnxruntime_engine, darknet_py.export.onnx_graph, darknet_py.model.weights_file
from darknet_py.cfg.shipped import open_cfg
from darknet_py.engines.opening import open_engine
from darknet_py.lint.check import compile_checked
began = time.perf_counter()
open_engine(compile_checked(open_cfg(sys.argv[1])), sys.argv[2])
print(time.perf_counter() - began)
"""


def forward(name: str, cfg: Path, weights: Path, batch: int, rounds: Rounds) -> Iterator[str]:
    """The table of one network: engines of this package, then peers."""
    image = compile_checked(open_cfg(cfg)).image
    images = np.random.default_rng(0).random((batch, image.channels, image.height, image.width), np.float32)
    starts = {f"darknet-py {engine}": EngineStart(cfg.read_text(), weights, engine) for engine in ENGINES}
    for peer, (kind, package) in PEERS.items():
        if find_spec(package) is None:
            yield f"{name}: {peer} is skipped: the package {package} is not installed"
        else:
            starts[peer] = kind(str(cfg), str(weights), batch)
    results = race(starts, images, rounds)
    yield f"\n### {name} {image.height}, batch {batch}\n"
    yield "| program | ms/image | least to greatest | ratio | ready s | first call s | peak MB |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    yield from _rows(results, batch)


def _rows(results: dict[str, Result], batch: int) -> Iterator[str]:
    took = {name: found for name, found in results.items() if not found.why}
    best = min(found.call_s for found in took.values())
    for name, found in sorted(took.items(), key=lambda each: each[1].call_s):
        turns, ratio = [1000 * seconds / batch for seconds in found.turns_s], found.call_s / best
        yield (
            f"| {name} | {median(turns):.2f} | {min(turns):.2f} to {max(turns):.2f} | {ratio:.2f} "
            f"| {found.start_s:.2f} | {found.first_s:.2f} | {found.peak_bytes / 1e6:.0f} |"
        )
    yield from (f"\n{name} did not run: {found.why}" for name, found in results.items() if found.why)
    ours, rivals = took[f"darknet-py {DEFAULT}"], [took[n] for n in took if n.split()[-1] in ENGINES[::2]]
    least = min(found.call_s for found in (*rivals, *(took[n] for n in took if "torch.onnx" in n)))
    yield f"\n- default engine / best of onnxruntime and OpenVINO: {ours.call_s / least:.2f}"
    yield f"- engine torch / onnxruntime: {took['darknet-py torch'].call_s / ours.call_s:.2f}"
    if "OpenCV dnn" in took:
        yield f"- default engine / OpenCV: {ours.call_s / took['OpenCV dnn'].call_s:.2f}"


def processes(title: str, cfg: Path, weights: Path, files: Sequence[Path], rounds: int) -> Iterator[str]:
    """Whole processes on some images, drawn: `detect`, and an OpenCV script."""
    names = [str(file) for file in files]
    with tempfile.TemporaryDirectory() as out:
        detect = [sys.executable, "-m", "darknet_py", "detect", "--cfg", str(cfg), "--weights", str(weights)]
        commands = {
            "darknet-py detect": [*detect, "--out", out, *names],
            "an OpenCV script": [sys.executable, "-c", OPENCV_SCRIPT, str(cfg), str(weights), out, *names],
        }
        runs: dict[str, list[Used]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                runs[name].append(used_by(command))
    yield f"\n### {title}\n"
    yield "| program | s | ms/image | least to greatest s | processor s | peak MB |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name, each in runs.items():
        seconds, processor = [run.seconds for run in each], median(run.processor_s for run in each)
        yield (
            f"| {name} | {median(seconds):.2f} | {1000 * median(seconds) / len(files):.1f} "
            f"| {min(seconds):.2f} to {max(seconds):.2f} | {processor:.2f} | {each[0].peak_bytes / 1e6:.0f} |"
        )
    ours, theirs = (median(run.seconds for run in each) for each in runs.values())
    yield f"\n- detect / script: {ours / theirs:.2f}"


class Used(NamedTuple):
    """What a process took."""

    seconds: float
    processor_s: float
    peak_bytes: int


def used_by(command: Sequence[str]) -> Used:
    """Run a command."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    # Linux counts the memory in KiB
    return Used(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)


def versions() -> str:
    """What is compared."""
    names = (
        "onnxruntime",
        "openvino",
        "torch",
        "opencv-python-headless",
        "opencv-python",
        "pytorchyolo",
        "ultralytics",
    )
    found = [f"{name} {version(name)}" for name in names if any(distributions(name=name))]
    return f"{', '.join(found)}; {platform.machine()}, {os.cpu_count()} processors, two threads each"


def evaluation(cfg: Path, weights: Path, data: Path) -> Iterator[str]:
    """`eval` of 128 images, whole, and its loop beside what forward and decoding take alone."""
    verb = ["-m", "darknet_py", "eval", "--cfg", str(cfg), "--weights", str(weights), "--data", str(data)]
    whole = []
    for _ in range(3):
        began = time.perf_counter()
        _printed([*verb, "--json"])
        whole.append(time.perf_counter() - began)
    found = json.loads(_printed(["-c", EVALUATION, str(cfg), str(weights), str(data)]))
    least = found["forward"] + found["decoding"]
    yield f"\n### {cfg.stem}, eval of {data.name}\n"
    yield "| whole process s | loop s | forward s | decoding s | loop / (forward + decoding) | AP | AP50 |"
    yield "|---:|---:|---:|---:|---:|---:|---:|"
    seconds = " | ".join(f"{each:.2f}" for each in (median(whole), found["loop"], found["forward"]))
    ratio = f"{found['decoding']:.2f} | {found['loop'] / least:.2f}"
    yield f"| {seconds} | {ratio} | {found['ap']:.6f} | {found['ap50']:.6f} |"


def ready(name: str, cfg: Path, weights: Path) -> str:
    """Seconds from the cfg to a network that is ready, imports left out; the median of three processes."""
    seconds = [float(_printed(["-c", READY, str(cfg), str(weights)])) for _ in range(3)]
    return (
        f"\n- {name} ({weights.stat().st_size / 1e6:.0f} MB) ready, beside imports: {median(seconds):.2f} s"
    )


def _printed(words: Sequence[str]) -> str:
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout  # noqa: S603


def main() -> None:
    """Print the tables as Markdown."""
    shared = ROOT.parent / "shared"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="without yolov3-spp, a third of the rounds")
    parser.add_argument("--only", default="", help="networks whose names begin so, `process` or `eval`")
    parser.add_argument("--weights", type=Path, default=shared / "weights")
    parser.add_argument("--images", type=Path, default=shared / "data" / "coco-mini" / "val2017")
    args = parser.parse_args()
    print(versions(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, batches, count, turn_s in NETWORKS:
            if not name.startswith(args.only) or (args.quick and name == "yolov3-spp"):
                continue
            own, weights = args.weights / f"{name}.cfg", args.weights / f"{name}.weights"
            cfg = own if own.is_file() else ROOT / "cfg" / f"{name}.cfg"
            if not weights.is_file():
                weights = Path(folder) / weights.name
                write_drawn(compile_checked(open_cfg(cfg)), weights)
            for batch in batches:
                rounds = Rounds(max(3, count // 3) if args.quick else count, turn_s)
                print("\n".join(forward(name, cfg, weights, batch, rounds)), flush=True)
            print(ready(name, cfg, weights), flush=True)
    if "process".startswith(args.only):
        files = sorted(args.images.glob("*.jpg"))[:128]
        for name, some, rounds in (("yolo-fastest-1.1", 1, 9), ("yolo-fastest-1.1-xl", len(files), 3)):
            cfg, weights = args.weights / f"{name}.cfg", args.weights / f"{name}.weights"
            title = f"{name}, {some} JPEG{'s' if some > 1 else ''}, whole process"
            print("\n".join(processes(title, cfg, weights, files[:some], rounds)), flush=True)
    if "eval".startswith(args.only):
        weights = args.weights / "yolov3-tiny.weights"
        print(
            "\n".join(evaluation(ROOT / "cfg" / "yolov3-tiny.cfg", weights, args.images.parent)), flush=True
        )


if __name__ == "__main__":
    main()
