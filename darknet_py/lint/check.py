"""All that is known against a cfg: errors with their probable cause, and warnings of reading and of rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from darknet_py.cfg.diagnostics import CfgError, Diagnostic, in_order
from darknet_py.cfg.document import Document
from darknet_py.graph.compile import Compiler
from darknet_py.graph.graph import Graph
from darknet_py.graph.sizes import coarsest_strides
from darknet_py.lint import heads, maps, net, references
from darknet_py.lint.base import GraphRule, LayerComplaint
from darknet_py.lint.omissions import OMITTED_KEY, omitted
from darknet_py.lint.suspects import OF_LOST_LINES, OF_MEANING, OF_WORDS, find_suspect

CHECKS: tuple[GraphRule, ...] = (*net.RULES, *maps.RULES, *references.RULES, *heads.RULES, OMITTED_KEY)


def compile_checked(document: Document, *, lenient: bool = False) -> Graph:
    """Compile a cfg; errors are reported after their probable cause.

    Args:
        lenient: take a likely misspelling of a key for an unknown key, which Darknet ignores.

    Raises:
        CfgError: with every error, in the order of the lines. Where all errors are of maps that do not fit,
            what they probably come from is put first.
    """
    compiler = Compiler(document, lenient=lenient)
    graph = compiler.graph()
    if graph is None:
        raise CfgError((*_causes(compiler), *in_order(compiler.diagnostics)))
    return graph


def warnings(graph: Graph) -> tuple[Diagnostic, ...]:
    """Every warning and hint about a cfg that compiles, in the order of its lines."""
    found = list(graph.diagnostics)
    for rule in CHECKS:
        if rule.check:
            found += _located(graph.document, rule, rule.check(graph))
    return in_order(found)


def diagnose(document: Document, *, lenient: bool = False) -> tuple[Diagnostic, ...]:
    """Every error of a cfg, or every warning of one without errors; as `lint` prints them.

    >>> from darknet_py.cfg.document import parse
    >>> [d.code for d in diagnose(parse("[net]\\n"))]
    ['no-layers']
    """
    try:
        return warnings(compile_checked(document, lenient=lenient))
    except CfgError as error:
        return error.diagnostics


def _causes(compiler: Compiler) -> tuple[Diagnostic, ...]:
    """Where all errors are of maps that do not fit, or of words alone, what the former probably come from."""
    errors = {d.code for d in compiler.diagnostics if d.severity == "error"}
    if (
        not errors & OF_MEANING
        or not errors <= OF_MEANING | OF_WORDS
        or OF_LOST_LINES & {d.code for d in compiler.diagnostics}
    ):
        return ()
    document = compiler.document
    strides = coarsest_strides(compiler.nodes)
    suspect = find_suspect(document, strides=strides, error_codes=compiler.error_codes)
    if suspect:
        found = [(suspect.position - 1, suspect.complaint)]
        return tuple(_located(document, suspect.rule, found))
    return in_order(_located(document, OMITTED_KEY, omitted(document)))


def _located(document: Document, rule: GraphRule, found: Iterable[LayerComplaint]) -> Iterator[Diagnostic]:
    """A rule's complaints with its code and severity, at their lines."""
    for layer, complaint in found:
        complaint = replace(complaint, code=rule.code, severity=rule.severity)
        yield document.locate(complaint, document.sections[layer + 1].span_of(complaint.key))
