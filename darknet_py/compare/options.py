"""The options of `compare` that decide its trainings, from their settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from darknet_py.files.json_fields import name_if_absolute
from darknet_py.model.adapt.choices import ZERO
from darknet_py.train.settings import Settings

FULL = "float32"


def options_of(settings: Settings, epochs: float | None) -> tuple[str, ...]:
    """The options word by word; the same however the runs were started, by one command or one each.

    >>> options_of(Settings(), 8)
    ('--epochs', '8', '--recipe', 'modern', '--evaluations', '5')
    """
    return tuple(_words(settings, epochs))


def _words(settings: Settings, epochs: float | None) -> Iterator[str]:
    if epochs is not None:
        yield from ("--epochs", f"{epochs:g}")
    yield from ("--recipe", settings.recipe, "--evaluations", str(settings.evaluations))
    if settings.precision != FULL:
        yield from ("--precision", settings.precision)
    if settings.compiled:
        yield "--compile"
    for option, file in (("--weights", settings.weights), ("--names", settings.names)):
        if file is not None:
            yield from (option, _path_text(file))
    if settings.partial is not None:
        yield from ("--partial", str(settings.partial))
    if source := settings.source:
        yield from ("--weights-cfg", name_if_absolute(source.cfg))
        if source.start != ZERO:
            yield from ("--adapt", source.start)
        for pin in source.pins:
            yield from ("--map", pin)
    if prefix := settings.prefix:
        yield from ("--train-from", str(prefix.layer), "--versions", str(prefix.versions))
    for plugin in settings.plugins:
        yield from ("--plugin", _path_text(plugin.path))


def _path_text(path: Path) -> str:
    return name_if_absolute(path.as_posix())
