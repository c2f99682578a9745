"""Overrides from a command line: a key that the section does not have is an error, never a warning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from darknet_py.cfg.document import Document
from darknet_py.cfg.edits import KIND, Edit, set_values
from darknet_py.edit.editing import require_key


def apply_overrides(document: Document, edits: Sequence[Edit]) -> Document:
    """The document with the values set, and with the edits behind its path.

    Raises:
        UsageError: when a layer does not exist, or its section has no such key.
    """
    if not edits:
        return document
    result = set_values(document, edits)
    for edit in edits:
        section = result.sections[edit.position(result)].name
        if edit.key != KIND:
            require_key(section, edit.key, asked=str(edit), where=document.path)
    return replace(result, path=f"{document.path}@{','.join(map(str, edits))}")
