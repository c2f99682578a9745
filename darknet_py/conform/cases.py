"""Sections sampled from the declarations of their keys, each after two convolutions on a small map."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol, TypeVar

import numpy as np

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import Section, parse
from darknet_py.cfg.keys import REQUIRED, Key, keys_of, types_of
from darknet_py.graph.graph import Node
from darknet_py.graph.references import reference_keys
from darknet_py.layers.cards import card
from darknet_py.layers.catalogue import CATALOGUE
from darknet_py.lint.check import compile_checked

LARGEST_SIDE = 9  # of a map; windows larger than the map are among the cases
CHANNELS = (4, 12)
REFERENCES = (-1, -2, 0, 1)
T = TypeVar("T")


class Choices(Protocol):
    """The source of random choices: a seed, or Hypothesis."""

    def integer(self, least: int, most: int) -> int:
        """A whole number of `least` to `most`."""

    def number(self, least: float, most: float) -> float:
        """A number of `least` to `most`."""

    def one_of(self, options: Sequence[T]) -> T:
        """One of them."""


class Seeded:
    """Choices from a seed; whole numbers stay near their minimum while `effort` (0 to 1) is small."""

    def __init__(self, *seed: int, effort: float = 1.0) -> None:
        self.generator, self.effort = np.random.default_rng(seed), effort

    def integer(self, least: int, most: int) -> int:
        """A whole number, the smaller ones first."""
        reach = min(most, least + 1 + round((most - least) * self.effort))
        return int(self.generator.integers(least, reach + 1))

    def number(self, least: float, most: float) -> float:
        """A number, uniformly distributed."""
        return float(self.generator.uniform(least, most))

    def one_of(self, options: Sequence[T]) -> T:
        """One of the options, with equal probability."""
        return options[int(self.generator.integers(len(options)))]


@dataclass(frozen=True)
class Case:
    """A section, and the shape of its input.

    Args:
        keys: the section's entries.
        ahead: sections that it needs before it, as text.
    """

    section: str
    keys: tuple[tuple[str, str], ...] = ()
    channels: int = 4
    height: int = 1
    width: int = 1
    ahead: str = ""

    @property
    def own(self) -> str:
        """The section's text."""
        return _text(self.section, self.keys)

    def __str__(self) -> str:
        conv = f"[convolutional]\nfilters={self.channels}\nactivation=linear\n"
        head = f"[net]\nchannels=2\nheight={self.height}\nwidth={self.width}\n"
        return f"{head}{conv}{conv}{self.ahead}{self.own}\n"

    def node(self) -> Node:
        """The section's node.

        Raises:
            CfgError: when compile refuses it.
        """
        return compile_checked(parse(str(self)))[-1]

    def smaller(self) -> Iterator[Case]:
        """Smaller cases: without one of the keys, or on a smaller map."""
        for at in range(len(self.keys)):
            yield replace(self, keys=self.keys[:at] + self.keys[at + 1 :])
        for height, width in itertools.product(range(1, self.height + 1), range(1, self.width + 1)):
            if (height, width) != (self.height, self.width):
                yield replace(self, height=height, width=width)


def draw_case(section: str, choose: Choices, *, fixed: Mapping[str, Any] = {}) -> Case:
    """A case that compiles.

    Args:
        fixed: values of keys that are not sampled.

    Raises:
        CfgError: when the sampled section does not compile; another may.
    """
    *before, example = _example(section)
    if before:  # it refers to one of them, as its example does
        fixed = {**{key: e.value for key in reference_keys(example) if (e := example.first(key))}, **fixed}
    case = Case(
        section,
        tuple(_entries(section, choose, fixed)),
        choose.one_of(CHANNELS),
        choose.integer(1, LARGEST_SIDE),
        choose.integer(1, LARGEST_SIDE),
        _ahead(before, choose, {}),
    )
    try:
        case.node()
    except CfgError as error:
        wanted = [d.suggestion for d in error.diagnostics if d.code == "bad-filters" and d.suggestion]
        if not wanted:
            raise
        fits = (
            {"ahead": _ahead(before, choose, {"output": wanted[0]})}
            if before
            else {"channels": int(wanted[0])}
        )
        case = replace(case, **fits)
        case.node()
    return case


def _ahead(sections: Iterable[Section], choose: Choices, fixed: Mapping[str, Any]) -> str:
    """The sections that another needs before it, as text."""
    return "".join(f"{_text(one.name, _entries(one.name, choose, fixed))}\n" for one in sections)


@cache
def _example(section: str) -> tuple[Section, ...]:
    """The sections of a docstring's example: those that it needs before it, and itself."""
    return parse(card(section).example).sections or parse(f"[{section}]").sections


def _text(section: str, entries: Iterable[tuple[str, str]]) -> str:
    return "\n".join([f"[{section}]", *(f"{key} = {value}" for key, value in entries)])


def _entries(section: str, choose: Choices, fixed: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    cls = CATALOGUE[section]
    for field, key in keys_of(cls).items():
        kind = types_of(cls)[field]
        unused = key.ignored or key.refused or key.not_executable or key.refers
        if key.name in fixed:
            yield key.name, str(fixed[key.name])
        elif key.default is REQUIRED and key.refers:
            count = choose.integer(1, 3) if typing.get_origin(kind) is tuple else 1
            yield key.name, ",".join(str(choose.one_of(REFERENCES)) for _ in range(count))
        elif unused or not (key.default is REQUIRED or choose.one_of((False, True))):
            continue
        elif (value := _value(key, kind, choose)) is not None:
            yield key.name, value


def _value(key: Key, kind: Any, choose: Choices) -> str | None:
    """A small value in the range of a key, as text; None for words, and for lists without a range."""
    if key.one_of:
        return choose.one_of(key.one_of)
    if kind is bool:
        return str(choose.one_of((0, 1)))
    if kind is float:
        bounds = [bound for bound in (key.above, key.at_least) if bound is not None]
        low = max(bounds) + 0.1 if bounds else 0.25
        return f"{choose.number(low, min(low + 2, key.at_most or 9)):.3f}"
    if kind is int:
        return str(_integer(key, choose))
    if kind == tuple[int, ...] and key.at_least is not None:
        return ",".join(str(_integer(key, choose)) for _ in range(choose.integer(1, 3)))
    return None


def _integer(key: Key, choose: Choices) -> int:
    least = 0 if key.at_least is None else int(max(key.at_least, -3))
    return choose.integer(least, min(least + 5, int(key.at_most or 9)))
