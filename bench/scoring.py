"""COCO's figures of drawn detections in one run: darknet-py, pycocotools, faster-coco-eval and hotcoco.

    python bench/scoring.py [--images 5000] [--classes 80] [--detections 100]
    python bench/scoring.py --resamples 1000    # the bootstrap over images, of six runs and four figures

The times are those of tables or indices, and of matching with all twelve figures; reading JSON is not timed.
faster-coco-eval and hotcoco are run where they can be imported. Every engine runs in a process of its own,
whose greatest memory is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import importlib
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ENGINES = ("darknet-py", "faster-coco-eval", "hotcoco", "pycocotools")


def drawn(images: int, classes: int, detections: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Truths of 640 x 480 pixels, up to 14 an image, and detections, half of them near a truth."""
    draw = np.random.default_rng(0)
    truths: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image in range(1, images + 1):
        count = int(draw.integers(0, 15))
        sizes = draw.uniform(8, 300, (count, 2))
        corners = draw.uniform(0, [640, 480] - sizes) if count else sizes
        labels = draw.integers(1, classes + 1, count)
        for box, label in zip(np.hstack([corners, sizes]).tolist(), labels.tolist(), strict=True):
            one = {"id": len(truths) + 1, "image_id": image, "category_id": label, "bbox": box}
            truths.append({**one, "area": box[2] * box[3], "iscrowd": int(draw.random() < 0.01)})
        for _ in range(detections):
            if count and draw.random() < 0.5:
                near = truths[-1 - int(draw.integers(count))]
                box, label = np.array(near["bbox"]) + draw.normal(0, 8, 4), near["category_id"]
                box[2:] = np.maximum(box[2:], 1)
            else:
                box = np.concatenate([draw.uniform(0, 300, 2), draw.uniform(5, 200, 2)])
                label = int(draw.integers(1, classes + 1))
            score = round(float(draw.random()), 6)
            results.append(
                {"image_id": image, "category_id": label, "bbox": box.round(3).tolist(), "score": score}
            )
    named = [{"id": n, "name": str(n)} for n in range(1, classes + 1)]
    sized = [{"id": n, "width": 640, "height": 480, "file_name": f"{n}.jpg"} for n in range(1, images + 1)]
    return {"images": sized, "annotations": truths, "categories": named}, results


def ours(truth: dict[str, Any], results: list[dict[str, Any]]) -> Callable[[], list[float]]:
    """darknet-py: its tables are made before, as the indices of the others."""
    from darknet_py.scoring.coco_figures import coco_arrays
    from darknet_py.scoring.matching import match
    from darknet_py.scoring.tables import detection_table, truth_table

    table = truth_table(truth)
    found = detection_table(table, results)

    def run() -> list[float]:
        figures = coco_arrays(match(table, found)).figures()
        return [-1.0 if value is None else value for value in figures.values()]

    return run


def theirs(module: str, truth: dict[str, Any], results: list[dict[str, Any]]) -> Callable[[], list[float]]:
    """An evaluation in pycocotools' words; its indices are made before."""
    if module == "hotcoco":
        hotcoco = importlib.import_module(module)
        annotated = hotcoco.COCO(truth)
        judge = hotcoco.COCOeval(annotated, annotated.load_res(results), "bbox")
    else:
        if module == "pycocotools":
            coco, evaluation = importlib.import_module("pycocotools.coco").COCO, "pycocotools.cocoeval"
            judge_class = importlib.import_module(evaluation).COCOeval
        else:
            package = importlib.import_module(module)
            coco, judge_class = package.COCO, package.COCOeval_faster
        annotated = coco()
        annotated.dataset = truth
        annotated.createIndex()
        judge = judge_class(annotated, annotated.loadRes(copy.deepcopy(results)), "bbox")

    def run() -> list[float]:
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
        return [float(value) for value in judge.stats[:12]]

    return run


def measure(engine: str, file: Path) -> dict[str, Any]:
    """Seconds, memory and figures of one engine."""
    truth, results = json.loads(file.read_text())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    module = engine.replace("-", "_")
    start = time.perf_counter()
    run = ours(truth, results) if engine == "darknet-py" else theirs(module, truth, results)
    middle = time.perf_counter()
    stats = run()
    end = time.perf_counter()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "prepared": middle - start,
        "seconds": end - middle,
        "read_gb": before / 1e6,
        "gb": most / 1e6,
        "stats": stats,
    }


def measure_bootstrap(truth: dict[str, Any], results: list[dict[str, Any]], resamples: int) -> None:
    """Time the covariance of six runs in AP of all objects and of three sizes; matching is not timed."""
    from darknet_py.scoring.matching import match
    from darknet_py.scoring.tables import detection_table, truth_table
    from darknet_py.stats.covariance import bootstrap_covariance

    table = truth_table(truth)
    runs = [match(table, detection_table(table, results))] * 6
    before, busy = time.perf_counter(), time.process_time()
    for figure in ("ap", "ap_small", "ap_medium", "ap_large"):
        bootstrap_covariance(runs, figure, resamples=resamples)
    seconds, busy = time.perf_counter() - before, time.process_time() - busy
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{resamples} resamples, 6 runs, 4 figures: {seconds:.1f} s, {busy:.1f} s of a core, {most:.2f} GB")


def main() -> None:
    """Time every engine in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--classes", type=int, default=80)
    parser.add_argument("--detections", type=int, default=100, help="of an image")
    parser.add_argument("--resamples", type=int, help="time the bootstrap over images in place of scoring")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.engine:
        with contextlib.redirect_stdout(io.StringIO()):
            found = measure(args.engine, args.file)
        print(json.dumps(found))
        return
    print(f"{args.images} images, {args.classes} classes, {args.detections} detections an image")
    if args.resamples:
        measure_bootstrap(*drawn(args.images, args.classes, args.detections), args.resamples)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "drawn.json"
        file.write_text(json.dumps(drawn(args.images, args.classes, args.detections)))
        first: list[float] = []
        for engine in ENGINES:
            words = [sys.executable, __file__, "--engine", engine, "--file", str(file)]
            done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
            if done.returncode:
                print(f"{engine:<18} skipped: {done.stderr.strip().splitlines()[-1]}")
                continue
            found = json.loads(done.stdout.splitlines()[-1])
            first = first or found["stats"]
            equal = "first" if first is found["stats"] else "equal" if first == found["stats"] else "differ"
            least = max((abs(a - b) for a, b in zip(first, found["stats"], strict=True)), default=0.0)
            times = f"{found['prepared']:5.2f} + {found['seconds']:6.2f} s"
            memory = f"{found['gb']:5.2f} GB (read {found['read_gb']:.2f})"
            print(f"{engine:<18} {times}  {memory}  figures: {equal} ({least:.1e})")


if __name__ == "__main__":
    main()
