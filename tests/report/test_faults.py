"""Property: reports of what others wrote. Oracles: html.parser, json, the list of payloads, and Chromium."""

from __future__ import annotations

import base64
import json
import locale
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from darknet_py.errors import ReportError
from darknet_py.files.atomic import publish_bytes
from darknet_py.report import plotting
from darknet_py.report.markdown import escape_markdown, table_to_markdown
from darknet_py.report.plotting import STYLE, data_uri, svg
from darknet_py.report.report import write_report
from darknet_py.report.tables import ReportTable, label
from tests.paths import ROOT
from tests.report.chromium import PROGRAM, chromium
from tests.report.comparison_folder import NAMES, write_json
from tests.report.errors.test_error_report import DrawnData, write
from tests.report.large_folder import write_large
from tests.report.payloads import ATTRIBUTES, CHARACTERS, FORMULAE, FORMULAS, LONG, PAYLOADS
from tests.report.pictures_of import write_all
from tests.report.test_report import Dom, dom

FILES = ("report.html", "report.md", "report.json")
NO_FOLDER = re.compile(r"[/\\\0\ud800-\udfff]")
FOLDERS = [one for one in PAYLOADS if not NO_FOLDER.search(one) and 0 < len(one.encode()) <= 250]
FOLDERS = [one for one in FOLDERS if one not in {".", ".."}]
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
LARGEST = 5_000_000  # bytes
KNOWN = {  # the elements of a page
    *("html", "head", "meta", "title", "style", "body", "header", "main", "nav", "section", "script"),
    *("h1", "h2", "h3", "p", "a", "b", "i", "span", "div", "ul", "li", "dl", "dt", "dd", "code", "pre"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary", "figure", "figcaption", "img"),
    *("svg", "rect", "polyline", "defs", "image", "use", "path", "text"),
}
Change = Callable[..., Path]


def hostile_folder(folder: Path, texts: tuple[str, ...], names: tuple[str, ...]) -> Path:
    """A comparison whose classes, protocol, edits, data, cfgs and latency have these texts."""
    write_large(folder, names, classes=texts, errors=False)
    plan = json.loads((folder / "compare.json").read_text())
    for at, variant in enumerate(plan["variants"]):
        variant["edits"] = list(texts[at :: len(names)])[:3]
        variant["cfg"] = f"cfg/{texts[at]}"
    write_json(folder / "compare.json", plan)
    latency = json.loads((folder / "latency.json").read_text())
    write_json(folder / "latency.json", latency | {"device": texts[2]})
    for at, name in enumerate(names):
        home = folder / "runs" / name / "seed-0"
        result = json.loads((home / "result.json").read_text())
        result["data"]["name"] = texts[0]
        protocol = {text: texts[-1 - row] for row, text in enumerate(texts)}
        result["scores"]["protocol"] = protocol | result["scores"]["protocol"]
        write_json(home / "result.json", result)
        lines = [f"# {one}" for one in texts[at :: len(names)]]
        cfg = "\n".join([*(one.replace("\n", " ")[:300] for one in lines), (home / "net.cfg").read_text()])
        (home / "net.cfg").write_bytes(cfg.encode(errors="replace"))
    return folder


def write_without_pictures(folder: Path) -> Path:
    """Write the report; the plots are made and not rendered, which takes most of the time."""

    def made(draw: Callable[[Any], None], *, height: float) -> str:
        draw(Figure(figsize=(10, height)))
        return data_uri("image/svg+xml", b"<svg/>")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plotting, "svg", made)
        return write_report(folder)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All payloads in every field but the names of variants, of which there are three."""
    names = tuple(FOLDERS[:6:2])
    folder = hostile_folder(tmp_path_factory.mktemp("hostile") / "out", PAYLOADS, names)
    write_all(folder, range(200), names=names, seeds=(0,), file=f"{ATTRIBUTES[2]}{{}}.jpg")
    write_without_pictures(folder)
    return folder


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Variants of every payload that can be a folder."""
    folder = tmp_path_factory.mktemp("named") / "out"
    write_large(folder, tuple(FOLDERS), errors=False)
    write_without_pictures(folder)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with names that nobody has to escape."""
    texts = tuple(f"text {at}" for at in range(len(PAYLOADS)))
    names = tuple(f"variant-{at}" for at in range(3))
    folder = hostile_folder(tmp_path_factory.mktemp("plain") / "out", texts, names)
    write_all(folder, range(200), names=names, seeds=(0,))
    write_without_pictures(folder)
    return folder


def shape(parsed: Dom) -> list[tuple[str, list[str]]]:
    """The tags with their attributes, without the lines of the diffs, which differ."""
    return [(tag, sorted(found)) for tag, found in parsed.tags if tag != "span" or "class" not in found]


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_there_are_200_hostile_names_of_which_most_are_folders() -> None:
    assert len(set(PAYLOADS)) >= 200
    assert len(FOLDERS) >= 120


def test_R01_hostile_texts_change_no_tag_of_the_page(plain: Path, hostile: Path) -> None:
    good, bad = (dom(folder / "report.html") for folder in (plain, hostile))
    assert shape(bad) == shape(good)


def test_R01_hostile_texts_are_shown_as_text(hostile: Path, named: Path) -> None:
    for folder, texts in ((hostile, PAYLOADS), (named, FOLDERS)):
        text = "".join(dom(folder / "report.html").text)
        assert [one for one in texts if flat(label(one)).strip() not in flat(text)] == []
        assert not CONTROL.search(text)


def test_R01_no_payload_becomes_an_element_or_an_attribute(named: Path, hostile: Path) -> None:
    for folder in (named, hostile):
        for tag, found in dom(folder / "report.html").tags:
            assert tag in KNOWN
            assert not [name for name in found if name.startswith("on") or name in {"srcdoc", "action"}]
            assert found.get("href", "#").startswith(("#", "data:image/jpeg;"))  # type: ignore[union-attr]


def test_R01_error_pages_of_hostile_images_classes_and_titles(tmp_path: Path) -> None:
    some = PAYLOADS[::24]
    parsed = dom(write(tmp_path, DrawnData(some[:3], some[3:]), title=some[0]))
    assert {tag for tag, _ in parsed.tags} <= {*KNOWN, "br"}
    assert [found for _, found in parsed.tags if any(name.startswith("on") for name in found)] == []
    text = flat("".join(parsed.text))
    assert all(flat(label(one, limit=40)).strip() in text for one in some[:3])
    assert not CONTROL.search(text)


@pytest.mark.skipif(PROGRAM is None, reason="needs chromium")
def test_R01_no_payload_runs_in_a_browser(hostile: Path, named: Path) -> None:
    with chromium() as browser:
        for folder in (hostile, named):
            browser.open(folder / "report.html")
            browser.evaluate("document.querySelectorAll('.sort, summary, input').forEach(one => one.click())")
            assert browser.evaluate("[typeof canary, document.querySelectorAll('script').length]") == [
                "undefined",
                1,
            ]
            assert browser.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            assert browser.evaluate("location.protocol") == "file:"
        assert browser.messages == []


def test_R01_names_on_the_terminal_have_no_control_characters(hostile: Path) -> None:
    for text in PAYLOADS:
        assert label(text).isprintable()
        assert not CONTROL.search(str(ReportError(label(text), where=text)).replace("\n", ""))


def test_R02_tables_of_markdown_keep_their_cells(plain: Path, hostile: Path) -> None:
    good, bad = (
        (folder / "report.md").read_text(encoding="utf-8").split("```")[0] for folder in (plain, hostile)
    )
    bars = [[line.count("|") for line in text.split("\n") if line.startswith("| ")] for text in (good, bad)]
    assert bars[0] == bars[1]
    assert not re.search(r"<[\w!/?]|\]\(|&(?!#\d+;)", bad)


def test_R02_rendered_markdown_has_the_text_and_no_markup() -> None:
    markdown = pytest.importorskip("markdown", reason="needs a renderer of Markdown")
    rows = tuple((text, text) for text in PAYLOADS)
    rendered = Dom()
    table = table_to_markdown(ReportTable("", ("a", "b"), rows))
    rendered.feed(markdown.markdown(table, extensions=["tables"]))
    assert {tag for tag, _ in rendered.tags} == {"table", "thead", "tbody", "tr", "th", "td"}
    assert sum(tag == "td" for tag, _ in rendered.tags) == 2 * len(PAYLOADS)
    found = flat("".join(rendered.text))
    assert [text for text in PAYLOADS if flat(text).strip() not in found] == []


def test_R03_no_payload_is_inside_the_script(plain: Path, hostile: Path) -> None:
    pages = [(folder / "report.html").read_text() for folder in (plain, hostile)]
    scripts = [re.findall(r"<script.*?</script>", page, re.DOTALL) for page in pages]
    assert scripts[0] == scripts[1]
    assert len(scripts[0]) == 1
    assert (hostile / "report.html").read_text().count("</script") == 1


def test_R04_plots_are_drawn_with_any_label() -> None:
    assert STYLE["text.parse_math"] is False
    shown = [label(text, limit=40) for text in (*FORMULAE, *CHARACTERS, *LONG)]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.set_yticks(range(len(shown)), shown)
        axes.set_title(label("$\\frac{$_^"))

    text = base64.b64decode(svg(draw, height=8).partition(",")[2]).decode()
    assert re.findall(r"<(?:script|image|foreignObject|a)\b|href=\"(?!#)", text) == []
    assert not CONTROL.search(text.replace("\n", ""))


def test_R05_formulas_are_escaped_in_markdown_and_no_csv_is_written() -> None:
    for cell in ("=cmd", "+1", "-1+1", "@SUM(A1)", "\t=1", " =1", *FORMULAS):
        assert not re.match(r"\s*[=+\-@]", escape_markdown(cell))
    written = [
        path
        for path in (ROOT / "darknet_py").rglob("*.py")
        if re.search(r"csv\.(Dict)?[wW]riter", path.read_text())
    ]
    assert written == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, 1.5, "0.4", True, [0.4]])
def test_R06_a_score_that_is_none_is_refused(run_folder: Path, change: Change, value: object) -> None:
    change("runs/yolov3-tiny/seed-0/result.json", "scores", "ap", to=value)
    with pytest.raises(ReportError, match=r"result\.json: error: "):
        write_report(run_folder)
    assert not any((run_folder / name).exists() for name in FILES)


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("data", "fingerprint"), "0" * 64, "data.fingerprint is .*: they cannot be compared"),
        (("data", "images"), "many", "data.images"),
        (("data", "classes"), ["cat"], "disagree about"),
        (("scores", "images"), 199, "scores.images is 199, and 200 in .*: they cannot be compared"),
        (("scores", "protocol", "split"), "train", "protocol.split is train, and val"),
        (("network", "parameters"), -1, "network.parameters"),
        (("training",), [], "training"),
        (("variant",), "another", "another"),
    ],
)
def test_R07_results_of_others_are_refused_with_one_message(
    run_folder: Path, change: Change, keys: tuple[str, ...], value: object, message: str
) -> None:
    change("runs/yolov3-tiny-spp/seed-1/result.json", *keys, to=value)
    with pytest.raises(ReportError, match=message):
        write_report(run_folder)
    assert not any((run_folder / name).exists() for name in FILES)


def test_R08_the_page_of_some_150_variants_has_less_than_5_MB(named: Path) -> None:
    assert (named / "report.html").stat().st_size < LARGEST
    assert len(json.loads((named / "report.json").read_text())["variants"]) == len(FOLDERS)


@pytest.mark.parametrize("variants", [2, pytest.param(1000, marks=pytest.mark.soak)])
def test_R08_the_page_of_1000_classes_has_less_than_5_MB(tmp_path: Path, variants: int) -> None:
    names, texts = (tuple(f"{word} {at}" for at in range(count)) for word, count in
                    (("variant", variants), ("class", 1000)))  # fmt: skip
    page = write_report(write_large(tmp_path / "out", names, classes=texts, errors=False))
    assert page.stat().st_size < LARGEST


def test_R09_nothing_is_loaded_from_elsewhere(hostile: Path, named: Path) -> None:
    for folder in (hostile, named):
        parsed = dom(folder / "report.html")
        for _, found in parsed.tags:
            assert str(found.get("src", "data:image/")).startswith("data:image/")
            assert str(found.get("href", "#")).startswith(("#", "data:image/jpeg;"))
            assert "url(" not in str(found.get("style", ""))
        policy = next(found["content"] for _, found in parsed.tags if "http-equiv" in found)
        assert str(policy).startswith("default-src 'none'; script-src 'sha256-")


def test_R10_of_two_writers_at_once_each_reader_sees_one(tmp_path: Path) -> None:
    page, contents = tmp_path / "report.html", (b"a" * 300_000, b"b" * 200_000)
    publish_bytes(page, contents[0])
    writers = [threading.Thread(target=publish_bytes, args=(page, contents[at % 2])) for at in range(20)]
    for one in writers:
        one.start()
        assert page.read_bytes() in contents
    for one in writers:
        one.join()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_R10_a_stop_in_a_write_leaves_the_page_that_was_there(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run_folder / "report.html").write_text("the one before")
    whole = os.fsync

    def stop(handle: int) -> None:
        if os.fstat(handle).st_size > 100_000:  # the page is the largest
            raise KeyboardInterrupt
        whole(handle)

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_report(run_folder)
    assert (run_folder / "report.html").read_text() == "the one before"
    assert not list(run_folder.glob(".*.tmp"))


def test_R13_a_locale_with_decimal_commas_changes_no_byte(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(run_folder)
    first = {name: (run_folder / name).read_bytes() for name in FILES}
    german = {"decimal_point": ",", "thousands_sep": ".", "grouping": [3, 0]}
    monkeypatch.setattr(locale, "localeconv", lambda: german)
    write_report(run_folder)
    assert first == {name: (run_folder / name).read_bytes() for name in FILES}


def test_R14_secrets_paths_and_the_environment_are_in_no_report(
    run_folder: Path, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DARKNET_PY_SECRET_TOKEN", "hunter2-in-the-environment")
    change("compare.json", "data", to="/home/alice/private/coco")
    change("compare.json", "variants", 0, "cfg", to="C:\\Users\\alice\\cfg\\yolov3-tiny.cfg")
    for name in NAMES:
        for seed in (0, 1):
            change(f"runs/{name}/seed-{seed}/result.json", "data", "name", to="/home/alice/private/coco")
    write_report(run_folder)
    for name in FILES:
        text = (run_folder / name).read_text()
        pictures = [
            base64.b64decode(one).decode(errors="replace") for one in re.findall(r"base64,([\w+/=]+)", text)
        ]
        for secret in ("hunter2", "alice", "private", os.uname().nodename + "/", str(run_folder)):
            assert secret not in "".join([text, *pictures])
    assert ">coco<" in (run_folder / "report.html").read_text()
