"""Oracle: folders made by hand, and paths as other machines write them. Kind: story."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from darknet_py.data.images.locate import BACKSLASHES, BY_END, SIMILAR, PathFinder
from darknet_py.errors import DataError

DECOMPOSED, COMPOSED = (unicodedata.normalize(form, "caf\u00e9.jpg") for form in ("NFD", "NFC"))


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def located(root: Path, written: str) -> tuple[str, dict[str, int]]:
    """Where a path is found below a folder, and what is counted."""
    finder = PathFinder(root)
    found = finder.find(written, [root / written])
    finder.require(1, where="list.txt")
    return found.relative_to(root).as_posix(), finder.found


def complaint(root: Path, written: str) -> str:
    with pytest.raises(DataError) as caught:
        located(root, written)
    return str(caught.value).replace(str(root), "ROOT")


FOUND = [  # what there is, what is written, where it is found, and how
    ("a.jpg", "a.jpg", "a.jpg", ""),
    ("a.jpg", "A.JPG", "a.jpg", SIMILAR),
    ("Images/Train/a.jpg", "images/train/a.jpg", "Images/Train/a.jpg", SIMILAR),
    (DECOMPOSED, COMPOSED, DECOMPOSED, SIMILAR),
    (COMPOSED, DECOMPOSED, COMPOSED, SIMILAR),
    ("train/a.jpg", "train\\a.jpg", "train/a.jpg", BACKSLASHES),
    ("train/a.jpg", ".\\Train\\x\\..\\A.jpg", "train/a.jpg", BACKSLASHES),
    ("train/a.jpg", "C:\\Users\\ann\\data\\train\\a.jpg", "train/a.jpg", BY_END),
    ("train/a.jpg", "\\\\server\\share\\train\\a.jpg", "train/a.jpg", BY_END),
    ("train/a.jpg", "D:/data/train/a.jpg", "train/a.jpg", BY_END),
    ("train/a.jpg", "/content/data/train/a.jpg", "train/a.jpg", BY_END),
    ("images/train/a.jpg", "/content/train/a.jpg", "images/train/a.jpg", BY_END),
    ("train/A.JPG", "/content/data/train/a.jpg", "train/A.JPG", BY_END),
    ("a.jpg", "/content/data/train/a.jpg", "a.jpg", BY_END),
    ("obj_train_data/a.jpg", "data/obj_train_data/a.jpg", "obj_train_data/a.jpg", BY_END),
]


@pytest.mark.parametrize(("there", "written", "found", "how"), FOUND)
def test_a_path_of_another_machine_or_system_is_found(
    tmp_path: Path, there: str, written: str, found: str, how: str
) -> None:
    touch(tmp_path, there, "val/a.png")
    where, counts = located(tmp_path, written)
    assert where == found
    assert {reason.partition(" `")[0]: count for reason, count in counts.items()} == ({how: 1} if how else {})


def test_the_longest_end_decides(tmp_path: Path) -> None:
    touch(tmp_path, "one/train/a.jpg", "two/train/a.jpg", "a.jpg")
    assert located(tmp_path, "/content/two/train/a.jpg")[0] == "two/train/a.jpg"


def test_two_files_that_fit_equally_well_are_both_named_and_none_is_taken(tmp_path: Path) -> None:
    touch(tmp_path, "one/train/a.jpg", "two/train/a.jpg")
    told = complaint(tmp_path, "/content/train/a.jpg")
    assert told.endswith(
        "\n   = `/content/train/a.jpg` may be `ROOT/one/train/a.jpg` and `ROOT/two/train/a.jpg`: "
        "name one of them, or remove the other"
    )


def test_two_names_that_differ_in_case_are_both_named_and_none_is_taken(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "A.jpg")
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system ignores case")
    told = complaint(tmp_path, "A.JPG")
    assert told.endswith(
        "`A.JPG` may be `ROOT/A.jpg` and `ROOT/a.jpg`: name one of them, or remove the other"
    )


def test_an_image_of_another_split_is_suggested_and_not_taken(tmp_path: Path) -> None:
    touch(tmp_path, "val/images/a.jpg")
    assert complaint(tmp_path, "/content/train/images/a.jpg") == (
        "list.txt: error: 1 of 1 images are missing: `/content/train/images/a.jpg`\n"
        "   = `/content/train/images/a.jpg`: its end is here: `ROOT/val/images/a.jpg`"
    )


def test_an_image_that_is_gone_from_its_folder_is_not_taken_from_another(tmp_path: Path) -> None:
    touch(tmp_path, "train/b.jpg", "backup/train/a.jpg")
    assert "`train/a.jpg`: its end is here: `ROOT/backup/train/a.jpg`" in complaint(tmp_path, "train/a.jpg")
    touch(tmp_path, "here/b.jpg", "there/here/a.jpg")
    told = complaint(tmp_path, str(tmp_path / "here/a.jpg"))
    assert "its end is here: `ROOT/there/here/a.jpg`" in told


def test_what_is_nowhere_is_missing_without_advice(tmp_path: Path) -> None:
    told = complaint(tmp_path, "/content/train/a.jpg")
    assert told == "list.txt: error: 1 of 1 images are missing: `/content/train/a.jpg`"


def test_hidden_files_and_links_in_circles_are_not_searched(tmp_path: Path) -> None:
    touch(tmp_path, ".cache/train/a.jpg", "deep/train/a.jpg")
    (tmp_path / "deep" / "circle").symlink_to(tmp_path)
    assert located(tmp_path, "/content/train/a.jpg")[0] == "deep/train/a.jpg"


def test_no_folder_is_listed_where_every_path_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.jpg")
    monkeypatch.setattr("os.listdir", None)
    monkeypatch.setattr("os.walk", None)
    assert located(tmp_path, "a.jpg") == ("a.jpg", {})
