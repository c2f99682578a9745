"""Story: a folder of runs becomes a page; the oracles are html.parser, json, and a second page."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from darknet_py.report.report import write_report
from darknet_py.report.sections.classes import classes_plot
from darknet_py.report.sections.cost import cost_plot
from darknet_py.report.sections.training import curves_plot
from darknet_py.report.sections.verdicts import dots_plot
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.tasks.metrics import DETECTION

MakeFolder = Callable[..., Path]
FILES = ("report.html", "report.md", "report.json")
HOSTILE = (
    "<script>alert(1)<",
    '"><img src=x onerror=alert(1)>|`[x](javascript:alert(1))',
    "{{ 7 * 7 }} {% raw %} $x_{1}^$",
)
HOSTILE_CLASSES = (
    "</td></table><script>alert(2)</script>",
    "' onmouseover='alert(3)",
    "a|b\n# c\n---\n",
    "$\\frac{$_^ \x00\x1b[31m",
    "\u202edrow\u202c 🙂 \ud800",
    "<!--" + "x" * 10_000,
)


class Dom(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def dom(page: Path) -> Dom:
    parsed = Dom()
    parsed.feed(page.read_text(encoding="utf-8"))
    parsed.close()
    return parsed


@pytest.fixture(scope="session")
def written(make_folder: MakeFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("kind") / "out", samples=2)
    assert write_report(folder) == folder / "report.html"
    return folder


@pytest.fixture(scope="session")
def hostile(make_folder: MakeFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_folder(
        tmp_path_factory.mktemp("bad") / "out", samples=2, names=HOSTILE, classes=HOSTILE_CLASSES
    )
    for cfg in folder.glob("runs/*/*/net.cfg"):
        cfg.write_text(
            cfg.read_text().replace("what all variants share", "</pre><script>alert(4)</script> ```")
        )
    write_report(folder)
    return folder


@pytest.fixture(scope="session")
def incomplete(make_folder: MakeFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without a result, a sample that is no image, and a code fence in a cfg."""
    folder = make_folder(tmp_path_factory.mktemp("incomplete") / "out")
    (folder / "runs/yolov3-tiny-spp/seed-1/result.json").unlink()
    sample = folder / "runs/yolov3-tiny/samples/0.png"
    sample.parent.mkdir()
    sample.write_bytes(b"\x89PNG\r\n\x1a\nno")
    cfg = folder / "runs/yolov3-tiny-spp/seed-0/net.cfg"
    cfg.write_text(cfg.read_text() + "# ````` end\n")
    write_report(folder)
    return folder


def test_R11_the_same_folder_gives_the_same_bytes(written: Path, tmp_path: Path) -> None:
    first = {name: (written / name).read_bytes() for name in FILES}
    copy = tmp_path / "copy"
    shutil.copytree(written, copy, ignore=shutil.ignore_patterns(*FILES))
    write_report(copy)
    assert first == {name: (copy / name).read_bytes() for name in FILES}
    assert [path.name for path in copy.iterdir() if path.suffix == ".tmp"] == []


def test_the_navigation_leads_to_each_heading(written: Path, incomplete: Path) -> None:
    for folder in (written, incomplete):
        tags = dom(folder / "report.html").tags
        anchors = [f"#{attributes['id']}" for tag, attributes in tags if tag == "h2"]
        assert [attributes["href"] for tag, attributes in tags if tag == "a"] == anchors


