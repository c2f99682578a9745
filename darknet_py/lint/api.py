"""`darknet_py.lint` and `darknet_py.compile`: what is wrong with a cfg, and what network it is."""

from __future__ import annotations

from pathlib import Path

from darknet_py.cfg.diagnostics import Diagnostic
from darknet_py.cfg.document import Document
from darknet_py.cfg.shipped import open_cfg
from darknet_py.graph.graph import Graph
from darknet_py.lint.check import compile_checked, diagnose


def lint(cfg: str | Path | Document, *, lenient: bool = False) -> list[Diagnostic]:
    """Every error of a cfg; of one without errors, every warning and hint.

    >>> [str(found.severity) for found in lint("yolov3-tiny")]
    ['hint']

    Args:
        cfg: a file, a shipped cfg by name, a text or a Document.
        lenient: a misspelt key is a warning, since Darknet ignores it.

    Returns:
        Diagnostics with `severity`, `code`, `message`, line and column; `str` of one is what the command line
        prints.

    Raises:
        DarknetPyError: when there is no such file, or it is no text.
    """
    return list(diagnose(open_cfg(cfg), lenient=lenient))


def compile(cfg: str | Path | Document) -> Graph:
    """Resolve the references of a cfg and check its shapes; torch is not imported.

    Args:
        cfg: a file, a shipped cfg by name, a text or a Document.

    Returns:
        The Graph: a sequence of nodes, each with its layer, its inputs and its shape.

    Raises:
        CfgError: with every error of the cfg.
    """
    return compile_checked(open_cfg(cfg))
