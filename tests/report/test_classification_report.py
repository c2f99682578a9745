"""Story: a folder of classifiers' results becomes a report; the oracles are html.parser, json and counts."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from darknet_py.errors import ReportError
from darknet_py.report.leaderboard.file import append_results, collect, read_results
from darknet_py.report.leaderboard.record import records_of
from darknet_py.report.leaderboard.standing import standings
from darknet_py.report.report import report_json, report_markdown, write_report
from darknet_py.report.section import Report
from darknet_py.runs.read_comparison import read_comparison

NAMES = ("zeiler-max", "zeiler-stochastic", "zeiler-average")
CLASSES = ("plane", "car", "bird", "cat", "deer", "dog")
RIGHT = ((140, 146), (170, 176), (143, 149))  # of 200 images, by variant and seed
FILES = ("report.html", "report.md", "report.json")


def confusion_of(right: int, *, seed: int) -> np.ndarray:
    """200 images, of which `right` lie on the diagonal."""
    draw, side = np.random.default_rng(seed), len(CLASSES)
    counts = np.diag(draw.multinomial(right, [1 / side] * side))
    for _ in range(200 - right):
        row = draw.integers(side)
        counts[row, (row + draw.integers(1, side)) % side] += 1
    return counts


def scores(variant: int, seed: int) -> dict:
    """The figures of one run, all from one table of counts."""
    counts = confusion_of(RIGHT[variant][seed], seed=10 * variant + seed)
    top1 = float(np.trace(counts) / counts.sum())
    per_class = {name: float(counts[k, k] / counts[k].sum()) for k, name in enumerate(CLASSES)}
    protocol = {"metric": "top-1 and top-5 accuracy", "split": "val", "size": [32, 32]}
    return {
        "top1": top1,
        "top5": 0.97,
        "loss": 0.9,
        "train_top1": top1 + 0.1,
        "train_loss": 0.5,
        "per_class": per_class,
        "confusion": counts.tolist(),
        "images": 200,
        "protocol": protocol,
    }


def log_text(variant: int, seed: int) -> str:
    lines = []
    for iteration in range(100, 5001, 100):
        at = {"iteration": iteration, "epoch": iteration / 125}
        lines.append({**at, "loss": 2.3 - iteration / 2500 - 0.1 * seed, "learning_rate": 0.02})
        if iteration % 1000 == 0:
            share = RIGHT[variant][seed] / 200 * iteration / 5000
            lines.append({**at, "top1": share, "train_top1": share + 0.1})
    return "".join(json.dumps(line) + "\n" for line in lines)


def classified(folder: Path) -> Path:
    """Turn a comparison of detectors into one of classifiers."""
    for variant, name in enumerate(NAMES):
        for seed in (0, 1):
            home = folder / "runs" / name / f"seed-{seed}"
            result = json.loads((home / "result.json").read_text())
            result |= {"task": "classification", "scores": scores(variant, seed)}
            (home / "result.json").write_text(json.dumps(result))
            (home / "log.jsonl").write_text(log_text(variant, seed))
            hits = [int(image < RIGHT[variant][seed]) for image in range(200)]
            (home / "hits.json").write_text(json.dumps({"predictions": "", "hits": hits}))
    return folder


@pytest.fixture
def folder(make_folder: Callable[..., Path], tmp_path: Path) -> Path:
    return classified(make_folder(tmp_path / "out", names=NAMES, classes=CLASSES))


@pytest.fixture(scope="module")
def written(make_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = make_folder(tmp_path_factory.mktemp("classes") / "out", names=NAMES, classes=CLASSES)
    write_report(classified(out))
    return out


class Page(HTMLParser):
    """The text of a page, its tables, and its pictures with their descriptions."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.feed(file.read_text(encoding="utf-8"))
        self.text = re.sub(r"\s+", " ", "".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.pictures.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def texts_of(picture: dict[str, str | None]) -> str:
    """The SVG of a picture."""
    return base64.b64decode(str(picture["src"]).partition(",")[2]).decode()


def test_the_three_files_are_written(written: Path) -> None:
    assert all((written / name).stat().st_size > 1000 for name in FILES)


def test_the_verdict_speaks_of_top_1_and_of_no_ap(written: Path) -> None:
    text = Page(written / "report.html").text
    assert re.search(
        r"zeiler-stochastic \(\+15.0 top-1, 95 % interval .+\) is better than zeiler-max\.", text
    )
    assert "This study cannot tell zeiler-average (+1.5 top-1" in text
    for name in ("report.html", "report.md"):
        page = Page(written / name).text if name.endswith("html") else (written / name).read_text()
        assert not re.search(r"\bAP(50|75)?\b", page), name


def test_the_hits_of_images_are_what_top_1_is_judged_by(written: Path) -> None:
    found = json.loads((written / "report.json").read_text())["verdicts"]
    assert [(v["variant"], v["metric"], v["outcome"]) for v in found] == [
        ("zeiler-stochastic", "top1", "better"),
        ("zeiler-average", "top1", "unclear"),
    ]
    assert found[0]["effect"] == pytest.approx(0.15)
    assert len(found[0]["deciding_images"]) == 18  # 0.85 / 200 each, of 30 that only one of them gets right
    assert "; 18 of 200 images carry half of it" in found[0]["sentence"]


def test_the_json_holds_what_was_measured(written: Path) -> None:
    value = json.loads((written / "report.json").read_text())
    assert value["task"] == "classification"
    second = value["variants"][1]
    assert second["top1"] == {
        "mean": 0.865,
        "half_range": pytest.approx(0.015),
        "min": 0.85,
        "max": 0.88,
        "runs": [0.85, 0.88],
    }
    assert second["top5"]["mean"] == 0.97
    assert second["train_top1"]["runs"] == pytest.approx([0.95, 0.98])
    assert "ap" not in second
    means = [np.mean([scores(1, seed)["per_class"][name] for seed in (0, 1)]) for name in CLASSES]
    assert list(second["per_class"].values()) == pytest.approx(means)


def test_the_tables_have_the_classifiers_columns(written: Path) -> None:
    lines = (written / "report.md").read_text(encoding="utf-8").split("\n")
    head = next(line for line in lines if line.startswith("| variant | seeds |"))
    assert [word in head for word in ("top-1", "top-5", "train top-1")] == [True] * 3
    rows = [line for line in lines if line.startswith("| zeiler") and "86.5" in line]
    assert len(rows) == 1
    assert "stochastic" in rows[0]
    assert any(line.startswith("| plane |") for line in lines)


def test_the_confusion_plot_shows_the_shares_of_the_counts(written: Path) -> None:
    (picture,) = [p for p in Page(written / "report.html").pictures if "confus" in str(p.get("alt")).lower()]
    svg = texts_of(picture)
    drawn = re.findall(r"<!-- (.*?) -->", svg)
    assert [drawn.count(name) for name in NAMES] == [1, 1, 1]
    assert drawn.count("predicted") == 3
    assert all(drawn.count(name) == 6 for name in CLASSES), "on two sides of three matrices"
    counts = sum(np.array(scores(0, seed)["confusion"]) for seed in (0, 1))
    shares = 100 * counts / counts.sum(axis=1, keepdims=True)
    expected = [f"{share:.0f}" for share in shares.ravel() if share >= 0.5]
    first = drawn[: drawn.index(NAMES[0])]
    numbers = [word for word in first if re.fullmatch(r"\d+", word)]
    assert sorted(numbers) == sorted(expected)


def test_the_curves_are_of_validation_and_of_training_images(written: Path) -> None:
    curves = read_comparison(written).variants[1].runs[0].curves
    assert curves.figures["top1"][-1] == (40, 0.85)
    assert curves.figures["train_top1"][-1] == (40, pytest.approx(0.95))
    assert len(curves.loss) == 50


def test_the_same_folder_gives_the_same_bytes(folder: Path, written: Path) -> None:
    write_report(folder)
    assert [(folder / name).read_bytes() for name in FILES] == [
        (written / name).read_bytes() for name in FILES
    ]


def refusal(folder: Path) -> str:
    with pytest.raises(ReportError) as caught:
        write_report(folder)
    return str(caught.value).replace(str(folder), "OUT")


def changed(folder: Path, **values: object) -> str:
    """The refusal after values of the last run's result were changed; `scores__top1` goes inside."""
    file = folder / "runs" / NAMES[2] / "seed-1" / "result.json"
    result = json.loads(file.read_text())
    for name, value in values.items():
        *inside, key = name.split("__")
        part = result[inside[0]] if inside else result
        part[key] = value
    file.write_text(json.dumps(result))
    found = refusal(folder)
    return found.replace(f"OUT/runs/{NAMES[2]}/seed-1/result.json", "RESULT")


def test_detectors_and_classifiers_are_not_compared(
    folder: Path, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    detectors = make_folder(tmp_path / "other", names=NAMES, classes=CLASSES)
    other = json.loads((detectors / "runs" / NAMES[2] / "seed-1" / "result.json").read_text())
    assert changed(folder, task="detection", scores=other["scores"]) == (
        "RESULT: error: task is detection, and classification in "
        f"OUT/runs/{NAMES[0]}/seed-0/result.json: they cannot be compared"
    )


def test_a_result_without_a_task_is_a_detectors(folder: Path) -> None:
    file = folder / "runs" / NAMES[0] / "seed-0" / "result.json"
    result = json.loads(file.read_text())
    del result["task"]
    file.write_text(json.dumps(result))
    assert "scores.ap is missing" in refusal(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "segmentation"}, "task is segmentation; known are detection, classification"),
        ({"scores__top1": 1.2}, "scores.top1 is 1.2; it should be a score, 0..1, or null where"),
        ({"scores__top1": "nan"}, 'scores.top1 is "nan"; it should be a score'),
        ({"scores__confusion": [[1, 2]]}, "scores.confusion is [[1, 2]]; it should be 6 rows of 6 whole"),
        ({"scores__confusion": [[1] * 6] * 5}, "it should be 6 rows of 6 whole numbers"),
        ({"scores__confusion": [[1] * 5 + [-1]] * 6}, "it should be 6 rows of 6 whole numbers"),
        ({"scores__confusion": [[1] * 5 + [0.5]] * 6}, "it should be 6 rows of 6 whole numbers"),
        ({"scores__confusion": "<script>"}, "it should be 6 rows of 6 whole numbers"),
    ],
)
def test_a_damaged_result_is_reported(folder: Path, change: dict[str, object], message: str) -> None:
    found = changed(folder, **change)
    assert found.startswith("RESULT: error: ")
    assert message in found


