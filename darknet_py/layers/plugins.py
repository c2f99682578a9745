"""User-defined layers: files given by `--plugin` are imported, and their sections enter the catalogue."""

from __future__ import annotations

import hashlib
import importlib.abc
import importlib.util
import inspect
import re
import stat
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from darknet_py.cfg.document import Document
from darknet_py.cfg.keys import types_of
from darknet_py.errors import PluginError, UsageError, quoted
from darknet_py.files.atomic import publish_bytes
from darknet_py.layers import catalogue
from darknet_py.layers.base import Layer
from darknet_py.layers.catalogue import ALIASES, CATALOGUE, import_all
from darknet_py.layers.pools.base import WindowPool
from darknet_py.layers.transforms.activations import ACTIVATIONS, plugged_functions

PREFIX = "darknet_py_plugin_"  # of the modules' names
MOST_BYTES = 1 << 20
KINDS = (int, float, bool, str, tuple[int, ...], tuple[float, ...])
SECTION = re.compile(r"[A-Za-z0-9_.+-]+", re.ASCII)
EXAMPLE = 'a plug-in holds a class such as `class MyPool(WindowPool, section="mypool")`'


@dataclass(frozen=True)
class Plugin:
    """A file of layers, loaded.

    Args:
        sections: the names that its classes claim, aliases and activations included.
        source: the bytes that were run.
        activations: the names of its activation functions.
    """

    path: Path
    sections: frozenset[str]
    source: bytes = field(repr=False)
    activations: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        return self.path.name

    @property
    def sha256(self) -> str:
        """The digest of its text."""
        return hashlib.sha256(self.source).hexdigest()


def load_plugins(paths: Sequence[str | Path]) -> tuple[Plugin, ...]:
    """Import files of layers; the sections of plug-ins that were loaded before are forgotten.

    Raises:
        PluginError: when a file cannot be read or imported, or holds no layer, with the line of the error.
        UsageError: when two files have one name.
    """
    import_all()  # so that a name that is taken is recognised
    _forget()
    found = tuple(dict.fromkeys(Path(path) for path in paths))
    names = [path.name for path in found]
    for path in found:
        if names.count(path.name) > 1:
            raise UsageError(f"two plug-ins are called {path.name}", hint="rename one of them")
    try:
        return tuple(_imported(path) for path in found)
    except BaseException:
        _forget()
        raise


def fingerprint_of(plugins: Iterable[Plugin], document: Document) -> dict[str, dict[str, str]]:
    """The digests of the plug-ins that a cfg speaks of, under `plugins`; empty where it needs none."""
    words = {section.name for section in document.sections}
    for section in document.sections:
        words.update(word for entry in section.entries for word in SECTION.findall(entry.value))
    used = {plugin.name: plugin.sha256 for plugin in plugins if plugin.sections & words}
    return {"plugins": used} if used else {}


def keep_plugins(plugins: Iterable[Plugin], document: Document, folder: Path) -> None:
    """Put the plug-ins that a cfg speaks of beside it, so that it can be read again."""
    used = fingerprint_of(plugins, document).get("plugins", {})
    for plugin in plugins:
        if plugin.name in used:
            folder.mkdir(parents=True, exist_ok=True)
            publish_bytes(folder / plugin.name, plugin.source)


def locate_error(error: BaseException, paths: Iterable[str | Path]) -> PluginError | None:
    """What an exception says that was raised in the code of a plug-in, with its line; None of any other's."""
    files = {str(path) for path in paths}
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in files]
    if not frames:
        return None
    place, line = f"{frames[-1].filename}:{frames[-1].lineno}", quoted(frames[-1].line or "")
    message = f"{type(error).__name__}: {quoted(error, limit=300)}"
    return PluginError(message, where=place, hint=f"the line is `{line}`" if line else "")


def _forget() -> None:
    """Take out of the catalogue what plug-ins put in."""
    for name in [name for name, cls in CATALOGUE.items() if cls.__module__.startswith(PREFIX)]:
        del CATALOGUE[name]
    for alias in [alias for alias, name in ALIASES.items() if name not in CATALOGUE]:
        del ALIASES[alias]
    for word in [word for word, one in plugged_functions().items() if one.__module__.startswith(PREFIX)]:
        del ACTIVATIONS[word]
    for name in [name for name in sys.modules if name.startswith(PREFIX)]:
        del sys.modules[name]


