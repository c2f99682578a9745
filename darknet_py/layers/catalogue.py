"""The catalogue of sections: a layer's module is imported when its section is first asked for.

The file of a section has its name, in lower case. So `lint` of a cfg imports the layers that stand in it, and
not the fifty others; whoever lists the catalogue, or asks for a name that no file has, imports them all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from darknet_py.cfg.keys import keys_of

if TYPE_CHECKING:
    from darknet_py.layers.base import Layer

Value = TypeVar("Value")


class Registry(MutableMapping[str, Value]):
    """A mapping by name, in alphabetical order, that is complete whenever it is listed."""

    def __init__(self) -> None:
        self.entered: dict[str, Value] = {}  # by the modules that are imported so far

    def __getitem__(self, name: str) -> Value:
        if name not in self.entered:
            import_section(name)
        return self.entered[name]

    def __setitem__(self, name: str, value: Value) -> None:
        self.entered[name] = value

    def __delitem__(self, name: str) -> None:
        del self.entered[name]

    def __iter__(self) -> Iterator[str]:
        import_all()
        return iter(sorted(self.entered))

    def __len__(self) -> int:
        import_all()
        return len(self.entered)


CATALOGUE: Registry[type[Layer]] = Registry()
ALIASES: Registry[str] = Registry()


def enter(cls: type[Layer]) -> None:
    """Add a class to the catalogue.

    Raises:
        TypeError: when another class claims one of its names, or it lacks a docstring or a key's `doc`.
    """
    if not cls.__doc__ or cls.__doc__.startswith(cls.__name__ + "("):
        raise TypeError(f"{cls.__name__} has no docstring")
    if undocumented := [name for name, declared in keys_of(cls).items() if not declared.doc]:
        raise TypeError(f"{cls.__name__}.{undocumented[0]} has no doc")
    for name in (cls.section, *cls.aliases):
        if name in CATALOGUE.entered or name in ALIASES.entered:
            raise TypeError(f"[{name}] is claimed by {cls.__name__} and by another class")
    CATALOGUE[cls.section] = cls
    ALIASES.update(dict.fromkeys(cls.aliases, cls.section))


@cache
def layer_modules() -> tuple[str, ...]:
    """Every module below this folder."""
    home = os.path.dirname(__file__)
    found: list[str] = []
    for folder, folders, files in os.walk(home):
        folders.sort()
        package = f"{__package__}{folder[len(home) :].replace(os.sep, '.')}"
        names = [file[:-3] for file in sorted(files) if file.endswith(".py") and file != "__init__.py"]
        found += [f"{package}.{name}" for name in names]
    return tuple(found)


def import_section(name: str) -> None:
    """Import the modules whose file is called like a section; all modules where none is."""
    named = [module for module in layer_modules() if module.endswith(f".{name.lower()}")]
    for module in named:
        import_module(module)
    if not named:
        import_all()


@cache
def import_all() -> None:
    """Import every module below this folder."""
    for module in layer_modules():
        import_module(module)


def owner_of_key(key: str) -> str:
    """A section that has a key of this name, [net] and Darknet's usual ones first; empty where none has."""
    usual = ("net", "convolutional", "yolo", "route", "shortcut")
    sections = dict.fromkeys((*usual, *CATALOGUE))
    owners = (name for name in sections for one in keys_of(CATALOGUE[name]).values() if one.name == key)
    return next(owners, "")


def other_names() -> dict[str, str]:
    """By section, what other tools call it."""
    return {name: cls.__dict__.get("other_names", "") for name, cls in CATALOGUE.items()}
