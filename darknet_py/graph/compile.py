"""From text to meaning: layers read, references resolved, shapes checked, all errors collected."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import (
    CfgError,
    Complaint,
    Diagnostic,
    Refused,
    Span,
    in_order,
)
from darknet_py.cfg.document import Document, Section
from darknet_py.cfg.section_reader import read_keys
from darknet_py.errors import quoted
from darknet_py.graph.graph import Graph, Node
from darknet_py.graph.references import by_numbers, input_keys, name_warning
from darknet_py.graph.sharing import sharing_errors
from darknet_py.graph.sizes import layers_of_sizes
from darknet_py.layers.base import Layer, layer_class
from darknet_py.layers.catalogue import ALIASES, CATALOGUE, other_names, owner_of_key
from darknet_py.layers.heads.head import Head
from darknet_py.layers.net import Net

Reads = dict[int, tuple[Any, list[Diagnostic]]]
MOST_FLOATS = 1 << 32  # 16 GiB of one image's maps, or of weights: no machine that this is meant for holds it
MOST_MACS = 10**15  # an hour of one image on a fast GPU
NO_SECTION = "Darknet puts a layer that does nothing in its place; here it is an error"


def compile(document: Document, *, lenient: bool = False) -> Graph:
    """Understand a cfg.

    Args:
        lenient: take a likely misspelling of a key for an unknown key, which Darknet ignores.

    Raises:
        CfgError: with every error of the text, in the order of its lines.
    """
    compiler = Compiler(document, lenient=lenient)
    graph = compiler.graph()
    if graph is None:
        raise CfgError(in_order(compiler.diagnostics))
    return graph


class Compiler:
    """One document on its way to a graph; `diagnostics` has what was found, errors and warnings.

    Args:
        known: by position, what `read_keys` returned for a section that was read before.
    """

    def __init__(self, document: Document, *, lenient: bool = False, known: Reads | None = None) -> None:
        self.document, self.lenient = by_numbers(document), lenient
        self.known: Reads = known or {}
        self.diagnostics: list[Diagnostic] = [*self.document.errors, *name_warning(document)]
        self.sections = self.document.sections[1:]
        self.shapes: list[Shape | None] = []
        self.nodes: list[Node] = []
        self.image: Shape | None = None

    def graph(self) -> Graph | None:
        """The graph, or None where there is an error."""
        if any(d.code == "too-long" for d in self.document.errors):
            return None
        net = self.net()
        self.image = net.shape() if net and net.shape().floats > 0 else None
        for index, section in enumerate(self.sections):
            self.shapes.append(self.layer(index, section))
        for node, complaint in sharing_errors(self.nodes):
            self.complain(self.sections[node.index], complaint, node.inputs)
        self.check_limits()
        if any(d.severity == "error" for d in self.diagnostics) or net is None:
            return None
        return Graph(net, tuple(self.nodes), self.document, in_order(self.diagnostics))

    def error_codes(self, document: Document, changes: frozenset[int]) -> set[str]:
        """The codes of the errors of a document without names that differs in the sections of `changes`."""
        known = {position: read for position, read in self.known.items() if position not in changes}
        other = Compiler(document, lenient=self.lenient, known=known)
        other.graph()
        return {d.code for d in other.diagnostics if d.severity == "error"}

    def read(self, cls: type[Layer], position: int) -> Any:
        """The section as its class reads it, or None, and what is wrong with it."""
        if position not in self.known:
            section = self.document.sections[position]
            self.known[position] = read_keys(
                cls, section, self.document, lenient=self.lenient, owner=owner_of_key
            )
        layer, found = self.known[position]
        self.diagnostics += found
        return layer

    def net(self) -> Net | None:
        """Read [net], the first section."""
        first = self.document.sections[0] if self.document.sections else None
        if first is None or layer_class(first.name) is not Net:
            span, reason = first.span if first else Span(1), "a cfg begins with [net], the size of the input"
            if not any(d.span == span or first is None for d in self.document.errors):
                self.report(span, Complaint("the first section is not [net]", code="no-net", reason=reason))
            return None
        if len(self.document.sections) == 1:
            self.report(first.span, Complaint("there is no layer after [net]", code="no-layers"))
        net: Net | None = self.read(Net, 0)
        for complaint in net.check() if net else ():
            self.complain(first, complaint)
        return net

    def layer(self, index: int, section: Section) -> Shape | None:
        """Read one section and append its node; its shape, or None when an error hides it."""
        cls = layer_class(section.name)
        if cls is None or cls is Net:
            cls = self.unknown(section, cls)
        layer = self.read(cls, index + 1) if cls else None
        if layer is None:
            return None
        inputs = layer.inputs(index)
        sources = {i: self.source(section, layer, index, i) for i in dict.fromkeys(inputs)}
        maps = tuple(m for i in inputs if (m := sources[i]) is not None)
        if len(maps) < len(inputs):
            return None
        if (pair := layer.pair(index)) is not None:
            other = next((node for node in self.nodes if node.index == pair), None)
            if other is None:
                return None
            layer = layer.paired_with(other.layer)
            inputs, maps = (*inputs, *other.inputs), (*maps, *other.maps)
        return self.append(index, section, layer, inputs, maps)

    def append(
        self, index: int, section: Section, layer: Layer, inputs: tuple[int, ...], maps: tuple[Shape, ...]
    ) -> Shape | None:
        """Check a layer against the maps it reads, and append its node."""
        before = len(self.diagnostics)
        for complaint in layer.check(*maps):
            self.complain(section, complaint, inputs)
        if any(d.severity == "error" for d in self.diagnostics[before:]):
            return maps[0] if isinstance(layer, Head) else None
        try:
            shape = layer.shape(*maps)
        except Refused as refusal:
            complaint = refusal.complaint
            where = layers_of_sizes(complaint, maps, self.shapes)
            reason = "; ".join(filter(None, (complaint.reason, where)))
            self.complain(section, replace(complaint, reason=reason), inputs)
            return None
        self.nodes.append(Node(index, layer, inputs, maps, shape, section.span))
        return shape

    def source(self, section: Section, layer: Layer, index: int, reference: int) -> Shape | None:
        """The map of the layer referred to; None after a complaint, or when that layer has an error."""
        key = next((key for key in input_keys(type(layer)) if section.first(key)), "")
        if index == 0 and not key:
            return self.image
        if not 0 <= reference < index:
            where = "nothing is before layer 0"
            if reference >= index:
                where = "that is itself" if reference == index else "that is a later layer"
            message = f"layer {index} cannot read layer {reference}: {where}"
            choices = ("layer 0 has none before it", "layer 1 may read 0, which is also -1")
            choice = (
                choices[index] if index < 2 else f"layer {index} may read 0 to {index - 1}, or -1 to -{index}"
            )
            reason = f"layers count from 0 after [net]; {choice}"
            self.complain(section, Complaint(message, key=key, code="bad-reference", reason=reason))
            return None
        cls = layer_class(self.sections[reference].name)
        if cls is not None and issubclass(cls, Head):
            message = (
                f"layer {index} reads layer {reference}, a [{cls.section}]: its output is boxes, not a map"
            )
            reason = "put a [route] to an earlier layer between them"
            self.complain(section, Complaint(message, key=key, code="reads-head", reason=reason))
            return None
        return self.shapes[reference]

    def unknown(self, section: Section, cls: type[Layer] | None) -> type[Layer] | None:
        """Report a section's name that is unknown or a second [net].

        Returns:
            The class of which the name is a misspelling. What another tool calls so has other keys there, so
            that nothing more is reported of it and of what reads it.
        """
        if cls is Net:
            message = "a second [net]; a cfg has one, at its beginning"
            self.complain(section, Complaint(message, code="second-net"))
            return None
        if any(d.span == section.span for d in self.document.errors):
            return None
        from darknet_py.cfg.synonyms import meant_section  # here, for a cfg without mistakes needs none

        meant = meant_section(section.name, (*CATALOGUE, *ALIASES), other_names())
        guess = meant.word
        reason = meant.reason or (NO_SECTION if guess else f"known are {', '.join(sorted(CATALOGUE))}")
        suggestion = f"[{guess}]" if guess else ""
        message = f"[{quoted(section.name)}] is not known"
        self.complain(
            section, Complaint(message, code="unknown-section", reason=reason, suggestion=suggestion)
        )
        return None if meant.reason else layer_class(guess)

    def complain(self, section: Section, complaint: Complaint, inputs: tuple[int, ...] = ()) -> None:
        """Report a layer's complaint at its line: its key, its header, or the layer it reads."""
        if complaint.reads is not None:
            source = inputs[complaint.reads]
            section = self.sections[source] if 0 <= source < len(self.sections) else section
            if not section.first(complaint.key):
                complaint = replace(complaint, suggestion="")  # it is meant for the key, which is not there
        self.report(section.span_of(complaint.key), complaint)

    def report(self, span: Span, complaint: Complaint) -> None:
        """Record what is wrong at a place."""
        self.diagnostics.append(self.document.locate(complaint, span))

    def check_limits(self) -> None:
        """Refuse what no machine can hold, at the layer where it becomes too much."""
        floats = parameters = macs = 0
        for node in self.nodes:
            floats, cost = floats + node.shape.floats, node.cost
            parameters, macs = parameters + cost.parameters, macs + cost.macs
            if max(floats, parameters) >= MOST_FLOATS or macs >= MOST_MACS:
                needs = f"{floats / 2**28:,.1f} GiB of maps, {parameters / 2**28:,.1f} GiB of weights"
                message = f"one image needs {needs} and {macs / 1e12:,.1f} TMACs up to here"
                limit = f"less than {MOST_FLOATS >> 28} GiB each"
                reason = f"{limit}, and less than {MOST_MACS // 10**12:,} TMACs, is allowed"
                self.report(node.span, Complaint(message, code="too-large", reason=reason))
                return
