"""The language server protocol (pygls): the requests of the editor, answered from an `Analysis`.

Each version of a text is analysed once. Columns are converted to the editor's units and back in this module
alone.
"""

from __future__ import annotations

import re
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path
from pygls.workspace import TextDocument

from darknet_py.cfg.diagnostics import Diagnostic, Span
from darknet_py.cfg.edits import WORD
from darknet_py.lsp.analysis import Analysis
from darknet_py.lsp.completion import choices
from darknet_py.lsp.hover import hover

SEVERITIES = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "hint": lsp.DiagnosticSeverity.Hint,
}
KINDS = {
    "section": lsp.CompletionItemKind.Class,
    "key": lsp.CompletionItemKind.Property,
    "value": lsp.CompletionItemKind.EnumMember,
    "layer": lsp.CompletionItemKind.Reference,
}
TRIGGERS = ["[", "=", ",", "@"]


class Server(LanguageServer):
    """A server that keeps the newest analysis of every open text."""

    def __init__(self, version: str) -> None:
        super().__init__("darknet-py", version)
        self.kept: dict[str, tuple[str, Analysis]] = {}

    def analysis(self, uri: str) -> Analysis:
        """The analysis of the newest version of a text."""
        text = self.text(uri).source
        kept = self.kept.get(uri)
        if kept is None or kept[0] != text:
            kept = self.kept[uri] = (text, Analysis(text, to_fs_path(uri) or uri))
        return kept[1]

    def text(self, uri: str) -> TextDocument:
        """The open text."""
        return self.workspace.get_text_document(uri)

    def range(self, uri: str, span: Span) -> lsp.Range:
        """A span as the editor counts: lines from 0, columns in its units."""
        text, columns = self.text(uri), (span.column - 1, span.column - 1 + span.length)
        ends = (lsp.Position(span.line - 1, column) for column in columns)
        convert = text.position_codec.position_to_client_units
        return lsp.Range(*(convert(text.lines, end) for end in ends))

    def place(self, uri: str, position: lsp.Position) -> tuple[int, int]:
        """Line and column from 1."""
        here = self.text(uri).position_from_client_units(position)
        return here.line + 1, here.character + 1

    def to_protocol(self, uri: str, one: Diagnostic) -> lsp.Diagnostic:
        """A diagnostic of the protocol, with its suggestion for the quick fix."""
        question = f"did you mean `{one.suggestion}`?" if one.suggestion else ""
        message = "\n".join(part for part in (one.message, question, one.reason) if part)
        return lsp.Diagnostic(
            self.range(uri, one.span),
            message,
            severity=SEVERITIES[one.severity],
            code=one.code,
            source="darknet-py",
            data=one.suggestion or None,
        )

    def publish(self, uri: str) -> None:
        """Send the editor every error and warning of a text."""
        found = [self.to_protocol(uri, one) for one in self.analysis(uri).diagnostics]
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri, found, version=self.text(uri).version)
        )


def server(*, version: str) -> Server:
    """A server with a handler for every request that it answers.

    Args:
        version: of this program, which editors show.
    """
    made = Server(version)
    for method, answer in ANSWERS.items():
        made.feature(method, OPTIONS.get(method))(answer)
    return made


def opened(ls: Server, params: Any) -> None:
    """A text was opened or changed: publish its diagnostics."""
    ls.publish(params.text_document.uri)


def closed(ls: Server, params: lsp.DidCloseTextDocumentParams) -> None:
    """A text was closed: forget it, and clear its diagnostics."""
    uri = params.text_document.uri
    ls.kept.pop(uri, None)
    ls.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))


def hovered(ls: Server, params: lsp.HoverParams) -> lsp.Hover | None:
    """Shape, cost and receptive field of a section; the card of a key; the layer referred to."""
    uri = params.text_document.uri
    found = hover(ls.analysis(uri), *ls.place(uri, params.position))
    if found is None:
        return None
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, found[0]), ls.range(uri, found[1]))


