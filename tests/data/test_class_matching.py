"""Oracle: lists of names that are matched by hand, and the complete text of errors. Kind: story, property."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darknet_py.data.class_matching import ClassList, ClassMatch, are_placeholders, match_classes
from darknet_py.data.formats.coco.names import COCO_NAMES
from darknet_py.errors import DataError


def match(expected: Sequence[str], found: Sequence[str], boxes: Sequence[int] = ()) -> ClassMatch:
    counts = list(boxes) or [1] * len(found)
    train, val = ClassList(tuple(expected), "train"), ClassList(tuple(found), "val")
    return match_classes(train, val, lambda: counts, hint="name them alike")


def refusal(expected: Sequence[str], found: Sequence[str], boxes: Sequence[int] = ()) -> str:
    with pytest.raises(DataError) as caught:
        match(expected, found, boxes)
    return str(caught.value)


@given(st.lists(st.text(min_size=1), min_size=1, unique=True).flatmap(
    lambda names: st.tuples(st.just(names), st.permutations(names))))  # fmt: skip
def test_a_permutation_of_any_names_is_undone(names: tuple[list[str], list[str]]) -> None:
    expected, found = names
    labels = match(expected, found).labels
    assert [expected[label] for label in labels if label is not None] == found


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (("Cat", "dog"), ("cat", "Dog")),
        (("cat", "hot dog"), ("cat ", " hot  dog")),
        (("caf\u00e9", "th\u00e9"), ("cafe\u0301", "the\u0301")),
        (("cat", "dog"), ("\u200bcat", "\ufeffdog")),
        (("hot dog", "cell-phone"), ("hot_dog", "cellphone")),
        (("STRASSE", "b"), ("stra\u00dfe", "b")),
        (COCO_NAMES[3:5], ("motorbike", "aeroplane")),
    ],
    ids=["case", "blanks", "Unicode", "marks", "hyphens", "folded", "Darknet's words"],
)
def test_names_that_are_written_otherwise_are_matched_and_told(
    expected: Sequence[str], found: Sequence[str]
) -> None:
    result = match(expected, found)
    assert result.labels == (0, 1)
    assert "as train does not: matched" in result.notes[0]
    assert match(found, expected).labels == (0, 1)
    assert match(expected, found[::-1]).labels == (1, 0)


def test_the_words_of_darknets_coco_names_are_those_of_coco() -> None:
    darknet = list(COCO_NAMES)
    for ours, theirs in (
        ("motorcycle", "motorbike"), ("airplane", "aeroplane"), ("couch", "sofa"), ("tv", "tvmonitor"),
        ("potted plant", "pottedplant"), ("dining table", "diningtable"),
    ):  # fmt: skip
        darknet[darknet.index(ours)] = theirs
    result = match(darknet, COCO_NAMES[::-1])
    assert result.labels == tuple(range(80))[::-1]
    assert result.notes[0] == "val lists the 80 classes in another order than train: matched by name"
    assert ", and 3 more) as train does not: matched" in result.notes[1]


def test_names_that_differ_in_case_alone_are_two_classes() -> None:
    assert match(("cat", "Cat"), ("Cat", "cat")).labels == (1, 0)
    assert "2 of its 2 classes are not in train" in refusal(("cat", "Cat"), ("CAT", "cAt"))


def test_a_class_that_val_lacks_is_told_and_the_others_keep_their_labels() -> None:
    result = match(("cat", "dog", "emu"), ("emu", "cat"))
    assert result.labels == (2, 0)
    assert result.notes == (
        "val lists 2 classes in another order than train: matched by name",
        "val lacks 1 class (`dog`) of train",
    )


def test_a_class_that_train_lacks_is_ignored_where_no_box_is_of_it() -> None:
    result = match(("cat", "dog"), ("emu", "cat", "dog"), (0, 3, 4))
    assert result.labels == (None, 0, 1)
    assert result.notes == ("val has 1 class (`emu`) without any box that train lacks: ignored",)


def test_names_that_do_not_match_are_shown_side_by_side() -> None:
    assert refusal(("cat", "dog", "bird"), ("dog", "ox", "emu"), (5, 1, 1200)) == (
        "val: error: 2 of its 3 classes are not in train\n"
        "   only in train (2) | only in val (2)\n"
        "   cat               | ox (1 box)\n"
        "   bird              | emu (1,200 boxes)\n"
        "   in both: 1 class (`dog`)\n"
        "   = name them alike"
    )


def test_long_lists_of_long_names_are_cut() -> None:
    text = refusal([f"{at}{'x' * 200}" for at in range(300)], [f"y\x1b{at}" for at in range(200)])
    lines = text.splitlines()
    assert len(lines) == 15
    assert max(map(len, lines)) < 80
    assert lines[-3].split() == ["...", "and", "290", "more", "|", "...", "and", "190", "more"]
    assert lines[-2] == "   no class is in both"
    assert "y\\x1b0 (1 box)" in text


def test_no_class_of_the_other_list_is_refused_even_without_boxes() -> None:
    assert "no class is in both" in refusal(("cat",), ("dog",), (0,))


@pytest.mark.parametrize(
    "names",
    [
        ("0", "1", "2"),
        ("1", "2", "3"),
        ("class 0", "class 1", "class 2"),
        ("class_1", "class_2", "class_3"),
        ("Object0", "Object1", "Object2"),
    ],
)
def test_names_nobody_gave_are_matched_by_position_and_told(names: tuple[str, ...]) -> None:
    real = ("cat", "dog", "emu")
    first, second = names[:2]
    expected = f"has no names of classes (`{first}`, `{second}`, ...): matched by position with"
    assert match(real, names) == ClassMatch((0, 1, 2), (f"val {expected} train",))
    assert match(names, real) == ClassMatch((0, 1, 2), (f"train {expected} val",))


def test_numbers_that_are_names_are_matched_by_name() -> None:
    assert match(("0", "1", "2"), ("2", "0", "1")).labels == (2, 0, 1)
    assert not are_placeholders(("2", "0", "1"))
    assert not are_placeholders(("cat 0", "cat 1"))
    assert not are_placeholders(())


def test_as_many_placeholders_are_needed_for_a_match_by_position() -> None:
    assert "2 of its 2 classes are not in train" in refusal(("0", "1", "2"), ("cat", "dog"))


def test_a_name_given_twice_is_refused_unless_the_lists_are_the_same() -> None:
    assert match(("cat", "N/A", "N/A"), ("cat", "N/A", "N/A")).labels == (0, 1, 2)
    assert refusal(("cat", "N/A", "N/A"), ("N/A", "cat")) == (
        "train: error: has the class `N/A` twice, so that classes cannot be matched by name\n"
        "   = name them alike"
    )