def test_the_page_needs_nothing_from_outside(written: Path) -> None:
    parsed = dom(written / "report.html")
    assert not {tag for tag, _ in parsed.tags} & {"link", "iframe", "object", "base", "form"}
    for _, attributes in parsed.tags:
        assert str(attributes.get("src", "data:image/")).startswith("data:image/")
        assert str(attributes.get("href", "#")).startswith(("#", "data:image/jpeg"))
    page = (written / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|url\(|@import", page)
    policy = next(a["content"] for tag, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert re.match(
        r"default-src 'none'; script-src 'sha256-[\w+/]{43}='; style-src 'unsafe-inline'; img-src data:;",
        policy,
    )


def test_the_page_names_no_place_of_the_machine(written: Path) -> None:
    for name in FILES:
        assert str(written.parent) not in (written / name).read_text(encoding="utf-8")
    for tag, attributes in dom(written / "report.html").tags:
        if tag == "img" and "svg" in str(attributes["src"]):
            svg = base64.b64decode(str(attributes["src"]).partition(",")[2]).decode()
            assert "dc:date" not in svg
            assert str(written.parent) not in svg


def test_the_verdicts_are_sentences_with_their_intervals(written: Path) -> None:
    found = json.loads((written / "report.json").read_text())["verdicts"]
    same, spp = ([f"{100 * one[key]:+.1f}" for key in ("effect", "low", "high")] for one in found)
    text = "".join(dom(written / "report.html").text).replace("\N{MINUS SIGN}", "-")
    assert (
        f"yolov3-tiny-spp ({spp[0]} AP, 95 % interval {spp[1]} to {spp[2]}) is better than yolov3-tiny."
        in text
    )
    assert f"This study cannot tell yolov3-tiny-stochpool ({same[0]} AP, 95 % interval {same[1]} to" in text
    assert "; this study sees differences of " in text


def test_the_json_holds_what_was_measured(written: Path) -> None:
    value = json.loads((written / "report.json").read_text())
    assert list(value)[:8] == [
        "format", "task", "data", "seeds", "title", "summary", "notes", "verdicts",
    ]  # fmt: skip
    spp = value["variants"][2]
    low, high = 557 / 1010, 569 / 1010
    half = {"half_range": (high - low) / 2}
    assert spp["ap"] == {"mean": 563 / 1010, **half, "min": low, "max": high, "runs": [low, high]}
    assert (spp["reach"], spp["latency_ms"], spp["missing"]) == ([702, 702], 6.8, [])
    assert set(DETECTION.words) <= set(spp)
    assert [(v["variant"], v["metric"], v["differs"], v["outcome"]) for v in value["verdicts"]] == [
        ("yolov3-tiny-stochpool", "ap", False, "unclear"),
        ("yolov3-tiny-spp", "ap", True, "better"),
    ]
    better = value["verdicts"][1]
    assert better["effect"] == pytest.approx((557 + 569 - 409 - 432) / 2020)
    assert 0 < better["low"] < better["effect"] < better["high"]
    assert (better["baseline"], better["confidence"], better["method"]) == ("yolov3-tiny", 0.95, "nested")
    assert better["visible"] > better["high"] - better["effect"]
    assert better["df"] >= 3


def test_R06_what_has_no_truth_is_null_and_is_printed_as_such(written: Path) -> None:
    value = json.loads((written / "report.json").read_text())
    nothing = {"mean": None, "half_range": None, "min": None, "max": None, "runs": [None, None]}
    assert value["variants"][0]["ap_large"] == nothing
    assert "| n/a |" in (written / "report.md").read_text(encoding="utf-8")
    assert "n/a" in dom(written / "report.html").text


def test_hostile_names_change_no_tag_of_the_page(written: Path, hostile: Path) -> None:
    good, bad = dom(written / "report.html"), dom(hostile / "report.html")
    assert [tag for tag, _ in bad.tags] == [tag for tag, _ in good.tags]
    assert [sorted(attributes) for _, attributes in bad.tags] == [sorted(a) for _, a in good.tags]


def test_hostile_names_are_shown_as_text(hostile: Path) -> None:
    text = "".join(dom(hostile / "report.html").text)
    for name in (*HOSTILE, "</td></table><script>alert(2)</script>", "a|b\\n# c\\n---\\n", "\\x00\\x1b[31m"):
        assert name in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)


def test_hostile_names_stay_in_their_cells_of_markdown(written: Path, hostile: Path) -> None:
    good, bad = (
        (folder / "report.md").read_text(encoding="utf-8").split("\n") for folder in (written, hostile)
    )
    assert [line.count("|") for line in bad if line.startswith("| ")] == [
        line.count("|") for line in good if line.startswith("| ")
    ]
    outside = "\n".join(bad[: next(at for at, line in enumerate(bad) if "```" in line)])
    assert not re.search(r"<\w|\]\(", outside)
    assert set(HOSTILE_CLASSES) == set(json.loads((hostile / "report.json").read_text())["data"]["classes"])


def test_a_fence_is_longer_than_any_in_the_cfg(incomplete: Path) -> None:
    lines = (incomplete / "report.md").read_text(encoding="utf-8").split("\n")
    assert lines.count("``````") == 1
    assert "+# ````` end" in lines


def test_an_unfinished_run_is_listed(incomplete: Path) -> None:
    text = dom(incomplete / "report.html").text
    assert "Not finished, and left out: yolov3-tiny-spp, seed 1." in text
    assert "1 of 2" in text
    value = json.loads((incomplete / "report.json").read_text())
    assert value["variants"][2]["missing"] == [1]
    assert [one["seeds"] for one in value["verdicts"]] == [1, 1]
    assert "Verdicts leave out what not every variant has finished: seed 1." in text
    assert "Of one seed each, this is about the images alone: seeds were not looked at." in "".join(text)


def test_a_sample_that_is_no_image_is_left_out(incomplete: Path) -> None:
    assert "no image" in dom(incomplete / "report.html").text


def test_one_variant_alone_is_reported(run_folder: Path, change: Callable[..., Path]) -> None:
    plan = json.loads((run_folder / "compare.json").read_text())
    change("compare.json", "variants", to=plan["variants"][:1])
    (run_folder / "latency.json").unlink()
    text = "".join(dom(write_report(run_folder)).text)
    assert "yolov3-tiny was trained on scenes for 40 epochs with 2 seeds each" in text
    assert json.loads((run_folder / "report.json").read_text())["verdicts"] == []


@pytest.mark.parametrize("draw", [dots_plot, curves_plot, classes_plot, cost_plot])
def test_a_plot_is_drawn_without_logs_and_without_truth(run_folder: Path, draw: Callable[[Any], str]) -> None:
    for result in run_folder.glob("runs/*/*/result.json"):
        record = json.loads(result.read_text())
        record["scores"] |= dict.fromkeys(DETECTION.words)
        record["scores"]["per_class"] = dict.fromkeys(record["scores"]["per_class"])
        result.write_text(json.dumps(record))
        (result.parent / "log.jsonl").write_text("")
    assert draw(read_comparison(run_folder)).uri.startswith("data:image/svg+xml;base64,")