def completed(ls: Server, params: lsp.CompletionParams) -> lsp.CompletionList:
    """Sections, keys, values and layers."""
    uri = params.text_document.uri
    found = choices(ls.analysis(uri), *ls.place(uri, params.position))
    items = [
        lsp.CompletionItem(
            one.text,
            kind=KINDS[one.kind],
            detail=one.detail,
            documentation=one.doc or None,
            sort_text=f"{number:04}",
            insert_text=f"{one.text}=" if one.kind == "key" else None,
        )
        for number, one in enumerate(found)
    ]
    return lsp.CompletionList(is_incomplete=False, items=items)


def defined(ls: Server, params: lsp.DefinitionParams) -> lsp.Location | None:
    """Where the layer is declared that a route, a shortcut or another key refers to."""
    uri = params.text_document.uri
    span = ls.analysis(uri).definition(*ls.place(uri, params.position))
    return lsp.Location(uri, ls.range(uri, span)) if span else None


def prepared(ls: Server, params: lsp.PrepareRenameParams) -> lsp.Range | None:
    """The name under the cursor; None where there is none."""
    uri = params.text_document.uri
    line, column = ls.place(uri, params.position)
    analysis = ls.analysis(uri)
    name = analysis.called(line, column)
    spans = [span for span in analysis.places(name) if span.line == line] if name else []
    near = [span for span in spans if span.column - 1 <= column <= span.column + span.length]
    return ls.range(uri, (near or spans)[0]) if spans else None


def renamed(ls: Server, params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
    """Rename a layer where it has its name and in all references to it."""
    uri, new = params.text_document.uri, params.new_name
    analysis = ls.analysis(uri)
    name = analysis.called(*ls.place(uri, params.position))
    if name is None:
        return None
    if not re.fullmatch(WORD, new, re.ASCII) or new == "net":
        raise JsonRpcInvalidParams(f"{new} is no name: a letter, then letters, digits and `_`")
    if new != name and new in analysis.names:
        raise JsonRpcInvalidParams(f"layer {analysis.names[new]} is called {new}")
    edits = [lsp.TextEdit(ls.range(uri, span), new) for span in analysis.places(name)]
    return lsp.WorkspaceEdit(changes={uri: edits})


def fixes(ls: Server, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    """The suggestions of diagnostics, as edits."""
    uri = params.text_document.uri
    return [
        lsp.CodeAction(
            f"write `{one.data}`",
            kind=lsp.CodeActionKind.QuickFix,
            diagnostics=[one],
            edit=lsp.WorkspaceEdit(changes={uri: [lsp.TextEdit(one.range, str(one.data))]}),
        )
        for one in params.context.diagnostics
        if one.data and one.source == "darknet-py"
    ]


def outlined(ls: Server, params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
    """The sections, with their numbers and maps."""
    uri = params.text_document.uri
    analysis, symbols = ls.analysis(uri), []
    for position, section in enumerate(analysis.document.sections):
        place = ls.range(uri, section.span)
        number = f"{position - 1} " if position else ""
        shape = str(analysis.graph[position - 1].shape) if analysis.graph and position else None
        name = f"{number}[{section.name}]"
        symbols.append(lsp.DocumentSymbol(name, lsp.SymbolKind.Class, place, place, detail=shape))
    return symbols


ANSWERS: dict[str, Any] = {
    lsp.TEXT_DOCUMENT_DID_OPEN: opened,
    lsp.TEXT_DOCUMENT_DID_CHANGE: opened,
    lsp.TEXT_DOCUMENT_DID_CLOSE: closed,
    lsp.TEXT_DOCUMENT_HOVER: hovered,
    lsp.TEXT_DOCUMENT_COMPLETION: completed,
    lsp.TEXT_DOCUMENT_DEFINITION: defined,
    lsp.TEXT_DOCUMENT_PREPARE_RENAME: prepared,
    lsp.TEXT_DOCUMENT_RENAME: renamed,
    lsp.TEXT_DOCUMENT_CODE_ACTION: fixes,
    lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL: outlined,
}
OPTIONS: dict[str, Any] = {
    lsp.TEXT_DOCUMENT_COMPLETION: lsp.CompletionOptions(trigger_characters=TRIGGERS),
    lsp.TEXT_DOCUMENT_RENAME: lsp.RenameOptions(prepare_provider=True),
    lsp.TEXT_DOCUMENT_CODE_ACTION: lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix]),
}
