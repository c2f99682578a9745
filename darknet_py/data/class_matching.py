"""Which class of one list is which class of another: by name, and by position where there are no names.

Two splits of a data set, or a data set and a network that was trained on another one, may have the same
classes in another order. Names are compared exactly; then without case, surrounding or repeated blanks, marks
without a width, and the form of Unicode; then without blanks, hyphens and underscores, and with COCO's words
for Darknet's in `coco.names`. A name that equals two others at one of these steps is matched with neither.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from darknet_py.errors import DataError, quoted

MOST_ROWS, WIDEST, MOST_NAMED = 10, 36, 3  # of the table of an error; characters of a name; names in a line
_PLACEHOLDER = re.compile(r"(?:(?:class|category|label|object|obj|id|item|type|unnamed)[ _-]?)?(\d{1,6})")
_DARKNET_WORDS = {  # of coco.names, which has them from Pascal VOC
    "aeroplane": "airplane",
    "motorbike": "motorcycle",
    "sofa": "couch",
    "tvmonitor": "tv",
}


@dataclass(frozen=True)
class ClassList:
    """The classes of one source, in the order of their labels.

    Args:
        source: what has them, in the words of a message: "train", "run/final.names".
        counted: what data have of each class.
    """

    names: tuple[str, ...]
    source: str
    counted: str = "box"


@dataclass(frozen=True)
class ClassMatch:
    """The result of `match_classes`.

    Args:
        labels: for each class of the list found, its label in the list expected; None for one that is
            ignored, because no box is of it.
        notes: what a person should know of it, a line each.
    """

    labels: tuple[int | None, ...]
    notes: tuple[str, ...] = ()

    @property
    def unchanged(self) -> bool:
        """Whether every class keeps its label."""
        return all(label == at for at, label in enumerate(self.labels))


def match_classes(
    expected: ClassList,
    found: ClassList,
    boxes: Callable[[], Sequence[int]],
    *,
    placeholders: bool = True,
    hint: str = "",
) -> ClassMatch:
    """Find the classes of one list in another.

    Args:
        expected: the classes in the order that is kept, such as that of a network.
        found: the classes of data; some of `expected` may be missing in it.
        boxes: gives the number of boxes of each class of `found`; only called where one is not expected.
        placeholders: names that only count (`are_placeholders`) are matched by position where they are not
            the same; without, they are names.
        hint: what to do where they do not match.

    Raises:
        DataError: when a class with boxes is not expected, or a list has one name twice.

    >>> train, val = ClassList(("cat", "dog"), "train"), ClassList(("dog", "cat"), "val")
    >>> match_classes(train, val, lambda: (3, 1))
    ClassMatch(labels=(1, 0), notes=('val lists the 2 classes in another order than train: matched by name',))
    """
    if expected.names == found.names:
        return ClassMatch(tuple(range(len(found.names))))
    labels = labels_by_name(expected.names, found.names)
    unknown = [at for at, label in enumerate(labels) if label is None]
    if unknown and placeholders and len(expected.names) == len(found.names):
        for one, other in ((expected, found), (found, expected)):
            if are_placeholders(one.names):
                return _by_position(one, other)
    for one in (expected, found):
        _refuse_repeated(one, hint)
    if unknown:
        counts = boxes()
        if len(unknown) == len(labels) or any(counts[at] for at in unknown):
            raise _mismatch(expected, found, labels, counts, hint)
    return ClassMatch(labels, tuple(_notes(expected, found, labels)))


def same_classes(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two lists have the same classes, in any order."""
    return len(one) == len(other) and None not in labels_by_name(one, other)


def are_placeholders(names: Sequence[str]) -> bool:
    """Whether names only count: `0`, `1`, ... or `class 1`, `class 2`, ..., from 0 or 1 in this order."""
    found = [_PLACEHOLDER.fullmatch(name.strip().casefold()) for name in names]
    numbers = [int(match[1]) for match in found if match]
    return len(numbers) == len(names) > 0 and numbers in (
        list(range(len(names))),
        list(range(1, len(names) + 1)),
    )


def _folded(name: str) -> str:
    visible = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFC", " ".join(visible.split()).casefold())


def _loosened(name: str) -> str:
    word = re.sub(r"[\s_-]+", "", _folded(name))
    return _DARKNET_WORDS.get(word, word)


