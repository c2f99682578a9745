"""Oracle: COCO folders of two images a split, damaged in one way each. Kind: story."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darknet_py.data.check.run import check
from darknet_py.data.formats.coco.folder import CocoFolder
from darknet_py.data.rules.annotations import JSON
from darknet_py.errors import DataError
from tests.data.check.damaged import annotations, as_text, coco, coco_content, put
from tests.paths import SHARED_DATA

Damage = Callable[[Path], object]
NAME = "annotations/instances_train.json"


def row(*path: Any, to: Any) -> Damage:
    """One value of the train annotations replaced."""

    def damage(root: Path) -> None:
        content = copy.deepcopy(coco_content("train"))
        place: Any = content
        for step in path[:-1]:
            place = place[step]
        if to is KeyError:
            del place[path[-1]]
        else:
            place[path[-1]] = to
        put(annotations(root), as_text(content))

    return damage


def text(old: str, new: str) -> Damage:
    """The text of the train annotations with one piece replaced."""

    def damage(root: Path) -> None:
        before = annotations(root).read_text()
        assert old in before
        put(annotations(root), before.replace(old, new, 1))

    return damage


def whole(content: bytes | str) -> Damage:
    return lambda root: put(annotations(root), content)


def swap_categories(root: Path) -> None:
    """The ids of both categories exchanged, in `categories` and in all annotations."""
    content, other = coco_content("train"), {9: 2, 2: 9}
    for category in content["categories"]:
        category["id"] = other[category["id"]]
    for annotation in content["annotations"]:
        annotation["category_id"] = other[annotation["category_id"]]
    put(annotations(root), as_text(content))


def polygons(root: Path) -> None:
    content = coco_content("train")
    del content["annotations"][0]["bbox"]
    content["annotations"][0]["segmentation"] = [[1, 2, 11, 2, 11, 7]]
    put(annotations(root), as_text(content))


def bad_name(name: str) -> Damage:
    return row("images", 0, "file_name", to=name)


# what is done, the code, the place: line 3 is images[0], line 7 annotations[0], line 12 categories[0]
CASES: list[tuple[str, Damage, str, str]] = [
    ("D01 no json", text('"id": 7', '"id": 7x'), "not-json", ":3:9"),
    ("D01 cut", whole('{"images": ['), "not-json", ":1:13"),
    ("D01 more", lambda r: put(annotations(r), as_text(coco_content("train")) + "x"), "not-json", ":16:1"),
    ("D01 nested", whole('{"images": ' + "[" * 100_000), "json-nesting", ""),
    ("D01 top", whole("[1]"), "json-top", ""),
    ("D01 twice", text('"width": 40', '"width": 40, "width": 40'), "json-duplicate-key", ":3:1"),
    ("D01 top key twice", text('"categories"', '"images": [],\n"categories"'), "json-duplicate-key", ":11:1"),
    ("D01 NaN", text("[1, 2, 10, 5]", "[1, 2, 10, NaN]"), "json-constant", ":7:1"),
    ("D01 bytes", whole(b'{"images": \xff}'), "not-utf8", ":1"),
    ("D01 NUL", whole(b'{"images":\n \0}'), "not-text", ":2"),
    ("D01 mark", lambda r: put(annotations(r), b"\xef\xbb\xbf" + annotations(r).read_bytes()),
     "byte-order-mark", ":1:1"),
    ("D02 no table", row("categories", to=KeyError), "missing-table", ""),
    ("D02 no list", row("images", to={}), "missing-table", ":2:11"),
    ("D02 no key", row("annotations", 1, "bbox", to=KeyError), "missing-key", ":8:1"),
    ("D02 no name", row("images", 1, "file_name", to=KeyError), "missing-key", ":4:1"),
    ("D02 id text", row("images", 1, "id", to="x3"), "wrong-type", ":4:2"),
    ("D02 id digits", row("images", 1, "id", to="3"), "loose-value", ":4:2"),
    ("D02 row", row("annotations", 1, to=None), "wrong-type", ":8:1"),
    ("D02 box", row("annotations", 0, "bbox", to={"x": 1}), "wrong-type", ":7:44"),
    ("D02 corner", row("annotations", 0, "bbox", to=[1, "2", 3, 4]), "wrong-type", ":7:44"),
    ("D02 bool", row("images", 0, "id", to=True), "wrong-type", ":3:2"),
    ("D02 id not used", row("annotations", 0, "id", to=True), "annotation-id", ":7:2"),
    ("D03 image", row("images", 1, "id", to=7), "duplicate-image-id", ":4:2"),
    ("D03 annotation", row("annotations", 2, "id", to=1), "duplicate-annotation-id", ":9:2"),
    ("D03 category", row("categories", 1, "id", to=9), "duplicate-category-id", ":13:2"),
    ("D03 name", row("categories", 1, "name", to="dog"), "duplicate-name", ":13:11"),
    ("negative id", row("images", 0, "id", to=-1), "id-out-of-range", ":3:2"),
    ("large id", row("images", 0, "id", to=2**63), "id-out-of-range", ":3:2"),
    ("D04 image", row("annotations", 0, "image_id", to=8), "unknown-image", ":7:11"),
    ("D04 category", row("annotations", 0, "category_id", to=8), "unknown-category", ":7:26"),
    ("D05 length", row("annotations", 0, "bbox", to=[1, 2, 3]), "box-length", ":7:44"),
    ("D05 infinite", text("[1, 2, 10, 5]", "[1, 2, 10, 1e999]"), "box-not-finite", ":7:44"),
    ("D05 negative", row("annotations", 0, "bbox", to=[5, 5, -2, 4]), "box-negative-size", ":7:44"),
    ("D05 zero", row("annotations", 0, "bbox", to=[5, 5, 2, 0]), "box-without-size", ":7:44"),
    ("D05 outside", row("annotations", 0, "bbox", to=[40, 5, 2, 4]), "box-outside", ":7:44"),
    ("D05 edge", row("annotations", 0, "bbox", to=[30, 5, 20, 4]), "box-crosses-edge", ":7:44"),
    ("tiny", row("annotations", 0, "bbox", to=[30, 5, 0.03, 4]), "box-tiny", ":7:44"),
    ("twice", row("annotations", 2, to={**coco_content("")["annotations"][0], "id": 3}), "duplicate-box",
     ":9:44"),
    ("D07 crowd", row("annotations", 0, "iscrowd", to=2), "crowd-value", ":7:79"),
    ("area", row("annotations", 0, "area", to=-1), "area-negative", ":7:67"),
    ("area 0", row("annotations", 0, "area", to=0), "area-missing", ":7:67"),
    ("area null", row("annotations", 0, "area", to=None), "area-missing", ":7:67"),
    ("no box", polygons, "box-missing", ":7:1"),
    ("area of more", row("annotations", 0, "area", to=99), "area-beyond-box", ":7:67"),
    ("D14 width 0", row("images", 0, "width", to=0), "size-out-of-range", ":3:39"),
    ("D14 other size", row("images", 0, "width", to=41), "size-differs", ":3:11"),
    *((f"D08 {name!r:.20}", bad_name(name), "bad-file-name", ":3:11")
      for name in ("/etc/passwd", "../a.png", "a/../b.png", "a\\b.png", "a\0.png", "a\nb.png", "")),
    ("blank", row("categories", 1, "name", to=" "), "blank-name", ":13:11"),
    ("control", row("categories", 1, "name", to="a\x1bb"), "unprintable-name", ":13:11"),
    ("alike", row("categories", 1, "name", to="Dog "), "names-alike", ":13:11"),
    ("no class", row("categories", to=[]), "no-classes", ""),
    ("D20 no image", row("images", to=[]), "no-images", ""),
    ("D20 no box", row("annotations", to=[]), "no-boxes", ""),
    ("no box of a class", row("annotations", 0, "category_id", to=2), "class-without-boxes", ""),
    ("other classes", row("categories", 1, "name", to="cow"), "splits-differ", "folder"),
    ("other ids", swap_categories, "splits-by-name", "folder"),
    ("other case", row("categories", 1, "name", to="CAT"), "splits-by-name", "folder"),
    ("no split", lambda r: annotations(r).unlink(), "missing-split", "folder"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "damage", "code", "place"), CASES, ids=[case[0] for case in CASES])
def test_a_damage_is_found_at_its_place(
    tmp_path: Path, name: str, damage: Damage, code: str | None, place: str
) -> None:
    damage(coco(tmp_path))
    where = tmp_path if place == "folder" else annotations(tmp_path)
    found = [str(finding).partition(": ")[0] for finding in check(str(tmp_path)).all if finding.code == code]
    expected = f"{where}{'' if place == 'folder' else place}"
    assert found[:1] == ([expected] if code else []), [str(f) for f in check(str(tmp_path)).all]


def test_a_folder_without_damage_gives_nothing(tmp_path: Path) -> None:
    findings = check(str(coco(tmp_path)))
    assert [str(finding) for finding in findings.all] == []
    assert (findings.images, findings.boxes) == (4, 6)


def test_every_kind_of_json_is_met_here() -> None:
    met = {code for _, _, code, _ in CASES}
    assert {rule.code for rule in JSON} <= met


def test_all_damages_are_told_not_only_the_first(tmp_path: Path) -> None:
    content = coco_content("train")
    content["annotations"][0]["bbox"] = [1, 2, -10, 5]
    content["annotations"][1]["category_id"] = 77
    content["images"][1]["width"] = "40x"
    put(annotations(coco(tmp_path)), as_text(content))
    assert [str(f).removeprefix(f"{annotations(tmp_path)}") for f in check(str(tmp_path)).all] == [
        ':4:39: error[wrong-type]: images[1].width is `"40x"`, not a whole number',
        ":7:44: error[box-negative-size]: annotations[0].bbox is -10 wide and 5 high",
        ":8:26: error[unknown-category]: annotations[1].category_id is 77, and no category has that id",
        ": warning[class-without-boxes]: train has no box of `dog`",
    ]


def test_columns_are_told_where_the_file_is_one_line(tmp_path: Path) -> None:
    content = coco_content("train")
    content["annotations"][2]["image_id"] = 99
    line = json.dumps(content)
    put(annotations(coco(tmp_path)), line)
    (finding,) = check(str(tmp_path)).all
    assert finding.line == 1
    assert line[finding.column - 1 :].startswith('"image_id": 99')


REFUSED = [case for case in CASES if case[2] and case[0].startswith(("D01", "D02", "D03", "D04"))]


@pytest.mark.parametrize(("name", "damage", "code", "place"), REFUSED, ids=[case[0] for case in REFUSED])
def test_an_error_is_what_the_reader_refuses(
    tmp_path: Path, name: str, damage: Damage, code: str, place: str
) -> None:
    damage(coco(tmp_path))
    errors = [finding for finding in check(str(tmp_path)).all if finding.severity == "error"]
    try:
        CocoFolder(tmp_path, split="train")
    except DataError:
        assert errors
    else:
        assert not errors


@pytest.mark.parametrize("name", ["bccd", "coco-mini"])
def test_real_data_has_no_error(name: str) -> None:
    if not (SHARED_DATA / name).is_dir():
        pytest.skip(f"{name} is not beside this checkout")
    assert {finding.code for finding in check(str(SHARED_DATA / name)).all} <= {"image-grey"}


PLACES = [
    ("images", 0, "id"), ("images", 0, "width"), ("images", 0, "file_name"), ("images", 0), ("images",),
    ("annotations", 0, "image_id"), ("annotations", 0, "category_id"), ("annotations", 0, "bbox"),
    ("annotations", 0, "bbox", 2), ("annotations", 0, "area"), ("annotations", 0, "iscrowd"),
    ("annotations", 0), ("annotations",), ("categories", 0, "id"), ("categories", 0, "name"), ("categories",),
]  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=300)
    | st.just(10**400),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_D02_any_value_anywhere_ends_in_findings_and_never_in_another_error(
    tmp_path: Path, place: tuple[Any, ...], value: object
) -> None:
    row(*place, to=value)(coco(tmp_path))
    errors = [finding for finding in check(str(tmp_path)).all if finding.severity == "error"]
    try:
        CocoFolder(tmp_path, split="train")
    except DataError:
        assert errors
