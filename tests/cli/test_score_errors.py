"""Story: `score --by` and `score --report`. Oracles: the figures of `drawn.py`, and messages in full."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.command import Cli
from tests.scoring.errors.drawn import drawn


@pytest.fixture
def words(tmp_path: Path) -> list[object]:
    """RESULTS and --data, with pictures."""
    truth, results = drawn()
    (tmp_path / "data" / "val").mkdir(parents=True)
    (tmp_path / "data" / "annotations").mkdir()
    (tmp_path / "data" / "annotations" / "instances_val.json").write_text(json.dumps(truth))
    for image in truth["images"]:
        Image.new("RGB", (640, 480), (90, 40 * image["id"], 60)).save(
            tmp_path / "data" / "val" / image["file_name"]
        )
    (tmp_path / "found.json").write_text(json.dumps(results))
    return ["score", tmp_path / "found.json", "--data", tmp_path / "data"]


def test_the_page_is_written_with_slices_of_the_files_images(
    words: list[object], tmp_path: Path, cli: Cli, tiny_cfg: Callable[..., str]
) -> None:
    rows = "".join(f"{n}.jpg,{'rain' if n < 3 else 'sun'}\n" for n in range(1, 7))
    (tmp_path / "w.csv").write_text("image,weather\n" + rows)
    more = [
        "--by",
        "size",
        "--by",
        f"{tmp_path / 'w.csv'}:weather",
        "--by",
        "field",
        "--cfg",
        tiny_cfg(classes=3),
    ]
    results = (tmp_path / "found.json").read_bytes()
    code, out, _ = cli(*words, *more, "--report", tmp_path / "found.html", "--json")
    assert code == 0
    assert (tmp_path / "found.json").read_bytes() == results, "the page's JSON has another name"
    found = json.loads(out)
    assert list(found["slices"]) == ["size in square pixels", "weather", "share in the receptive field"]
    objects = {name: one["objects"] for name, one in found["slices"]["weather"].items()}
    images = [one["image_id"] for one in drawn()[0]["annotations"]]
    assert objects == {"rain": sum(n < 3 for n in images), "sun": sum(n >= 3 for n in images)}
    assert found["report"] == str(tmp_path / "found.html")
    page = json.loads((tmp_path / "found.report.json").read_text())
    assert page["errors"]["ap50"] == pytest.approx(found["coco"]["ap50"], abs=1e-12)
    assert page["slices"]["weather"] == found["slices"]["weather"]
    assert (tmp_path / "found.html").read_text().count("data:image/jpeg") >= 12


def test_slices_are_printed_below_the_figures(words: list[object], tmp_path: Path, cli: Cli) -> None:
    code, out, _ = cli(*words, "--by", "position")
    assert code == 0
    assert "\nposition in the image  objects   recall     AP50       AP\nmiddle " in out
    assert "report" not in out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--by", "colour"], "error: there is no property colour"),
        (["--by", "field"], "= name the network: --cfg CFG"),
        (["--by", "none.csv:weather"], "none.csv: error: it cannot be read"),
        (["--report", "page.pdf"], "page.pdf: error: the name of a report ends in .html"),
        (["--report", "none/page.html"], "none/page.html: error: is in a folder that does not exist"),
    ],
)
def test_what_cannot_be_divided_or_written_is_one_message(
    words: list[object], tmp_path: Path, cli: Cli, more: list[str], message: str
) -> None:
    code, out, err = cli(*words, *more)
    assert code in (2, 3)
    assert out == ""
    assert message in err
    assert err.count("error: ") == 1
    assert not list(tmp_path.glob("page*"))


def test_a_damaged_image_leaves_no_page(words: list[object], tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "data" / "val" / "2.jpg").write_bytes(b"\xff\xd8\xff")
    code, out, err = cli(*words, "--report", tmp_path / "page.html")
    assert (code, out) == (3, "")
    assert "2.jpg" in err
    assert not list(tmp_path.glob("page*"))