def labels_by_name(expected: Sequence[str], found: Sequence[str]) -> tuple[int | None, ...]:
    """Find the label of each name, None where there is none; equal names are matched before similar ones."""
    labels: list[int | None] = [None] * len(found)
    free = set(range(len(expected)))
    for key in (str, _folded, _loosened):
        keys = {label: key(expected[label]) for label in free}
        wanted = {at: key(found[at]) for at, label in enumerate(labels) if label is None}
        once, asked = Counter(keys.values()), Counter(wanted.values())
        label_of = {word: label for label, word in keys.items() if once[word] == 1}
        for at, word in wanted.items():
            if asked[word] == 1 and word in label_of:
                labels[at] = label_of[word]
                free.remove(label_of[word])
    return tuple(labels)


def _by_position(nameless: ClassList, other: ClassList) -> ClassMatch:
    first = ", ".join((*(f"`{quoted(name)}`" for name in nameless.names[:2]), "...")[: len(nameless.names)])
    note = f"{nameless.source} has no names of classes ({first}): matched by position with {other.source}"
    return ClassMatch(tuple(range(len(other.names))), (note,))


def _refuse_repeated(listed: ClassList, hint: str) -> None:
    repeated = [name for name, times in Counter(listed.names).items() if times > 1]
    if repeated:
        message = f"has the class `{quoted(repeated[0])}` twice, so that classes cannot be matched by name"
        raise DataError(message, where=listed.source, hint=hint)


def _notes(expected: ClassList, found: ClassList, labels: Sequence[int | None]) -> list[str]:
    notes, known = [], [label for label in labels if label is not None]
    unmatched = set(range(len(expected.names))).difference(known)
    if known != sorted(known):
        count = f"the {len(known)}" if len(known) == len(expected.names) else f"{len(known)}"
        notes.append(
            f"{found.source} lists {count} classes in another order than {expected.source}: matched by name"
        )
    other = [
        f"`{quoted(name)}` is `{quoted(expected.names[label])}`"
        for name, label in zip(found.names, labels, strict=True)
        if label is not None and name != expected.names[label]
    ]
    if other:
        notes.append(f"{found.source} spells {_some(other, 'class')} as {expected.source} does not: matched")
    missing = [f"`{quoted(expected.names[at])}`" for at in sorted(unmatched)]
    if missing:
        notes.append(f"{found.source} lacks {_some(missing, 'class')} of {expected.source}")
    ignored = [f"`{quoted(name)}`" for name, label in zip(found.names, labels, strict=True) if label is None]
    if ignored:
        without = f"{_some(ignored, 'class')} without any {found.counted}"
        notes.append(f"{found.source} has {without} that {expected.source} lacks: ignored")
    return notes


def _some(names: Sequence[str], noun: str) -> str:
    """The number of names, and the first of them.

    >>> _some(["`a`", "`b`"], "class")
    '2 classes (`a`, `b`)'
    """
    more = f", and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{_number(len(names), noun)} ({', '.join(names[:MOST_NAMED])}{more})"


def _mismatch(
    expected: ClassList,
    found: ClassList,
    labels: Sequence[int | None],
    boxes: Sequence[int],
    hint: str,
) -> DataError:
    """The error that shows both lists side by side."""
    known = {label for label in labels if label is not None}
    left = [_cut_name(name) for label, name in enumerate(expected.names) if label not in known]
    odd = [at for at, label in enumerate(labels) if label is None]
    right = [f"{_cut_name(found.names[at])} ({_number(boxes[at], found.counted)})" for at in odd]
    heads = f"only in {expected.source} ({len(left)})", f"only in {found.source} ({len(right)})"
    width = max(map(len, (heads[0], *left[:MOST_ROWS])))
    columns = zip_longest(_cut_list(left), _cut_list(right), fillvalue="")
    rows = (f"   {one:<{width}} | {other}".rstrip() for one, other in (heads, *columns))
    both = [f"`{_cut_name(expected.names[label])}`" for label in sorted(known)]
    verb = "is" if len(odd) == 1 else "are"
    message = f"{len(odd)} of its {_number(len(labels), 'class')} {verb} not in {expected.source}"
    shared = f"   in both: {_some(both, 'class')}" if both else "   no class is in both"
    return DataError("\n".join((message, *rows, shared)), where=found.source, hint=hint)


def _cut_name(name: str) -> str:
    return quoted(name, limit=WIDEST)


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 'es' if noun.endswith(('s', 'x')) else 's'}"


def _cut_list(names: Sequence[str]) -> list[str]:
    more = [f"... and {len(names) - MOST_ROWS} more"] if len(names) > MOST_ROWS else []
    return [*names[:MOST_ROWS], *more]
