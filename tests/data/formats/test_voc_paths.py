"""Oracle: a VOC folder of one image, and file names as tools write them. Kind: story."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from darknet_py.data.formats.voc.folder import VocFolder

XML = """<annotation><filename>{name}</filename><size><width>40</width><height>30</height></size>
<object><name>cat</name>
<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object></annotation>"""


def voc(root: Path, written: str, *images: str) -> VocFolder:
    for name in images:
        (root / "JPEGImages" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30)).save(root / "JPEGImages" / name)
    (root / "Annotations").mkdir()
    (root / "Annotations" / "a.xml").write_text(XML.format(name=written))
    return VocFolder(root, split="train")


FOUND = [
    ("a.jpg", "a.jpg", 0),
    ("a.jpg", "a.tif", 0),
    ("A.jpg", "A.JPG", 1),
    ("C:\\data\\JPEGImages\\b.jpg", "b.jpg", 1),
    ("/content/VOC/JPEGImages/b.jpg", "b.jpg", 1),
]


@pytest.mark.parametrize(("written", "image", "count"), FOUND)
def test_an_image_is_found_by_its_stem_or_the_end_of_its_path(
    tmp_path: Path, written: str, image: str, count: int
) -> None:
    data = voc(tmp_path, written, image)
    assert data.path(0) == tmp_path / "JPEGImages" / image
    assert sum(data.adjusted.values()) == count


def test_two_images_of_one_annotation_file_are_counted(tmp_path: Path) -> None:
    data = voc(tmp_path, "", "a.jpg", "a.png")
    reason = "annotation file with several images, such as `a.jpg` and `a.png`; the first is read"
    assert (data.path(0).name, data.adjusted) == ("a.jpg", {reason: 1})
