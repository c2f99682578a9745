"""One training of yolov3-tiny by ours or by a peer, from equal weights, judged by pycocotools in one way.

`python bench/learning.py --project ultralytics --start conv15 --data FOLDER --weights yolov3-tiny.weights
--peers PYTHON --out OUT` trains, and writes OUT/result.json, which it prints too. A peer runs in the
interpreter `--peers`, by its script in `peers/`, with its own defaults; where it is absent that is said, and
nothing else happens. `conv15`: the first 15 layers of the published weights, the same floats for all.
What a project detects in the validation images, above 0.001 and after its own suppression, is scored here.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import struct
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from darknet_py.cfg.document import Document, read  # noqa: E402
from darknet_py.data.dataset import SPLITS, Dataset  # noqa: E402
from darknet_py.data.formats.registry import open_data  # noqa: E402
from darknet_py.graph.compile import compile  # noqa: E402
from darknet_py.model.network import Network  # noqa: E402
from darknet_py.model.weights import load_weights  # noqa: E402
from darknet_py.scoring.coco import FIGURES, coco_figures  # noqa: E402
from darknet_py.train.fit import fit_to_data  # noqa: E402

LAYERS = 15  # of the published weights that a training begins with
LOOKS = 6  # how often along the training its network is judged
PROBED = (8, 14)  # layers whose maps a peer compares with ours, after its weights are set
CFG = ROOT / "cfg" / "yolov3-tiny.cfg"
Results = list[dict[str, Any]]


def lay_out(folder: Path, split: str, data: Dataset) -> None:
    """One split as the peers read it: images/SPLIT, labels/SPLIT, and a list of the images."""
    images, labels = (folder / kind / split for kind in ("images", "labels"))
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    listed = []
    for index in range(len(data)):
        record = data.record(index)
        link = images / f"{record.image_id}{Path(record.name).suffix}"
        link.unlink(missing_ok=True)
        link.symlink_to(data.path(index))  # type: ignore[attr-defined]  # a COCO folder's
        size = np.array([record.width, record.height], float)
        rows = [
            " ".join(
                map(
                    repr, (int(label), *((box[:2] + box[2:] / 2) / size).tolist(), *(box[2:] / size).tolist())
                )
            )
            for box, label, crowd in zip(record.boxes_xywh, record.labels, record.crowd, strict=True)
            if not crowd
        ]
        (labels / f"{record.image_id}.txt").write_text("".join(f"{row}\n" for row in rows))
        listed.append(f"{link}\n")
    (folder / f"{split}.txt").write_text("".join(listed))


def cut(weights: Path, out: Path) -> Path:
    """The file of the first layers alone, under the name that Darknet's users give it."""
    network = Network.from_cfg(CFG)
    floats = load_weights(network, weights, partial=LAYERS).floats
    start = 16 if struct.unpack_from("<2i", weights.read_bytes()[:8]) < (0, 2) else 20
    path = out / f"yolov3-tiny.conv.{LAYERS}"
    path.write_bytes(weights.read_bytes()[: start + 4 * floats])
    return path


def probe(weights: Path, size: int, path: Path) -> None:
    """What our layers hold for a random image, for a peer to compare with."""
    import torch

    network = Network.from_cfg(CFG).eval()
    load_weights(network, weights, partial=LAYERS)
    images = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        maps = network.trace(images)
    np.savez(path, image=images.numpy(), **{str(k): maps[k].numpy() for k in PROBED})


def ours(args: argparse.Namespace) -> dict[str, Results]:
    """The command line, as anybody types it."""
    run = args.out / "run"
    size = f"net.width={args.size},net.height={args.size}"
    command = [
        *(sys.executable, "-m", "darknet_py", "train", "--cfg", "yolov3-tiny", "--data", args.data),
        *("--epochs", f"{args.epochs:g}", "--seed", args.seed, "--out", run, "--set", size),
        *("--workers", args.workers, "--evaluations", LOOKS, *args.options),
    ]
    if args.start == "conv15":
        command += ["--weights", args.weights, "--partial", LAYERS]
    run_logged(command, args, {"PYTHONPATH": str(ROOT)})
    return {"last": json.loads((run / "detections.json").read_text())}


def curve(run: Path) -> dict[str, dict[str, float]]:
    """What our own training has written of its evaluations, which are pycocotools' too."""
    lines = map(json.loads, (run / "log.jsonl").read_text().splitlines())
    scored = [line for line in lines if "ap" in line]
    return {f"epoch-{round(line['epoch']):03}": {key: line[key] for key in ("ap", "ap50")} for line in scored}


