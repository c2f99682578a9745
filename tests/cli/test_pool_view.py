"""Property and story. Oracle: the sections there are, numpy on the maps, and panels counted in the PNG."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from darknet_py.__main__ import main
from darknet_py.analysis.pool_view import MOST_COLUMNS, SIDE, Panel, maps_of, panels, window_pools

MAPS = ("edges", "texture", "noise")
DRAWS = {"stochpool"}  # of the sections as they are without keys
PANEL_PX = 187  # 1.7 inches at 110 dots an inch
POOLS = ", ".join(window_pools())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    Image.fromarray(scene()).save(tmp_path / "scene.png")
    (tmp_path / "text.png").write_text("dear diary")
    (tmp_path / "cut.png").write_bytes((tmp_path / "scene.png").read_bytes()[:200])
    (tmp_path / "folder").mkdir()
    return tmp_path


def scene() -> np.ndarray:
    """A ramp with a bright box and some grain: edges, a texture, and no square."""
    ramp = np.linspace(40, 200, 80).astype(np.uint8)[None, :, None].repeat(60, 0).repeat(3, 2)
    ramp[20:40, 30:60] = 250
    return ramp + np.random.default_rng(1).integers(0, 6, ramp.shape, dtype=np.uint8)


def view(at: Path, *words: str, image: str = "scene.png", out: str = "view.png") -> int:
    return main(["pool-view", str(at / image), *words, "--out", str(at / out)])


def shape_of(columns: int) -> tuple[int, int]:
    """Bands of panels, and panels across, of that many columns; the map begins each band."""
    across = min(MOST_COLUMNS - 1, columns)
    return -(-columns // across), across + 1


def framed(path: Path) -> int:
    """How many panels the picture has: each is a black frame, apart from the others on white paper."""
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    boxes = cv2.connectedComponentsWithStats((grey < 128).astype(np.uint8), connectivity=8)[2][1:]
    sides = boxes[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return int((sides > PANEL_PX // 2).all(axis=1).sum())


@pytest.mark.parametrize(
    "names", [(), ("maxpool",), ("max", "medianpool", "stochpool"), ("lppool@p=3,size=3",)]
)
def test_the_picture_has_a_panel_for_each_map_and_pool(
    names: tuple[str, ...], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert view(place, *names) == 0
    shown = names or window_pools()
    said = f"{place / 'view.png'}: {len(shown)} pools of size 5 and stride 1 on {place / 'scene.png'}\n"
    assert capsys.readouterr() == (said, "")
    columns = len(shown) + 2 * len(DRAWS & set(shown))
    bands, across = shape_of(columns)
    assert framed(place / "view.png") == len(MAPS) * (columns + bands)
    with Image.open(place / "view.png") as image:
        assert image.format == "PNG"
        assert image.width == across * PANEL_PX
        assert image.height == pytest.approx(bands * (len(MAPS) * 1.08 * PANEL_PX + 33), abs=1)


def pooled(*names: str, pixels: np.ndarray | None = None, size: int = 5, stride: int = 1) -> list[Panel]:
    maps = maps_of(scene() if pixels is None else pixels)
    assert tuple(maps) == MAPS
    return list(panels(list(maps.values()), names, size=size, stride=stride))


def test_without_names_every_window_pool_is_shown_and_with_names_only_those() -> None:
    assert {"maxpool", "medianpool", "mixpool", "stochpool"} <= set(window_pools())
    assert not {"spp", "sppnet", "avgpool", "convolutional"} & set(window_pools())
    titles = [panel.title.split("\n")[0] for panel in pooled()]
    assert list(dict.fromkeys(titles)) == ["the map", *window_pools()]
    assert [panel.title for panel in pooled("softpool", "maxpool@size=3")] == [
        *("the map", "softpool", "maxpool@size=3")
    ]


def test_size_and_stride_are_the_windows_and_keys_of_a_name_come_first() -> None:
    the_map, nine, three = pooled("maxpool", "maxpool@size=3,padding=0,stride=3", size=9, stride=2)
    for row, pixels in enumerate(the_map.maps):
        dilated = cv2.dilate(pixels, np.ones((9, 9), np.uint8))[::2, ::2]
        assert np.array_equal(nine.maps[row], dilated)
        inner = pixels[:111, :111].reshape(37, 3, 37, 3).max(axis=(1, 3))
        assert np.array_equal(three.maps[row], inner)


@pytest.mark.parametrize("name", ["stochpool", "stochpool@negatives=softmax,size=3", "mixpool@mode=random"])
def test_two_draws_differ_and_the_same_seed_repeats(name: str) -> None:
    the_map, first, second, expected = pooled(name)
    words = "training, seed 0", "training, seed 1", "evaluation"
    assert [p.title for p in (first, second, expected)] == [f"{name}\n{word}" for word in words]
    for before, *rows in zip(the_map.maps, first.maps, second.maps, expected.maps, strict=True):
        assert all(row.shape == before.shape for row in rows)
        assert not any(np.array_equal(rows[i], rows[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    for panel, again in zip(pooled(name), pooled(name), strict=True):
        assert all(map(np.array_equal, panel.maps, again.maps))


def test_a_pool_that_draws_only_in_another_mode_is_shown_once() -> None:
    assert [panel.title for panel in pooled("mixpool", "mixpool@mode=gated")] == [
        *("the map", "mixpool", "mixpool@mode=gated")
    ]


def test_the_same_command_makes_the_same_bytes(place: Path) -> None:
    for out in ("one.png", "two.png"):
        assert view(place, "stochpool", "maxpool", out=out) == 0
    assert (place / "one.png").read_bytes() == (place / "two.png").read_bytes()


def test_the_median_removes_salt_and_pepper_and_the_mean_and_the_maximum_do_not() -> None:
    grey = np.full((SIDE, SIDE, 3), 102, np.uint8)
    the_map, median, mean, greatest = pooled("medianpool", "local_avgpool", "maxpool", pixels=grey)
    noisy = the_map.maps[MAPS.index("noise")]
    level = np.float32(102) / 255
    salted = noisy != level
    assert 0.05 < salted.mean() < 0.11
    assert set(np.unique(noisy[salted])) == {0, 1}
    assert (median.maps[2] == level).all()
    assert (mean.maps[2] != level).mean() > 0.5
    assert (greatest.maps[2] == 1).mean() > 0.5


def test_maps_come_of_pictures_of_any_size() -> None:
    for height, width in ((1, 1), (1, 300), (300, 40), (SIDE, SIDE)):
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
        for values in maps_of(pixels).values():
            assert values.shape == (SIDE, SIDE)
            assert values.dtype == np.float32
            assert 0 <= values.min() <= values.max() <= 1


REFUSED = {  # words, image, what is written to; exit code, the message
    "a misspelt name": (["medianpol"], {}, 2, "medianpol is no window pool\n   = did you mean `medianpool`?"),
    "an unknown name": (["nowhere"], {}, 2, f"nowhere is no window pool\n   = window pools are {POOLS}"),
    "one wrong name among others": (["maxpool", "softpol"], {}, 2, "did you mean `softpool`?"),
    "a pool of no window": (["avgpool"], {}, 2, "avgpool is no window pool"),
    "a section that is no pool": (["convolutional"], {}, 2, "convolutional is no window pool"),
    "a name of escapes": (["\x1b[31m"], {}, 2, "\\x1b[31m is no window pool"),
    "a wrong value": (
        ["maxpool@size=two"],
        {},
        2,
        "maxpool@size=two cannot be shown: size=two: expected a whole number",
    ),
    "a window that does not fit": (
        ["maxpool@padding=400"],
        {},
        2,
        "puts windows of 5 outside the map",
    ),
    "a missing image": ([], {"image": "none.png"}, 3, "none.png: error: cannot be read: No such file"),
    "a folder as image": ([], {"image": "folder"}, 3, "folder: error: is a folder, not an image file"),
    "a text called .png": ([], {"image": "text.png"}, 3, "text.png: error: is not an image: it begins with"),
    "a cut image": ([], {"image": "cut.png"}, 3, "cut.png: error: is a damaged image"),
    "a folder as output": (["maxpool"], {"out": "folder"}, 3, "folder: error: Is a directory"),
    "no folder for it": (
        ["maxpool"],
        {"out": "no/view.png"},
        3,
        "view.png: error: No such file or directory",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_one_message_says_what_is_wrong_and_nothing_is_written(
    case: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, where, code, message = REFUSED[case]
    (place / "view.png").write_bytes(b"of before")
    before = dict(files(place))
    assert view(place, *words, **where) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert said.err.count("error:") == 1
    assert "Traceback" not in said.err
    assert dict(files(place)) == before


def files(at: Path) -> Iterator[tuple[Path, bytes]]:
    for path in at.rglob("*"):
        yield path, path.read_bytes() if path.is_file() else b""


def test_a_full_disk_leaves_the_old_picture(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    (place / "view.png").write_bytes(b"of before")
    before = dict(files(place))
    monkeypatch.setattr("darknet_py.files.atomic.os.fsync", full)
    assert view(place, "maxpool") == 3
    assert capsys.readouterr() == ("", f"{place / 'view.png'}: error: No space left on device\n")
    assert dict(files(place)) == before


@pytest.mark.parametrize("words", [("--size", "0"), ("--stride", "-1"), ("--size", "five")])
def test_a_window_without_cells_is_refused_by_the_command_line(
    words: tuple[str, str], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        view(place, *words)
    assert f"argument {words[0]}" in capsys.readouterr().err
    assert not (place / "view.png").exists()


@pytest.mark.parametrize("name", ["maxpool@siz=3", "maxpool@colour=3", "lppool@q=2"])
def test_a_key_that_the_pool_has_not_is_a_usage_error(
    name: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert view(place, name) == 2
    assert f"has no key `{name.partition('@')[2].partition('=')[0]}`" in capsys.readouterr().err
    assert not (place / "view.png").exists()
