"""Training steps of pytorchyolo's network and loss, for `training.py`; runs where pytorchyolo is."""

from __future__ import annotations

import sys

import numpy as np
import torch
from pytorchyolo.models import load_model
from pytorchyolo.utils.loss import compute_loss
from turns import serve


def main(batch: str, cfg: str, threads: str) -> None:
    """The loop of its `train.py`, with gradient descent and one minibatch a batch."""
    torch.set_num_threads(int(threads))
    model = load_model(cfg).train()
    given = np.load(batch)
    images, rows = torch.from_numpy(given["images"]), torch.from_numpy(given["rows"])
    targets = torch.cat([rows[:, :1], rows[:, 5:], rows[:, 1:5]], dim=1)  # image, class, x, y, w, h
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5, momentum=0.9, weight_decay=5e-4)

    def step() -> None:
        loss, _ = compute_loss(model(images), targets, model)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    serve(step, threads=torch.get_num_threads())


if __name__ == "__main__":
    main(*sys.argv[1:])