def peer(args: argparse.Namespace, data: dict[str, Dataset]) -> dict[str, Results]:
    """Train with a peer, configured by a job file; the detections of every network that it keeps."""
    folder = args.out / "data"
    for split in SPLITS:
        lay_out(folder, split, data[split])
    names = data["val"].names
    document = fit_to_data(compile(read(CFG)), classes=len(names), images=1, epochs=None).document
    job = {
        "out": str(args.out),
        "data": str(folder),
        "names": data["val"].names,
        "layers": without_net(document),
        "size": args.size,
        "epochs": args.epochs,
        "looks": LOOKS,
        "seed": args.seed,
        "workers": args.workers,
        "threads": args.threads,
        "activation": args.activation,
        "weights": None,
    }
    if args.start == "conv15":
        job["weights"] = str(cut(args.weights, args.out))
        probe(args.weights, args.size, args.out / "probe.npz")
    (args.out / "job.json").write_text(json.dumps(job, indent=1))
    run_logged([args.peers, HERE / "peers" / f"{args.project}_learn.py", args.out / "job.json"], args, {})
    files = sorted(args.out.glob("detections-*.json"))
    return {f.stem.removeprefix("detections-"): coco(json.loads(f.read_text()), data["val"]) for f in files}


def without_net(document: Document) -> str:
    """The sections of the layers, comments left out."""
    text = re.sub(r"^\s*[#;].*\n", "", str(document), flags=re.MULTILINE)
    return text[text.index("[convolutional]") :]


def coco(rows: Iterable[list[Any]], data: Dataset) -> Results:
    """Rows (image id, label, x, y, w, h, score) as a COCO results list."""
    return [
        {"image_id": int(i), "category_id": data.category_ids[int(k)], "bbox": box, "score": score}
        for i, k, *box, score in rows
    ]


def run_logged(command: list[Any], args: argparse.Namespace, extra: dict[str, str]) -> None:
    """Run a command without network access; its output goes to OUT/log.txt."""
    own = {"OMP_NUM_THREADS": args.threads, "YOLO_OFFLINE": "1", "YOLO_CONFIG_DIR": args.out / "settings"}
    environment = os.environ | {key: str(value) for key, value in own.items()} | extra
    (args.out / "settings").mkdir(exist_ok=True)
    with (args.out / "log.txt").open("w") as log:
        words = [str(word) for word in command]
        subprocess.run(words, check=True, stdout=log, stderr=log, env=environment)  # noqa: S603  # our own


def main() -> None:
    """One training and its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", choices=("ours", "ultralytics", "pytorchyolo"), required=True)
    parser.add_argument("--start", choices=("conv15", "scratch"), required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--data", required=True, help="a COCO folder")
    parser.add_argument("--weights", type=Path, help="the published yolov3-tiny.weights, for conv15")
    parser.add_argument("--peers", type=Path, help="a Python that has the peer")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1, help="processes that load images")
    parser.add_argument("--threads", type=int, default=2, help="of the training process")
    parser.add_argument("--activation", help="ultralytics' network with another than its own, SiLU")
    parser.add_argument("options", nargs="*", help="after `--`: more options of our `train`")
    args = parser.parse_args()
    if args.start == "conv15" and not args.weights:
        parser.error("--start conv15 needs --weights")
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.project != "ours" and not present(args.peers, args.project):
        sys.exit(f"skipped: {args.peers} has no {args.project}" if args.peers else "skipped: no --peers")
    data = {split: open_data(args.data, split=split) for split in SPLITS}
    begun = time.monotonic()
    found = ours(args) if args.project == "ours" else peer(args, data)
    seconds = time.monotonic() - begun
    truth = data["val"].ground_truth()
    figures = {
        which: dict(zip(FIGURES, coco_figures(truth, results)[0], strict=True))
        for which, results in found.items()
    }
    if args.project == "ours":
        figures |= curve(args.out / "run")
    named = {key: getattr(args, key) for key in ("project", "start", "seed", "size", "epochs", "activation")}
    text = json.dumps({**named, "seconds": round(seconds), "scores": figures})
    (args.out / "result.json").write_text(text + "\n")
    print(text)


def present(python: Path | None, package: str) -> bool:
    """Whether an interpreter has a package."""
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    return python is not None and subprocess.run([python, "-c", look], check=False).returncode == 0  # noqa: S603


if __name__ == "__main__":
    main()
