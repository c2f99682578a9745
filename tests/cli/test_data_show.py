"""Oracle: the colours of boxes at their corners. Kind: story."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darknet_py.__main__ import main
from darknet_py.predict.drawing import colour_of
from tests.data.check.damaged import put


def folder(root: Path) -> Path:
    for name in "abc":
        put(root / "pets" / f"{name}.png", Image.new("RGB", (200, 100)))
        put(root / "pets" / f"{name}.txt", "1 0.5 0.5 0.2 0.4\n0 0.5 0.5 0.9 0.9\n")
    put(root / "pets" / "classes.txt", "cat\ndog\n")
    return root / "pets"


def test_11_boxes_of_an_export_are_drawn_with_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "seen"
    assert main(["data", "show", str(folder(tmp_path)), "-o", str(out), "--count", "2"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "c.png"]
    pixels = np.asarray(Image.open(out / "a.png"))
    assert tuple(pixels[70, 80]) == tuple(pixels[70, 120]) == colour_of(1)
    assert tuple(pixels[95, 190]) == colour_of(0)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "all: 3 images, 6 boxes of 2 classes (3 each)"
    assert told[1:] == [f"{out}/a.png: 2 boxes", f"{out}/c.png: 2 boxes"]


def test_pictures_go_to_a_new_folder_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pets = folder(tmp_path)
    before = (pets / "a.png").read_bytes()
    assert main(["data", "show", str(pets), "-o", str(pets)]) == 2
    assert "is there already, and not empty" in capsys.readouterr().err
    assert (pets / "a.png").read_bytes() == before
