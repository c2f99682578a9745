"""Declarations of the keys of a section: type, default, range and meaning."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

REQUIRED: Any = object()
KINDS: dict[object, Any] = {  # types of keys, by their annotations
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "tuple[int, ...]": tuple[int, ...],
    "tuple[float, ...]": tuple[float, ...],
}
T = TypeVar("T")


@dataclass(frozen=True)
class Key:
    """What one key of a section may hold."""

    name: str
    default: Any
    doc: str
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    one_of: Sequence[str] = ()
    ignored: str = ""
    refused: str = ""
    not_executable: str = ""
    refers: bool = False

    def refusal(self, value: Any) -> str:
        """Why a value lies outside the range, or an empty string."""
        if self.refused and value != self.default:
            return f"is not supported: {self.refused}"
        for number in value if isinstance(value, tuple) else (value,):
            if self.one_of and number not in self.one_of:
                return "is not known"
            if self.above is not None and not number > self.above:
                return f"must be above {self.above:.10g}"
            if self.at_least is not None and not number >= self.at_least:
                return f"must be at least {self.at_least:.10g}"
            if self.at_most is not None and not number <= self.at_most:
                return f"must be at most {self.at_most:.10g}"
        return ""


@dataclass(frozen=True)
class SameAs:
    """A default that follows another key of the same section."""

    field: str
    rule: Callable[[Any], Any] = lambda value: value


def same_as(field: str, rule: Callable[[Any], Any] = lambda value: value) -> SameAs:
    """The default of one key taken from another, through `rule`: `padding` is `size - 1`."""
    return SameAs(field, rule)


def key(
    default: Any = REQUIRED,
    *,
    doc: str,
    unit: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
    above: float | None = None,
    one_of: Sequence[str] = (),
    name: str = "",
    ignored: str = "",
    refused: str = "",
    not_executable: str = "",
    refers: bool = False,
) -> Any:
    """Declare one key of a section, as a field of the section's class.

    Args:
        default: the value where the text has none; REQUIRED, a value, or `same_as(field)`.
        name: the word in the cfg, where it is no Python name (`from`).
        ignored: why we read the key and do not honour it; `lint` says so when it is set.
        refused: why any value but the default is an error: the network would be another.
        not_executable: why a network with any value but the default compiles, and is not run.
        refers: its numbers are layers, negative ones counted back; a text may name them, as `@spp_in`.
    """
    declared = Key(
        name, default, doc, unit, at_least, at_most, above, one_of, ignored, refused, not_executable, refers
    )
    plain = REQUIRED if default is REQUIRED else default
    if plain is REQUIRED or isinstance(default, SameAs):
        return dataclasses.field(metadata={"key": declared})
    return dataclasses.field(default=plain, metadata={"key": declared})


def per_class(function: Callable[[type], T]) -> Callable[[type], T]:
    """`functools.cache` for functions of a class; type checkers find dataclasses with `__eq__` unhashable."""
    found: dict[type, T] = {}

    @wraps(function)
    def cached(cls: type) -> T:
        if cls not in found:
            found[cls] = function(cls)
        return found[cls]

    return cached


@per_class
def keys_of(cls: type) -> dict[str, Key]:
    """Every declared key of a class by field name, in the order of declaration."""
    found = {item.name: item.metadata["key"] for item in dataclasses.fields(cls) if "key" in item.metadata}
    for field, declared in found.items():
        if not declared.name:  # `key` cannot know its field; subclasses share the Key
            object.__setattr__(declared, "name", field)
    return found


@per_class
def fields_of(cls: type) -> dict[str, str]:
    """The field of every key by the key's name."""
    return {declared.name: field for field, declared in keys_of(cls).items()}


@per_class
def types_of(cls: type) -> dict[str, Any]:
    """The type of every key by field name, one of KINDS."""
    kinds = {item.name: KINDS.get(item.type) for item in dataclasses.fields(cls) if item.name in keys_of(cls)}
    known = None not in kinds.values()  # else a file of layers that does not postpone its annotations
    return kinds if known else typing.get_type_hints(cls)


@per_class
def open_keys_of(cls: type) -> dict[str, Key]:
    """The keys without a plain default, by field name: they are required, or follow other keys."""
    keys = keys_of(cls).items()
    return {f: k for f, k in keys if k.default is REQUIRED or isinstance(k.default, SameAs)}
