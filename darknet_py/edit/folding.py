"""Composite layers expanded into Darknet's sections, and folded back from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

from darknet_py.cfg.document import parse
from darknet_py.cfg.edits import NAME
from darknet_py.cfg.keys import keys_of
from darknet_py.cfg.sections import New, new_section
from darknet_py.edit.reordering import Reordering, ReorderPlan, layers_of
from darknet_py.errors import UsageError
from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.base import Layer, absolute
from darknet_py.layers.catalogue import CATALOGUE
from darknet_py.layers.composite import Composite
from darknet_py.lint.check import compile_checked


def expand(graph: Graph, which: Iterable[int] | None, plan: ReorderPlan) -> None:
    """Replace composite layers by Darknet's sections.

    Args:
        which: the layers, or None for all that can be.

    Raises:
        UsageError: when one of `which` has no such sections.
    """
    for node in graph if which is None else [graph[at] for at in which]:
        sections, why = _sections(node)
        if sections:
            plan.instead[node.index] = sections
            plan.replacements[node.index], plan.readers[node.index] = sections[-1], sections[0]
        elif which is not None:
            raise UsageError(f"{node.name} cannot be expanded: {why}", where=graph.document.path)


def _sections(node: Node) -> tuple[tuple[New, ...], str]:
    """A layer's sections, or why there are none."""
    layer = node.layer
    if not isinstance(layer, Composite):
        return (), "Darknet has no sections for it, or it is Darknet's already"
    if -1 in node.inputs:
        return (), "it reads the image, which a [route] cannot name"
    shared = [f.name for f in fields(Layer) if f.name != NAME and f.name in keys_of(type(layer))]
    kept = [name for name in shared if getattr(layer, name) != keys_of(type(layer))[name].default]
    if kept:
        return (), f"its `{kept[0]}` applies to one layer, and it would become several"
    sections = [new_section(text) for text in layer.in_sections(*node.maps)]
    if not sections:
        return (), "Darknet has no sections for it"
    named = ((NAME, layer.name),) if layer.name else ()
    sections[-1] = New(sections[-1].section, (*sections[-1].entries, *named))
    return tuple(sections), ""


def expanded(graph: Graph) -> Graph:
    """The network with all composite layers in Darknet's sections; the same graph where there is none."""
    plan = ReorderPlan()
    expand(graph, None, plan)
    return compile_checked(Reordering(graph.document, plan).written()) if plan.instead else graph


def fold(graph: Graph, which: Iterable[int] | None, plan: ReorderPlan) -> None:
    """Replace runs of Darknet's sections by the composite layers that are equal to them.

    Args:
        which: of each run of sections one layer, or None for all runs.

    Raises:
        UsageError: when one of `which` is in no such run.
    """
    runs = list(folds(graph))
    for at in which or ():
        if not any(at in run for run, _ in runs):
            message = f"{graph[at].name} is in no run of sections that can be folded"
            raise UsageError(message, where=graph.document.path)
    for run, new in runs:
        if which is None or any(at in run for at in which):
            plan.instead |= dict.fromkeys(run, ()) | {run[0]: (new,)}
            plan.replacements[run[-1]], plan.readers[run[0]] = new, new


def folds(graph: Graph) -> Iterator[tuple[range, New]]:
    """Every run of layers that is equal to a composite layer, with it; runs do not overlap."""
    classes = [cls for cls in CATALOGUE.values() if issubclass(cls, Composite)]
    at = 0
    while at < len(graph):
        tries = ((guess, cls) for cls in classes if (guess := cls.guess([n.layer for n in graph[at:]])))
        found = next((new for guess, _ in tries if (new := _same(graph, at, guess))), None)
        if found:
            yield found
        at = found[0].stop if found else at + 1


def _same(graph: Graph, start: int, guess: Composite) -> tuple[range, New] | None:
    """The run of layers from `start` on, if the guess expands to it, and only its last layer is read."""
    if graph[start].inputs != (start - 1,) or start == 0:
        return None
    texts = guess.in_sections(*graph[start].maps)
    lines = [line for text in texts for line in new_section(text).lines("\n")]
    wanted = layers_of(parse("[net]\n" + "".join(lines)))
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


def _counting_back(layer: Layer, at: int) -> Layer:
    """The layer with references that all count back, so that two at different places can be compared."""
    changed: dict[str, Any] = {
        field: tuple(absolute(i, at) - at for i in value)
        for field, key in keys_of(type(layer)).items()
        if key.refers and isinstance(value := getattr(layer, field), tuple)
    }
    return replace(layer, **changed)


def _new(layer: Composite, name: str) -> New:
    """A layer as a section: the first key of its own, and those that differ from their defaults."""
    entries = []
    shared = keys_of(type(layer).__mro__[1])
    first = next((field for field in keys_of(type(layer)) if field not in shared), "")
    for field, key in sorted(keys_of(type(layer)).items(), key=lambda each: each[0] == NAME):
        value = name if field == NAME else getattr(layer, field)
        if value != key.default or field == first:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            entries.append((key.name, text))
    return New(layer.section, tuple(entries))
