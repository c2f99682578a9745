"""From text to meaning: layers read, references resolved, shapes checked, all errors collected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import CfgError, Complaint, Diagnostic, Refused, Span, did_you_mean
from darknet_py.cfg.document import Document, Section
from darknet_py.cfg.keys import read_keys
from darknet_py.errors import quoted
from darknet_py.graph.graph import Graph, Node
from darknet_py.graph.references import by_numbers
from darknet_py.graph.sharing import bad_loans
from darknet_py.layers.base import ALIASES, CATALOGUE, Layer, layer_class
from darknet_py.layers.heads.head import Head
from darknet_py.layers.inverse import InverseLayer
from darknet_py.layers.net import Net
from darknet_py.lint.check import warnings
from darknet_py.lint.omissions import omitted
from darknet_py.lint.suspects import OF_LOST_LINES, OF_MEANING, suspect

__all__ = ["compile"]

MOST_FLOATS = 1 << 32  # 16 GiB of one image's maps, or of weights: no machine that this is meant for holds it
MOST_MACS = 10**15  # an hour of one image on a fast GPU
UNKNOWN = "Darknet puts a layer that does nothing in its place; here it is an error"


def compile(document: Document, *, lenient: bool = False) -> Graph:
    """Understand a cfg.

    Args:
        lenient: take a likely misspelling of a key for an unknown key, which Darknet ignores.

    Raises:
        CfgError: with every error of the text, in the order of its lines.
    """
    compiler = _Compiler(by_numbers(document), lenient)
    graph = compiler.graph()
    if graph is None:
        raise CfgError((*compiler.causes(), *in_order(compiler.diagnostics)))
    for index, complaint in (*warnings(graph), *omitted(document)):
        compiler.complain(compiler.document.sections[index + 1], complaint, ())
    return replace(graph, warnings=in_order(compiler.diagnostics))


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """By line and column."""
    return tuple(sorted(diagnostics, key=lambda d: (d.span.line, d.span.column)))


class _Compiler:
    """One document on its way to a graph."""

    def __init__(self, document: Document, lenient: bool, known: dict[int, Any] | None = None) -> None:
        self.document, self.lenient = document, lenient
        self.known = known or {}  # by position, what a section is read as
        self.diagnostics: list[Diagnostic] = list(document.errors)
        self.sections = document.sections[1:]
        self.shapes: list[Shape | None] = []
        self.nodes: list[Node] = []

    def graph(self) -> Graph | None:
        """The graph, or None where there is an error."""
        if any(d.code == "too-long" for d in self.document.errors):
            return None
        net = self.net()
        self.image = net.shape() if net and net.shape().floats > 0 else None
        for index, section in enumerate(self.sections):
            self.shapes.append(self.layer(index, section))
        for node, complaint in bad_loans(self.nodes):
            self.complain(self.sections[node.index], complaint, node.inputs)
        self.budget()
        if any(d.severity == "error" for d in self.diagnostics) or net is None:
            return None
        return Graph(net, tuple(self.nodes), self.document)

    def causes(self) -> tuple[Diagnostic, ...]:
        """Where all errors are of maps that do not fit, what they probably come from."""
        codes = {d.code for d in self.diagnostics}
        if (
            codes & OF_LOST_LINES
            or not {d.code for d in self.diagnostics if d.severity == "error"} <= OF_MEANING
        ):
            return ()
        found = suspect(self.document, fits=self.fits)
        told = [(found.position - 1, found.complaint)] if found else omitted(self.document)
        before = len(self.diagnostics)
        for index, complaint in told:
            self.complain(self.document.sections[index + 1], complaint, ())
        self.diagnostics, causes = self.diagnostics[:before], self.diagnostics[before:]
        return in_order(causes)

    def fits(self, document: Document, changed: frozenset[int]) -> bool:
        """Whether a document has no error of which only these sections are not ours."""
        known = {p: read for p, read in self.known.items() if p not in changed}
        return _Compiler(document, self.lenient, known).graph() is not None

    def read(self, cls: type[Layer], position: int) -> Any:
        """The section as its class reads it, or None, and what is wrong with it."""
        if position not in self.known:
            section = self.document.sections[position]
            self.known[position] = read_keys(cls, section, self.document, lenient=self.lenient)
        layer, found = self.known[position]
        self.diagnostics += found
        return layer

    def net(self) -> Net | None:
        first = self.document.sections[0] if self.document.sections else None
        if first is None or layer_class(first.name) is not Net:
            span, reason = first.span if first else Span(1), "a cfg begins with [net], the size of the input"
            if not any(d.span == span or first is None for d in self.document.errors):
                self.say(span, Complaint("the first section is not [net]", code="no-net", reason=reason))
            return None
        if len(self.document.sections) == 1:
            self.say(first.span, Complaint("there is no layer after [net]", code="no-layers"))
        net: Net | None = self.read(Net, 0)
        for complaint in net.check() if net else ():
            self.complain(first, complaint, ())
        return net

    def layer(self, index: int, section: Section) -> Shape | None:
        """Read one section and enter its node; its shape, or None when an error hides it."""
        cls = layer_class(section.name)
        if cls is None or cls is Net:
            cls = self.unknown(section, cls)
        if cls is None:
            return None
        layer = self.read(cls, index + 1)
        if layer is None:
            return None
        inputs = layer.inputs(index)
        sources = {i: self.source(section, layer, index, i) for i in dict.fromkeys(inputs)}
        maps = [sources[i] for i in inputs]
        if any(m is None for m in maps):
            return None
        whole = tuple(m for m in maps if m is not None)
        if isinstance(layer, InverseLayer):
            undone = next(node for node in self.nodes if node.index == inputs[-1])
            layer = replace(layer, undone=undone.layer)
            inputs, whole = (*inputs, *undone.inputs), (*whole, *undone.maps)
        return self.placed(index, section, layer, inputs, whole)

    def placed(
        self, index: int, section: Section, layer: Layer, inputs: tuple[int, ...], maps: tuple[Shape, ...]
    ) -> Shape | None:
        before = len(self.diagnostics)
        for complaint in layer.check(*maps):
            self.complain(section, complaint, inputs)
        if any(d.severity == "error" for d in self.diagnostics[before:]):
            return maps[0] if isinstance(layer, Head) else None
        try:
            shape = layer.shape(*maps)
        except Refused as refusal:
            self.complain(section, refusal.complaint, inputs)
            return None
        self.nodes.append(Node(index, layer, inputs, maps, shape, section.span))
        return shape

    def source(self, section: Section, layer: Layer, index: int, reference: int) -> Shape | None:
        """The map of the layer referred to; None after a complaint, or when that layer is faulty itself."""
        named = section.first("layers") or section.first("from")
        if index == 0 and (type(layer).inputs is Layer.inputs or not named):
            return self.image
        key = "layers" if section.first("layers") else "from"
        if not 0 <= reference < index:
            where = (
                "that is itself"
                if reference == index
                else "that is a later layer"
                if reference > index
                else "nothing is before layer 0"
            )
            message = f"layer {index} cannot read layer {reference}: {where}"
            reason = f"layers count from 0 after [net]; {self.choice(index)}"
            self.complain(section, Complaint(message, key=key, code="bad-reference", reason=reason), ())
            return None
        cls = layer_class(self.sections[reference].name)
        if cls is not None and issubclass(cls, Head):
            message = (
                f"layer {index} reads layer {reference}, a [{cls.section}]: its output is boxes, not a map"
            )
            reason = "put a [route] to an earlier layer between them"
            self.complain(section, Complaint(message, key=key, code="reads-head", reason=reason), ())
            return None
        return self.shapes[reference]

    def choice(self, index: int) -> str:
        """What a layer may refer to, in words."""
        if index < 2:
            return "layer 1 may read 0, which is also -1" if index else "layer 0 has none before it"
        return f"layer {index} may read 0 to {index - 1}, or -1 to -{index}"

    def unknown(self, section: Section, cls: type[Layer] | None) -> type[Layer] | None:
        """Say what is wrong with a section's name; the class that is probably meant, or None."""
        guess = ""
        if cls is Net:
            complaint = Complaint("a second [net]; a cfg has one, at its beginning", code="second-net")
        elif any(d.span == section.span for d in self.document.errors):
            return None
        else:
            guess = did_you_mean(section.name, (*CATALOGUE, *ALIASES))
            reason = UNKNOWN if guess else f"known are {', '.join(sorted(CATALOGUE))}"
            complaint = Complaint(
                f"[{quoted(section.name)}] is not known", code="unknown-section", reason=reason
            )
            complaint = replace(complaint, suggestion=f"[{guess}]" if guess else "")
        self.complain(section, complaint, ())
        return layer_class(guess)

    def complain(self, section: Section, complaint: Complaint, inputs: tuple[int, ...]) -> None:
        """Put a layer's complaint at its line: its key, its header, or the layer it reads."""
        if complaint.reads is not None and 0 <= inputs[complaint.reads] < len(self.sections):
            section = self.sections[inputs[complaint.reads]]
        entry = section.first(complaint.key) if complaint.key else None
        if complaint.reads is not None and entry is None:
            complaint = replace(complaint, suggestion="")  # it is meant for the key, which is not there
        self.say(entry.value_span if entry else section.span, complaint)

    def say(self, span: Span, complaint: Complaint) -> None:
        c, document = complaint, self.document
        self.diagnostics.append(
            Diagnostic(
                c.severity,
                c.code,
                c.message,
                document.path,
                span,
                c.reason,
                c.suggestion,
                document.source(span.line),
            )
        )

    def budget(self) -> None:
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
                self.say(node.span, Complaint(message, code="too-large", reason=reason))
                return
