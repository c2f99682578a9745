"""Property. Oracle: TensorBoard's own reader, and the run's log."""

from __future__ import annotations

import io
import json
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from darknet_py.errors import UsageError
from darknet_py.train.run.tensorboard import BATCHES, FOLDER, TensorBoard
from tests.train.small_run import Unbroken, at_iteration, resumed, send, start

reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def events_of(run: Path) -> Any:
    found = reader.EventAccumulator(str(run / FOLDER), size_guidance={reader.SCALARS: 0, reader.IMAGES: 0})
    return found.Reload()


def test_a_run_that_was_killed_shows_every_line_of_its_log_once(unbroken: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "run"
    killed = at_iteration(15, send(signal.SIGKILL))
    assert start(unbroken.data, out, "--tensorboard", before=killed).wait() == -signal.SIGKILL
    resumed(unbroken, out, "--tensorboard")
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    events = events_of(out)
    for name in ("loss", "learning_rate", "ap", "ap50"):
        wanted = [(line["iteration"], line[name]) for line in lines if name in line]
        assert wanted
        found = [(event.step, event.value) for event in events.Scalars(name)]
        assert [step for step, _ in found] == [step for step, _ in wanted], name
        assert np.allclose([value for _, value in found], [value for _, value in wanted], rtol=1e-6)


def test_the_first_batches_are_pictures_with_boxes(unbroken: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert start(unbroken.data, out, "--tensorboard").wait() == 0
    pictures = events_of(out).Images("batch")
    assert [picture.step for picture in pictures] == list(range(1, BATCHES + 1))
    for picture in pictures:
        pixels = np.asarray(Image.open(io.BytesIO(picture.encoded_image_string)).convert("RGB"), int)
        assert len({tuple(pixel) for pixel in pixels.reshape(-1, 3)[::7]}) > 50, "a picture, not a plain area"


def test_without_the_flag_there_is_nothing(unbroken: Unbroken) -> None:
    assert not (unbroken.out / FOLDER).exists()


def test_where_tensorboard_is_not_installed_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match="TensorBoard is not installed\n   = pip install tensorboard"):
        TensorBoard(tmp_path, enabled=True)
