"""Statements about relatives of a pool, which the conformance test tries and the documents print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Law:
    """With `keys`, a pool outputs what `[section]` with `theirs` outputs on the same window.

    Args:
        within: greatest difference, as a share of the input's greatest value; 0: equal to the bit.
    """

    section: str
    keys: Mapping[str, Any]
    theirs: Mapping[str, Any]
    within: float


def near(section: str, *, within: float = 1e-2, theirs: Mapping[str, Any] | None = None, **keys: Any) -> Law:
    """A limit: with these keys the pool comes close to another.

    >>> near("maxpool", temperature=1e-3).within
    0.01
    """
    return Law(section, keys, theirs or {}, within)


def equals(section: str, *, theirs: Mapping[str, Any] | None = None, **keys: Any) -> Law:
    """An identity: with these keys the pool is another, up to the rounding of float32."""
    return Law(section, keys, theirs or {}, 1e-5)
