"""A network by its name on a command line: `CFG`, or `CFG@EDIT,...`."""

from __future__ import annotations

from pathlib import Path

from darknet_py.cfg.document import Document
from darknet_py.cfg.shipped import open_cfg
from darknet_py.graph.graph import Graph
from darknet_py.lint.check import compile_checked


def open_variant(text: str) -> Document:
    """The text of `cfg/yolov3-spp.cfg@82.size=19`, with its edits.

    Raises:
        DarknetPyError: when there is no such cfg, or an edit cannot be read. Errors of the cfg stay in the
            Document.
    """
    if "@" not in text or Path(text).is_file():
        return open_cfg(Path(text))
    from darknet_py.cfg.edits import cut_variant, parse_edits
    from darknet_py.edit.overrides import apply_overrides

    name, edits = cut_variant(text)
    return apply_overrides(open_cfg(Path(name)), parse_edits(edits) if edits else [])


def compile_variant(text: str) -> Graph:
    """Compile `cfg/yolov3-spp.cfg@82.size=19`.

    Raises:
        DarknetPyError: when there is no such cfg, it has errors, or an edit cannot be read.
    """
    return compile_checked(open_variant(text))
