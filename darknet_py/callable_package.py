"""Packages that can be called: `darknet_py.train(...)` trains, and `darknet_py.train.replay` is a name in it.

Functions of the public API (`lint`, `train`, `compare`, `report`, `export`) have the names of subpackages.
Importing a subpackage binds it as an attribute of its parent, so a function of that name would be lost as
soon as one of its modules is imported. Python lets a module have a class of its own (Data model,
"Customizing module attribute access"); this one adds a call, and names that are imported when they are first
used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


class CallablePackage(ModuleType):
    """A package whose call is a call of one of its functions; nothing is imported before.

    `inspect.signature` and `help` follow `__wrapped__` to the function.
    """

    _function: str  # module:name
    _lazy: Mapping[str, str]  # name: module

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        module, _, name = self._function.partition(":")
        function: Callable[..., Any] = getattr(import_module(module), name)
        return function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self.__wrapped__(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """Import a lazy name, once."""
        module = self.__dict__.get("_lazy", {}).get(name)
        if module is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)
        value = getattr(import_module(module), name)
        setattr(self, name, value)
        return value


def make_callable(package: str, function: str, *, lazy: Mapping[str, str] | None = None) -> None:
    """Make an imported package callable; the package's `__init__` does it with its `__name__`.

    Args:
        function: what a call calls, as "module:name".
        lazy: further names of the package, and the module that each is imported from when it is first used.
    """
    module = sys.modules[package]
    module.__class__ = CallablePackage
    module.__dict__.update(_function=function, _lazy=dict(lazy or {}))
