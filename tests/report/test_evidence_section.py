"""Story: the images that decide, in the report; the oracles are the folder's matches and boxes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darknet_py.report.findings.overlays import BUDGET, SIDE, EmbeddedImage, embed, overlay
from darknet_py.report.markdown import escape_markdown
from darknet_py.report.report import report_json, report_markdown, write_report
from darknet_py.report.section import Report
from darknet_py.report.sections.evidence import EvidenceSection, deciding_sentence
from darknet_py.runs.pictures_file import FoundBox, FoundInImage, StoredPicture, TruthBox, read_pictures
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.scoring.coco_figures import RECALLS
from darknet_py.scoring.matches import Matches
from tests.report.comparison_folder import IMAGES, NAMES, matches_of
from tests.report.pictures_of import write_all


def report_of(folder: Path) -> Report:
    return Report.of(read_comparison(folder))


def found_all_over(count: int) -> Matches:
    """Matches of a run that finds the first objects at every threshold, and no others."""
    one, every = matches_of(500, seed=0), np.uint64((1 << 10) - 1)
    images = np.arange(count, dtype=np.uint32)
    return replace(
        one,
        starts=np.array([0, count]),
        images=images,
        scores=np.linspace(0.9, 0.1, count),
        ranks=np.zeros(count, np.uint8),
        hits=np.full(count, every),
        ignored=np.zeros(count, np.uint64),
    )


@pytest.fixture
def pictured(run_folder: Path) -> Path:
    """A comparison with pictures of all images, in which 40 images make the last variant better."""
    for name, count in zip(NAMES, (81, 81, 121), strict=True):
        for seed in (0, 1):
            home = run_folder / "runs" / name / f"seed-{seed}"
            found_all_over(count).save(home / "matches.npz")
            content = json.loads((home / "result.json").read_bytes())
            content["scores"]["ap"] = (count + 1) / 2 / 101
            (home / "result.json").write_text(json.dumps(content))
    write_all(run_folder, range(IMAGES))
    return run_folder


def test_the_json_has_the_effect_without_the_images_that_carry_half(pictured: Path) -> None:
    (first, second) = report_json(report_of(pictured))["images"]["deciding"]
    assert [first["variant"], second["variant"]] == list(NAMES[1:])
    assert (first["images"], first["effect_without"]) == ([], None)  # there is no effect
    assert second["images"] == list(range(81, 106))  # each pulls by (1 - 40/202) / 200: 25 by half of 20/101
    assert second["pulls"] == pytest.approx([(1 - 40 / 200) / 200] * 25)
    left = 175  # of the 200 images, and of them 81 or 96 are found
    expected = sum((96 / left >= recall) - int(81 / left >= recall) for recall in RECALLS) / 101
    assert second["effect_without"] == pytest.approx(expected, abs=1e-12)


def test_the_sentence_counts_the_images_and_says_what_is_left(pictured: Path) -> None:
    report = report_of(pictured)
    sentence = "Better. 25 of 200 images carry half of +19.80 AP; without them +7.92."
    assert deciding_sentence(report, 2) == sentence
    assert deciding_sentence(report, 1).startswith("No verdict: scores do not vary between images and seeds")
    text = report_markdown(report)
    assert "## Which images decided it" in text
    assert f"- yolov3-tiny-spp: {escape_markdown(sentence)}" in text


def test_an_effect_of_all_images_and_an_unclear_one_are_described(run_folder: Path) -> None:
    report = report_of(run_folder)
    assert deciding_sentence(report, 2) == "Better, by +14.11 AP: no part of the images carries half of it."
    assert deciding_sentence(report, 1).endswith("This shows what the difference hangs on, and proves none.")


def test_an_image_is_in_the_page_once_and_is_drawn_for_each_variant(pictured: Path) -> None:
    page = write_report(pictured).read_text()
    uses = re.findall(r'<use href="#(picture-\d+)"', page)
    images = re.findall(r'<image id="(picture-\d+)"', page)
    assert len(images) == len({*images})
    assert {*uses} <= {*images}
    assert len(uses) > 2 * len(images)
    assert f"<figcaption>{NAMES[0]}: finds 1 of 2, 1 false</figcaption>" in page
    assert f"<figcaption>{NAMES[2]}: finds 2 of 2 (1 with scores below 0.25)</figcaption>" in page


def test_a_folder_without_pictures_has_the_sentences(run_folder: Path) -> None:
    report = report_of(run_folder)
    context = EvidenceSection().context(report)
    assert context["images"] == []
    assert "Better, by +14.11 AP" in write_report(run_folder).read_text()


def test_overlays_are_scaled_to_the_picture_and_stay_near_it() -> None:
    found = FoundInImage((FoundBox((1e18, -1e18, 10.0, 1e18), 0, 0.5, True),), missed=(0,))
    picture = StoredPicture(1, "a", (640, 480), Path(), (TruthBox((8.0, 48.0, 128.0, 96.0), 1, False),), {})
    drawn = overlay(picture, found, EmbeddedImage("picture-0", "data:", 240), ("disc", "ring"))
    assert dict(drawn.paths) == {"found": "M3200 -3200h5v3200h-5z", "missed": "M4 24h64v48h-64z"}
    assert [(kind, text) for _, _, kind, text in drawn.tags] == [("found", "disc 0.50"), ("missed", "ring")]
    assert all(0 <= x <= SIDE and 0 <= y <= 240 for x, y, _, _ in drawn.tags)


def test_the_page_has_a_budget_of_bytes(tmp_path: Path) -> None:
    write_all(tmp_path, range(1, 61), noise=60)
    stored = read_pictures(tmp_path / "pictures", classes=2)
    embedded = embed(stored.values())
    size = sum(len(one.uri) for one in embedded.values())
    assert BUDGET - 60_000 < size <= BUDGET
    assert len(embedded) < 60


@pytest.mark.parametrize("data", [b"no image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0 cut off", b""])
def test_a_file_that_is_no_jpeg_is_left_out(pictured: Path, data: bytes) -> None:
    for file in (pictured / "pictures").glob("*.jpg"):
        file.write_bytes(data)
    page = write_report(pictured).read_text()
    assert "<image id" not in page
    assert "Which images decided it" in page


def test_names_of_files_are_shown_as_text(run_folder: Path) -> None:
    write_all(run_folder, range(IMAGES), file="<script>alert(1)</script>\x1b[31m{}")
    page = write_report(run_folder).read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m" in page


def test_pictures_follow_the_baseline_of_the_report(pictured: Path, change: Callable[..., Path]) -> None:
    content = report_of(pictured).comparison
    assert len(content.pictures) == IMAGES
    change("compare.json", "seeds", to=[1])
    report = report_of(pictured)
    card = EvidenceSection().context(report)["deciding"][1].cards[0]  # type: ignore[index]
    assert card.facts.endswith("AP, seed 1")


def test_a_report_is_made_without_torch(pictured: Path) -> None:
    code = (
        "import sys; from darknet_py.report.again import report; report(sys.argv[1]);"
        " assert 'torch' not in sys.modules"
    )
    words = [sys.executable, "-c", code, str(pictured)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
