"""Layers of ours written out in Darknet's sections, and read back from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

from darknet_py.cfg.document import Document, parse
from darknet_py.cfg.edits import NAME
from darknet_py.cfg.keys import keys_of
from darknet_py.cfg.sections import New, new_section
from darknet_py.edit.reordering import Layout, Plan, layers_of
from darknet_py.errors import UsageError
from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.base import CATALOGUE, Layer, absolute
from darknet_py.layers.composite import Composite
from darknet_py.lint.check import compile_checked


def expand(graph: Graph, which: Iterable[int] | None, plan: Plan) -> None:
    """Put Darknet's sections in the place of layers of ours.

    Args:
        which: the layers, or None for all that can be.

    Raises:
        UsageError: when one that is asked for cannot be.
    """
    for node in graph if which is None else [graph[at] for at in which]:
        sections, why = _written(node)
        if sections:
            plan.instead[node.index] = sections
            plan.heirs[node.index], plan.readers[node.index] = sections[-1], sections[0]
        elif which is not None:
            raise UsageError(f"{node.name} cannot be expanded: {why}", where=graph.document.path)


def _written(node: Node) -> tuple[tuple[New, ...], str]:
    """A layer's sections, or why there are none."""
    layer = node.layer
    if not isinstance(layer, Composite):
        return (), "Darknet has no sections for it, or it is Darknet's already"
    if -1 in node.inputs:
        return (), "it reads the image, which a [route] cannot name"
    kept = [f for f in _common(layer) if getattr(layer, f) != keys_of(type(layer))[f].default]  # type: ignore[arg-type]
    if kept:
        return (), f"its `{kept[0]}` belongs to one layer, and there would be several"
    sections = [new_section(text) for text in layer.in_sections(*node.maps)]
    if not sections:
        return (), "Darknet has no sections for it"
    named = ((NAME, layer.name),) if layer.name else ()
    sections[-1] = New(sections[-1].section, (*sections[-1].entries, *named))
    return tuple(sections), ""


def _common(layer: Layer) -> Iterator[str]:
    """The keys that every section has, but for the name."""
    return (f.name for f in fields(Layer) if f.name != NAME and f.name in keys_of(type(layer)))  # type: ignore[arg-type]


def written_out(graph: Graph) -> Graph:
    """The network with all that can be in Darknet's sections; itself where nothing can."""
    plan = Plan()
    expand(graph, None, plan)
    return compile_checked(Layout(graph.document, plan).written()) if plan.instead else graph


def fold(graph: Graph, which: Iterable[int] | None, plan: Plan) -> None:
    """Put layers of ours in the place of Darknet's sections that say the same.

    Args:
        which: of each run of sections one layer, or None for all runs that there are.

    Raises:
        UsageError: when a layer that is asked for stands in no such run.
    """
    runs = list(folds(graph))
    for at in which or ():
        if not any(at in run for run, _ in runs):
            message = f"{graph[at].name} stands in no run of sections that one of ours says"
            raise UsageError(message, where=graph.document.path)
    for run, new in runs:
        if which is None or any(at in run for at in which):
            plan.instead |= dict.fromkeys(run, ()) | {run[0]: (new,)}
            plan.heirs[run[-1]], plan.readers[run[0]] = new, new


def folds(graph: Graph) -> Iterator[tuple[range, New]]:
    """Every run of layers that one of ours says, and that one; runs do not overlap."""
    classes = [cls for cls in CATALOGUE.values() if issubclass(cls, Composite)]
    at = 0
    while at < len(graph):
        tries = ((guess, cls) for cls in classes if (guess := cls.guess([n.layer for n in graph[at:]])))
        found = next((new for guess, _ in tries if (new := _same(graph, at, guess))), None)
        if found:
            yield found
        at = found[0].stop if found else at + 1


def _same(graph: Graph, start: int, guess: Composite) -> tuple[range, New] | None:
    """The run of layers from `start` on, if the guess is written so, and only its last one is read."""
    if graph[start].inputs != (start - 1,) or start == 0:
        return None
    texts = guess.in_sections(*graph[start].maps)
    wanted = layers_of(_document(texts))
    run = range(start, start + len(texts))
    if not texts or run.stop > len(graph):
        return None
    name = graph[run[-1]].layer.name
    for at, layer in zip(run, wanted, strict=True):
        here = _counting_back(graph[at].layer, at)
        if (replace(here, name="") if at == run[-1] else here) != layer:
            return None
    if any(i in run[:-1] for node in graph if node.index not in run for i in node.inputs):
        return None
    return run, _new(guess, name)


def _document(texts: Iterable[str]) -> Document:
    lines = [line for text in texts for line in new_section(text).lines("\n")]
    return parse("[net]\n" + "".join(lines))


def _counting_back(layer: Layer, at: int) -> Layer:
    """The layer with references that all count back, so that two at different places can be compared."""
    changed: dict[str, Any] = {
        field: tuple(absolute(i, at) - at for i in value)
        for field, key in keys_of(type(layer)).items()  # type: ignore[arg-type]
        if key.refers and isinstance(value := getattr(layer, field), tuple)
    }
    return replace(layer, **changed)


def _new(layer: Composite, name: str) -> New:
    """A layer as a section: the first key of its own, and those that are not what they are by default."""
    entries = []
    shared = keys_of(type(layer).__mro__[1])
    first = next((field for field in keys_of(type(layer)) if field not in shared), "")  # type: ignore[arg-type]
    for field, key in sorted(keys_of(type(layer)).items(), key=lambda each: each[0] == NAME):  # type: ignore[arg-type]
        value = name if field == NAME else getattr(layer, field)
        if value != key.default or field == first:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            entries.append((key.name, text))
    return New(layer.section, tuple(entries))