def _imported(path: Path) -> Plugin:
    source = _source(path)
    name = PREFIX + path.stem
    spec = importlib.util.spec_from_loader(name, _Text(path, source))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        _Text(path, source).exec_module(module)
    except (Exception, SystemExit) as error:
        raise _import_error(error, path) from error
    classes = [cls for cls in CATALOGUE.values() if cls.__module__ == name]
    functions = {word for word, one in plugged_functions().items() if one.__module__ == name}
    if not classes and not functions:
        raise PluginError("declares no layer", where=path, hint=EXAMPLE)
    for cls in classes:
        for message, hint in _declaration_errors(cls):
            raise PluginError(message, where=_place(cls, path), hint=hint)
    sections = {cls.section for cls in classes}
    names = sections | {alias for alias, to in ALIASES.items() if to in sections}
    return Plugin(path, frozenset(names | functions), source, frozenset(functions))


class _Text(importlib.abc.SourceLoader):
    """Runs the very bytes whose digest is recorded, and leaves no byte code beside them."""

    def __init__(self, path: Path, source: bytes) -> None:
        self.path, self.source = path, source

    def get_filename(self, fullname: str) -> str:
        """What tracebacks call it."""
        return str(self.path)

    def get_data(self, path: Any) -> bytes:
        """The text."""
        return self.source


def _source(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise PluginError("is not a regular file; expected a Python file with layers in it", where=path)
        with path.open("rb") as file:
            source = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise PluginError("no such file; expected a Python file with layers in it", where=path) from None
    except (OSError, ValueError) as error:
        raise PluginError(f"cannot be read: {error}", where=path) from None
    if len(source) > MOST_BYTES:
        raise PluginError(f"is larger than {MOST_BYTES:,} bytes, so it is no plug-in", where=path)
    if b"\0" in source:
        offset = source.index(0)
        raise PluginError(f"is not Python: it has a NUL byte at offset {offset}", where=path, hint=EXAMPLE)
    return source


def _import_error(error: BaseException, path: Path) -> PluginError:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        place = f"{path}:{error.lineno}" + (f":{error.offset}" if error.offset else "")
        line = quoted((error.text or "").strip())
        hint = f"the line is `{line}`" if line else EXAMPLE
        return PluginError(f"is not Python: {error.msg}", where=place if error.lineno else path, hint=hint)
    located = locate_error(error, [path])
    if located is None:  # it was raised before its first line
        return PluginError(f"cannot be imported: {quoted(error)}", where=path, hint=EXAMPLE)
    last = traceback.extract_tb(error.__traceback__)[-1]
    if isinstance(error, TypeError) and last.filename == catalogue.__file__:
        return PluginError(str(error), where=located.where, hint="")
    if isinstance(error, ModuleNotFoundError):
        return PluginError(
            f"needs a module that is not installed: {error.name}",
            where=located.where,
            hint="a plug-in is one file; what it imports must be installed",
        )
    return located


def _declaration_errors(cls: type[Layer]) -> Iterator[tuple[str, str]]:
    """What would make a section of this class fail wherever it is read."""
    for name in (cls.section, *cls.aliases):
        if not SECTION.fullmatch(name):
            yield (
                f"[{quoted(name)}] cannot be used in a cfg",
                "a section is called by letters, digits and _ . + -",
            )
    try:
        kinds = types_of(cls)
    except Exception as error:
        yield f"a type of {cls.__name__} is not known: {quoted(error)}", "import what its annotations name"
        return
    for name, kind in kinds.items():
        if "key" in getattr(cls.__dataclass_fields__.get(name), "metadata", ()) and kind not in KINDS:
            word = getattr(kind, "__name__", str(kind))
            expected = ", ".join(k.__name__ if isinstance(k, type) else str(k) for k in KINDS)
            yield f"{cls.__name__}.{name} is of a type that no cfg can hold: {word}", f"expected {expected}"
    if issubclass(cls, WindowPool) and cls.reduce is WindowPool.reduce and cls.module is WindowPool.module:
        yield f"[{cls.section}] has no rule", "write `reduce(self, cells, inside)`, or `module`"


def _place(cls: type, path: Path) -> str:
    try:
        return f"{path}:{inspect.getsourcelines(cls)[1]}"
    except (OSError, TypeError):
        return str(path)
