"""pytorchyolo's yolov3-tiny trained by its own command with its own defaults, for `learning.py`.

[net] is that of its `create_custom_model.sh`, which its README takes for data of one's own: with its warm-up
of 1000 batches. Its `yolov3-tiny.cfg` has the same warm-up, a tenth of the learning rate and four times the
batch, and so learns less in a short training. Its pool of 2 x 2 with stride 1 pads with zeros.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import cv2
import torch
from pytorchyolo import detect, models
from pytorchyolo import train as command

NET = """[net]
batch=16
subdivisions=1
width={size}
height={size}
channels=3
momentum=0.9
decay=0.0005
angle=0
saturation = 1.5
exposure = 1.5
hue=.1
learning_rate=0.001
burn_in=1000
max_batches = 500200
policy=steps
steps=400000,450000
scales=.1,.1

"""
SUPPRESSION = 0.5  # the default of its own evaluation
JOB: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
OUT, DATA = Path(JOB["out"]), Path(JOB["data"])


def described() -> tuple[Path, Path]:
    """Its files of the network and of the data."""
    cfg, data = OUT / "yolov3-tiny.cfg", OUT / "custom.data"
    cfg.write_text(NET.format(size=JOB["size"]) + JOB["layers"])
    (DATA / "classes.names").write_text("".join(f"{name}\n" for name in JOB["names"]))
    lines = f"classes={len(JOB['names'])}\ntrain={DATA}/train.txt\nvalid={DATA}/val.txt\n"
    data.write_text(f"{lines}names={DATA}/classes.names\n")
    return cfg, data


def detections(cfg: Path, weights: Path) -> list[list[float]]:
    """Rows (image id, label, x, y, w, h, score) of all validation images."""
    model, rows = models.load_model(str(cfg), str(weights)), []
    for path in sorted((DATA / "images" / "val").iterdir()):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        found = detect.detect_image(model, image, JOB["size"], conf_thres=0.001, nms_thres=SUPPRESSION)
        for left, top, right, bottom, score, label in found.tolist():
            rows.append([int(path.stem), int(label), left, top, right - left, bottom - top, score])
    return rows


def main() -> None:
    """Train, then detect with the networks that it kept."""
    torch.set_num_threads(JOB["threads"])
    os.chdir(OUT)  # it writes into the working directory
    cfg, data = described()
    epochs = JOB["epochs"]
    every = next(n for n in range(max(1, epochs // JOB["looks"]), 0, -1) if epochs % n == 0)
    sys.argv = ["yolo-train", "--model", str(cfg), "--data", str(data), "--seed", str(JOB["seed"])]
    sys.argv += ["--epochs", str(epochs), "--n_cpu", str(JOB["workers"])]
    sys.argv += ["--checkpoint_interval", str(every), "--evaluation_interval", str(epochs)]
    if JOB["weights"]:
        sys.argv += ["--pretrained_weights", JOB["weights"]]
    command.run()
    for path in sorted((OUT / "checkpoints").glob("*.pth")):
        epoch = int(path.stem.rsplit("_", 1)[1])
        which = "last" if epoch == epochs else f"epoch-{epoch:03}"
        (OUT / f"detections-{which}.json").write_text(json.dumps(detections(cfg, path)))
        path.unlink()


if __name__ == "__main__":
    main()
