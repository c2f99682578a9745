"""Edits by somebody who names keys: one that the section does not have is a mistake, never a warning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from darknet_py.cfg.document import Document
from darknet_py.cfg.edits import KIND, Edit, apply_edits
from darknet_py.edit.editing import must_have


def edited(document: Document, edits: Sequence[Edit]) -> Document:
    """The document with the values set; its path says that they are.

    Raises:
        UsageError: when a layer does not exist, or its section has no such key.
    """
    if not edits:
        return document
    changed = apply_edits(document, edits)
    for edit in edits:
        section = changed.sections[edit.position(changed)].name
        if edit.key != KIND:
            must_have(section, edit.key, asked=str(edit), where=document.path)
    return replace(changed, path=f"{document.path}@{','.join(map(str, edits))}")
