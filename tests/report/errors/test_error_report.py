"""Story: detections become a page about their errors. Oracles: html.parser, json and the stored figures."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from darknet_py.data.dataset import Dataset, Record
from darknet_py.errors import DataError, UsageError
from darknet_py.report.error_report import write_error_report
from darknet_py.report.errors import ERROR_BODY, ERROR_HEADER
from darknet_py.report.errors.pictures import CROP_SIDE, FOUND, SIDE, DrawnBox, crop, picture
from darknet_py.scoring.slices.grouping import Grouping, by_image
from darknet_py.scoring.tables import DetectionTable, TruthTable, detection_table, truth_table
from tests.report.test_report import HOSTILE_CLASSES, dom
from tests.scoring.errors.drawn import drawn

FILES = ("errors.html", "errors.report.md", "errors.report.json")
PLAIN = ("cat", "dog", "zebra")


class DrawnData(Dataset):
    """The data of `drawn.py`; its records come in another order than their ids."""

    def __init__(self, names: tuple[str, ...], files: tuple[str, ...]) -> None:
        self.names, self.category_ids, self.dropped, self.files = names, (1, 2, 5), {}, files

    def __len__(self) -> int:
        return 6

    def record(self, index: int) -> Record:
        number = 6 - index
        boxes = [one for one in drawn()[0]["annotations"] if one["image_id"] == number]
        return Record(
            number,
            640,
            480,
            np.array([one["bbox"] for one in boxes]).reshape(-1, 4),
            np.array([self.category_ids.index(one["category_id"]) for one in boxes]),
            np.zeros(len(boxes), bool),
            self.files[index % len(self.files)],
        )

    def pixels(self, index: int) -> np.ndarray:
        return np.full((480, 640, 3), 40 * (6 - index), np.uint8)


def tables() -> tuple[TruthTable, DetectionTable]:
    truth, results = drawn()
    table = truth_table(truth)
    return table, detection_table(table, results)


def write(folder: Path, dataset: Dataset, title: str = "a network", **more: Any) -> Path:
    return write_error_report(folder / "errors.html", *tables(), dataset, title=title, **more)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    write(folder, DrawnData(PLAIN, ("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg", "f.jpg")))
    return folder


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    write(folder, DrawnData(HOSTILE_CLASSES[:3], HOSTILE_CLASSES), title=HOSTILE_CLASSES[0])
    return folder


def test_the_page_the_markdown_and_the_json_are_written(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == sorted(FILES)
    found = json.loads((written / "errors.report.json").read_text())
    assert found["errors"]["ap50"] == pytest.approx(0.3884949080117934)
    assert found["errors"]["kinds"]["localisation"]["count"] == 11
    assert found["confusion"]["matrix"] == [[5, 0, 0, 8], [1, 7, 1, 8], [3, 1, 13, 2], [15, 16, 14, 0]]
    assert [one["name"] for one in found["classes"]] == list(PLAIN)
    text = (written / "errors.report.md").read_text()
    assert "AP50 is 38.8. Of 49 objects in 6 images" in text
    assert "| localisation | 11 | 11.2 |" in text
    assert "costliest kind of error is localisation (11.2), then missed (10.1)" in text


def test_the_navigation_leads_to_each_heading(written: Path) -> None:
    tags = dom(written / "errors.html").tags
    anchors = [f"#{attributes['id']}" for tag, attributes in tags if tag == "h2"]
    assert [attributes["href"] for tag, attributes in tags if tag == "a"] == anchors
    assert len(anchors) == len(ERROR_BODY)
    assert not any(section.anchor for section in ERROR_HEADER)


def test_the_page_needs_nothing_from_outside(written: Path) -> None:
    parsed = dom(written / "errors.html")
    assert not {tag for tag, _ in parsed.tags} & {"link", "iframe", "object", "base", "form"}
    assert all(str(found.get("src", "data:image/")).startswith("data:image/") for _, found in parsed.tags)
    assert not re.search(r"https?://|url\(|@import", (written / "errors.html").read_text())


def test_every_image_has_two_pictures_with_its_own_pixels(written: Path) -> None:
    pictures = [found for tag, found in dom(written / "errors.html").tags if tag == "img" and found["alt"]]
    cards = [one for one in pictures if "objects" in str(one["alt"])]
    assert len(cards) == 12
    for name, level in (("a.jpg", 240), ("f.jpg", 40)):
        found = [one for one in cards if str(one["alt"]).endswith(f" {name}")]
        assert len(found) == 2
        for one in found:
            data = base64.b64decode(str(one["src"]).partition(",")[2])
            with Image.open(io.BytesIO(data)) as image:
                assert image.format == "JPEG"
                assert max(image.size) == SIDE
                assert abs(np.median(np.asarray(image)) - level) <= 2


def test_hostile_names_change_no_tag_of_the_page(written: Path, hostile: Path) -> None:
    plain, bad = (dom(folder / "errors.html") for folder in (written, hostile))
    assert [tag for tag, _ in plain.tags] == [tag for tag, _ in bad.tags]
    assert [sorted(found) for _, found in plain.tags] == [sorted(found) for _, found in bad.tags]


def test_hostile_names_are_shown_as_text(hostile: Path) -> None:
    text = "".join(dom(hostile / "errors.html").text)
    assert HOSTILE_CLASSES[0] in text  # a class, a title and a file
    assert HOSTILE_CLASSES[1] in text
    assert "\x1b" not in text
    assert (
        json.loads((hostile / "errors.report.json").read_text())["classes"][1]["name"] == HOSTILE_CLASSES[1]
    )
    head = next(
        line for line in (hostile / "errors.report.md").read_text().split("\n") if line.startswith("# ")
    )
    assert "<" not in head


def test_the_same_detections_give_the_same_bytes(written: Path, tmp_path: Path) -> None:
    write(tmp_path, DrawnData(PLAIN, ("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg", "f.jpg")))
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_a_property_of_ones_own_becomes_a_slice(tmp_path: Path) -> None:
    def light(truth: TruthTable, found: DetectionTable) -> Grouping:
        return by_image("light", ["day", "night"] * 3, truth, found)

    write(tmp_path, DrawnData(PLAIN, ("a.jpg",)), properties=(light,))
    assert list(json.loads((tmp_path / "errors.report.json").read_text())["slices"]["light"]) == [
        "day",
        "night",
    ]


def test_a_data_set_without_objects_and_detections_has_a_page(tmp_path: Path) -> None:
    truth = truth_table({**drawn()[0], "annotations": []})
    page = write_error_report(
        tmp_path / "errors.html",
        truth,
        detection_table(truth, []),
        DrawnData(PLAIN, ("a.jpg",)),
        title="none",
    )
    assert "no objects to find" in page.read_text()
    assert json.loads((tmp_path / "errors.report.json").read_text())["errors"]["ap50"] is None


def test_a_name_that_is_no_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the name of a report ends in \.html"):
        write_error_report(tmp_path / "errors.json", *tables(), DrawnData(PLAIN, ("a.jpg",)), title="x")
    assert not list(tmp_path.iterdir())


def test_an_image_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    class Damaged(DrawnData):
        def pixels(self, index: int) -> np.ndarray:
            raise DataError("is cut off", where="a.jpg")

    with pytest.raises(DataError, match="is cut off"):
        write(tmp_path, Damaged(PLAIN, ("a.jpg",)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "box", [(10, 10, 30, 20), (-50, -50, 20, 20), (630, 470, 100, 100), (5, 5, 0, 0), (0, 0, 640, 480)]
)
def test_a_crop_has_its_box_wherever_it_lies(box: tuple[float, ...]) -> None:
    pixels = np.full((480, 640, 3), 128, np.uint8)
    for text, side in (
        (crop(pixels, DrawnBox(box, FOUND)), CROP_SIDE),
        (picture(pixels, [DrawnBox(box, FOUND, "ä")]), SIDE),
    ):
        with Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2]))) as image:
            assert max(image.size) == side
