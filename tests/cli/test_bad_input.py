"""Story. What a person reads when a file is wrong: one message, an exit code, nothing left behind."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from darknet_py.__main__ import main
from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.model.network import Network
from darknet_py.model.weights import save_weights

CFG = """[net]
width=32
height=32
channels=3
batch=2
max_batches=2
[convolutional]
filters=18
size=3
stride=4
pad=1
activation=linear
[yolo]
mask=0,1,2
anchors=4,4, 8,8, 16,16
classes=1
num=3
"""
BYTES = 20 + 4 * (18 + 18 * 27)


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "small.cfg").write_text(CFG)
    save_weights(Network(compile(parse(CFG))), tmp_path / "small.weights")
    whole = (tmp_path / "small.weights").read_bytes()
    (tmp_path / "short.weights").write_bytes(whole[:100])
    (tmp_path / "other.weights").write_bytes(whole + bytes(8))
    (tmp_path / "good.jpg").write_bytes(jpeg())
    (tmp_path / "cut.jpg").write_bytes(jpeg()[:600])
    (tmp_path / "text.jpg").write_text("dear diary")
    (tmp_path / "empty").mkdir()
    for name, text in (("broken", '{"images": [1,'), ("bare", "{}")):
        (tmp_path / name / "annotations").mkdir(parents=True)
        for split in ("train", "val"):
            (tmp_path / name / "annotations" / f"instances_{split}.json").write_text(text)
            (tmp_path / name / split).mkdir()
    return tmp_path


def detect(weights: str, source: str) -> Callable[[Path], list[str]]:
    return lambda at: [
        "detect",
        *("--cfg", str(at / "small.cfg")),
        *("--weights", str(at / weights)),
        str(at / source),
        *("--out", str(at / "out")),
    ]


def on_data(verb: str, data: str, *more: str) -> Callable[[Path], list[str]]:
    words = [verb, "--cfg"] if verb != "compare" else [verb]
    weights = ["--weights", "small.weights"] if verb == "eval" else ["--out", "out"]
    return lambda at: [
        *words,
        str(at / "small.cfg"),
        *("--data", data if data == "scenes" else str(at / data)),
        *(weights[0], str(at / weights[1])),
        *more,
    ]


CASES = {  # what is typed, the exit code, and what the message must hold
    "a missing image": (detect("small.weights", "none.jpg"), 3, "none.jpg: error: no such file"),
    "a text called .jpg": (detect("small.weights", "text.jpg"), 3, "is not an image: it begins with 'dear"),
    "a truncated jpeg": (detect("small.weights", "cut.jpg"), 3, "cut.jpg: error: is a damaged image"),
    "an empty folder": (detect("small.weights", "empty"), 3, "empty: error: holds no image"),
    "missing weights": (detect("none.weights", "good.jpg"), 3, "none.weights: error: no such file"),
    "truncated weights": (detect("short.weights", "good.jpg"), 3, "ends inside layer 0 [convolutional]"),
    "weights of another network": (detect("other.weights", "good.jpg"), 3, f"has {BYTES + 8:,} bytes"),
    "an image as weights": (detect("good.jpg", "good.jpg"), 3, "good.jpg: error:"),
    "annotations that are no json": (on_data("eval", "broken"), 3, ":1:15: error: is not JSON"),
    "annotations without images": (on_data("eval", "bare"), 3, "instances_val.json: error:"),
    "a folder without annotations": (
        on_data("train", "empty"),
        3,
        "empty: error: is not a data set: found no folder",
    ),
    "a data set of other classes": (on_data("eval", "scenes"), 3, "the data set has 8 classes, and layer 1"),
    "a data set that is not there": (on_data("compare", "nowhere"), 3, "is not a data set"),
    "--names without --weights": (on_data("train", "scenes", "--names", "a"), 2, "there is no --weights"),
    "--partial without --weights": (on_data("train", "scenes", "--partial", "3"), 2, "there is no --weights"),
    "a device that is not there": (on_data("eval", "scenes", "--device", "tpu"), 2, "--device tpu cannot"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_message_says_what_is_wrong(case: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, code, message = CASES[case]
    before = sorted(place.rglob("*"))
    assert main(words(place)) == code
    told = capsys.readouterr().err
    assert message in told
    assert told.count("error:") == 1
    assert "Traceback" not in told
    assert sorted(place.rglob("*")) == before, "nothing is left behind"


def test_I05_one_bad_image_among_others_leaves_the_others_done(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = detect("small.weights", "good.jpg")(place)
    command.insert(-2, str(place / "text.jpg"))
    assert main(command) == 3
    said = capsys.readouterr()
    assert "good.jpg: " in said.out
    assert "1 of 2 images could not be read" in said.err
    assert (place / "out" / "good.jpg").is_file()
    assert main([*command, "--keep-going"]) == 0
    assert "1 of 2 images could not be read" in capsys.readouterr().err


def test_a_missing_line_of_a_list_is_named_and_counted_and_the_others_are_done(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "some.txt").write_text("good.jpg\ngone.jpg\ngood.jpg\n")
    command = detect("small.weights", "some.txt")(place)
    assert main(command) == 3
    assert len([*(place / "out").iterdir()]) == 2
    said = capsys.readouterr()
    assert said.err.index("some.txt:2: error: no such image") < said.err.index("1 of 3 images could not be")
    assert main([*command, "--keep-going", "--json"]) == 0
    said = capsys.readouterr()
    assert ["error" in entry for entry in json.loads(said.out)] == [False, True, False]
    assert "some.txt:2: error: no such image: gone.jpg" in said.err
    assert "1 of 3 images could not be read: gone.jpg" in said.err


def test_keep_going_with_nothing_but_missing_images_fails(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "some.txt").write_text("gone.jpg\nlost.jpg\n")
    assert main([*detect("small.weights", "some.txt")(place), "--keep-going"]) == 3
    assert "2 of 2 images could not be read: gone.jpg, lost.jpg" in capsys.readouterr().err