def test_a_top5_that_there_is_not_is_printed_as_such(folder: Path) -> None:
    for file in folder.glob("runs/*/*/result.json"):
        result = json.loads(file.read_text())
        result["scores"]["top5"] = None
        file.write_text(json.dumps(result))
    report = Report.of(read_comparison(folder))
    assert report_json(report)["variants"][0]["top5"]["mean"] is None
    assert "| n/a |" in report_markdown(report)


def test_hits_of_other_images_are_refused(folder: Path) -> None:
    file = folder / "runs" / NAMES[1] / "seed-0" / "hits.json"
    file.write_text(json.dumps({"predictions": "", "hits": [1, 0]}))
    with pytest.raises(ReportError, match=r"has hits of 2 images, and result\.json has 200 images"):
        Report.of(read_comparison(folder))
    file.write_text(json.dumps({"predictions": "", "hits": [1] * 200}))
    with pytest.raises(ReportError, match=r"gives top-1 1\.000000, and result\.json has 0\.85"):
        Report.of(read_comparison(folder))


def test_verdicts_from_lines_of_results_are_those_of_the_report(folder: Path, tmp_path: Path) -> None:
    comparison = read_comparison(folder)
    append_results(tmp_path / "results.jsonl", collect(records_of(comparison)).records)
    (group,) = standings(collect(read_results(tmp_path / "results.jsonl")).records)
    found = {one.variant: one.result for one in group.against(NAMES[0], comparison.margin)}
    for one in Report.of(comparison).verdicts:
        assert found[one.variant] is not None
        assert one.result is not None
        for key in ("outcome", "effect", "low", "high", "df"):
            expected = getattr(one.result, key)
            expected = pytest.approx(expected) if isinstance(expected, float) else expected
            assert getattr(found[one.variant], key) == expected
