"""Training steps of ultralytics' yolov3-tiny, for `training.py`; runs where ultralytics is.

Without the clipping of gradients and the average of weights that its trainer adds to every update.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from turns import serve
from ultralytics.cfg import get_cfg
from ultralytics.nn.tasks import DetectionModel


def main(batch: str, cfg: str, threads: str) -> None:
    """Loss by the network's own criterion, gradient descent as its trainer sets it."""
    model = DetectionModel("yolov3-tiny.yaml", nc=80, verbose=False).train()
    model.args = get_cfg()
    torch.set_num_threads(int(threads))  # its `select_device` leaves a core alone
    given = np.load(batch)
    rows = torch.from_numpy(given["rows"])
    batch_inputs = {"batch_idx": rows[:, 0], "cls": rows[:, 5:], "bboxes": rows[:, 1:5]}
    batch_inputs["img"] = torch.from_numpy(given["images"])
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5, momentum=0.937, nesterov=True)

    def step() -> None:
        loss, _ = model(batch_inputs)
        loss.sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    serve(step, threads=torch.get_num_threads())


if __name__ == "__main__":
    main(*sys.argv[1:])
