"""Diagnostics as SARIF 2.1.0 (OASIS), the format that code hosts show beside the lines of a change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from darknet_py.cfg.diagnostics import Diagnostic
from darknet_py.lint.registry import rule_of

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "hint": "note"}


def as_sarif(diagnostics: Sequence[Diagnostic], *, version: str) -> dict[str, Any]:
    """One log with one run: a rule for each code that occurs, a result for each diagnostic.

    Args:
        version: of this program.
    """
    codes = sorted({d.code for d in diagnostics})
    driver = {"name": "darknet-py", "version": version, "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(d, codes.index(d.code)) for d in diagnostics],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    rule = rule_of(code)
    if rule is None:
        return {"id": code, "shortDescription": {"text": "reported by a plug-in"}}
    return {
        "id": code,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.explanation},
    }


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    span = diagnostic.span
    quoted = quote(diagnostic.path.replace("\\", "/").encode("utf-8", "surrogateescape"), safe="/@=,._-~")
    artifact = {"uri": f"file://{quoted}" if Path(diagnostic.path).is_absolute() else quoted}
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endColumn": span.column + max(1, span.length),
    }
    text = f"{diagnostic.message}; {diagnostic.reason}" if diagnostic.reason else diagnostic.message
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": LEVELS[diagnostic.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
    }
    if diagnostic.suggestion:
        replacement = {"deletedRegion": region, "insertedContent": {"text": diagnostic.suggestion}}
        change = {"artifactLocation": artifact, "replacements": [replacement]}
        description = {"text": f"did you mean `{diagnostic.suggestion}`?"}
        result["fixes"] = [{"description": description, "artifactChanges": [change]}]
    return result
