"""What every test shares."""

from __future__ import annotations

import pytest
import torch

torch.set_num_threads(1)  # small tensors; threads that wait for each other cost more than they bring


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
