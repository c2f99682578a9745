"""ultralytics' yolov3-tiny trained by its own defaults, for `learning.py`; runs where ultralytics is.

From `conv15` its first nine convolutions and their batch normalisations get Darknet's floats, and the maps
behind them are compared with ours. Its own activation is SiLU, for which the floats were not made: with
`activation` torch.nn.LeakyReLU(0.1) the network is the one they belong to.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from matplotlib import font_manager
from torch import nn
from ultralytics import YOLO
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn.tasks import yaml_model_load
from ultralytics.utils import USER_CONFIG_DIR, torch_utils

OURS_AND_THEIRS = {8: 8, 14: 15}  # our layer, and the index of the same map among its modules
WITH_FLOATS = 9  # convolutions before the first head
BORDER = 3  # cells to the right and below that its pool of 2 x 2 with stride 1 changes: it pads with zeros
JOB: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
OUT = Path(JOB["out"])


class Trainer(DetectionTrainer):
    """The package's own, but for the weights that a network begins with."""

    def get_model(self, *args: Any, **kwargs: Any) -> nn.Module:
        """The network, with Darknet's floats in it where the job says so."""
        model = super().get_model(*args, **kwargs)
        if JOB["weights"]:
            fill(model, Path(JOB["weights"]))
            print("transplanted; largest difference from our maps:", compare(model))
        return model


@torch.no_grad()
def fill(model: nn.Module, path: Path) -> None:
    """Darknet's order: biases, scales, means, variances, then the convolution."""
    numbers = np.fromfile(path, "<f4", offset=20)
    layers = [layer for layer in model.model if hasattr(layer, "conv")][:WITH_FLOATS]
    for layer in layers:
        norm = layer.bn
        for tensor in (norm.bias, norm.weight, norm.running_mean, norm.running_var, layer.conv.weight):
            tensor.copy_(torch.from_numpy(numbers[: tensor.numel()].copy()).view(tensor.shape))
            numbers = numbers[tensor.numel() :]
    assert not len(numbers), f"{len(numbers)} floats are left over"


@torch.no_grad()
def compare(model: nn.Module) -> dict[str, float]:
    """Differences from our maps; with its own activation or epsilon they would say nothing."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    own = [norm.eps for norm in norms]
    mode = model.training
    for norm in norms:
        norm.eps = 1e-5
    model.eval()
    probe = np.load(OUT / "probe.npz")
    x, found = torch.from_numpy(probe["image"]), {}
    theirs = {index: layer for layer, index in OURS_AND_THEIRS.items()}
    for index, module in enumerate(model.model[: max(theirs) + 1]):
        if hasattr(module, "act"):
            kept, module.act = module.act, nn.LeakyReLU(0.1)
        x = module(x)
        if hasattr(module, "act"):
            module.act = kept
        if index in theirs:
            layer = str(theirs[index])
            difference = (x - torch.from_numpy(probe[layer])).abs()
            found[layer] = float(difference[..., :-BORDER, :-BORDER].max())
    assert max(found.values()) < 1e-4, f"the floats are not where they belong: {found}"
    for norm, eps in zip(norms, own, strict=True):
        norm.eps = eps
    model.train(mode)
    return found


def described() -> tuple[str, str]:
    """Its yaml files of the network and of the data."""
    network = yaml_model_load("yolov3-tiny.yaml")
    if JOB["activation"]:
        network["activation"] = JOB["activation"]
    data = {"path": JOB["data"], "train": "images/train", "val": "images/val"}
    data["names"] = dict(enumerate(JOB["names"]))
    paths = OUT / "yolov3-tiny.yaml", OUT / "data.yaml"
    for path, content in zip(paths, (network, data), strict=True):
        path.write_text(yaml.safe_dump(content))
    return str(paths[0]), str(paths[1])


def main() -> None:
    """Train, then detect with the networks that it kept, as its own validation does."""
    torch_utils.NUM_THREADS = JOB["threads"]  # otherwise it leaves one core alone
    font = font_manager.findfont("DejaVu Sans")
    shutil.copy(font, USER_CONFIG_DIR / "Arial.ttf")  # so that it looks for none in the network
    network, data = described()
    chosen = {"imgsz": JOB["size"], "epochs": JOB["epochs"], "seed": JOB["seed"], "workers": JOB["workers"]}
    quiet = {"project": str(OUT), "plots": False, "exist_ok": True, "device": "cpu"}
    kept = {"name": "run", "save_period": max(1, JOB["epochs"] // JOB["looks"])}
    trainer = Trainer(overrides={"model": network, "data": data, **kept, **chosen, **quiet})
    trainer.train()
    for path in sorted((OUT / "run" / "weights").glob("*.pt")):
        epoch = path.stem.removeprefix("epoch")
        which = f"epoch-{int(epoch) + 1:03}" if epoch.isdigit() else epoch
        model = YOLO(path)
        model.val(data=data, imgsz=JOB["size"], save_json=True, name=f"val-{which}", workers=0, **quiet)
        found = json.loads((OUT / f"val-{which}" / "predictions.json").read_text())
        rows = [[one["image_id"], one["category_id"] - 1, *one["bbox"], one["score"]] for one in found]
        (OUT / f"detections-{which}.json").write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
