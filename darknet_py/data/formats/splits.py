"""Splits of a data set: what folders and files call them, and which is meant where one is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from darknet_py.errors import MissingSplit, quoted

WORDS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "validate"),
    "test": ("test", "testing"),
}
ALL = "all"  # the only split of a data set that is not divided
DIVIDE = "`darknet-py data split` divides it into train and val; `eval` and `data check` take all of it"

T = TypeVar("T")


def split_of(name: str) -> str | None:
    """The split that a folder or a file of this name holds; it may end in a year.

    >>> split_of("valid"), split_of("Train"), split_of("val2017"), split_of("images")
    ('val', 'train', 'val', None)
    """
    folded = re.sub(r"(?:19|20)\d\d$", "", name.casefold())
    return next((split for split, words in WORDS.items() if folded in words), None)


def choose(found: Mapping[str, T], split: str, *, where: object, expected: str) -> T:
    """Return the part of a data set that is a split; `train` of one that is not divided is all of it.

    Args:
        found: what was found, by the names of splits.
        where: the data set, for errors.
        expected: what was looked for, for errors.

    Raises: MissingSplit: when there is no such split.
    """
    if split in found:
        return found[split]
    if ALL in found:
        if split == "train":
            return found[ALL]
        raise MissingSplit(f"has no split `{quoted(split)}`: it is not divided into splits", where=where)
    has = quoted(" and ".join(found)) or "none"
    hint = "" if found and split == "val" else f"expected {expected}"
    raise MissingSplit(f"has no split `{quoted(split)}`; it has {has}", where=where, hint=hint)


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Names of splits: train, val and test first, then others as they come.

    >>> ordered(["test", "train"])
    ('train', 'test')
    """
    given = list(names)
    return (*(split for split in WORDS if split in given), *(name for name in given if name not in WORDS))
