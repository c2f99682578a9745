"""Edits by somebody who names keys: one that the section does not have is a mistake, never a doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from darknet_py.cfg.diagnostics import did_you_mean
from darknet_py.cfg.document import Document
from darknet_py.cfg.edit import KIND, Edit, apply_edits
from darknet_py.cfg.keys import keys_of
from darknet_py.errors import UsageError
from darknet_py.layers.base import layer_class


def edited(document: Document, edits: Sequence[Edit]) -> Document:
    """The document with the values set; its path says that they are.

    Raises:
        UsageError: when a layer does not exist, or its section has no such key.
    """
    if not edits:
        return document
    changed = apply_edits(document, edits)
    for edit in edits:
        _check(changed, edit)
    return replace(changed, path=f"{document.path}@{','.join(map(str, edits))}")


def _check(document: Document, edit: Edit) -> None:
    section = document.sections[edit.position]
    cls = layer_class(section.name)
    if edit.key == KIND or cls is None:
        return  # `compile` knows what to say of a section's name
    known = [declared.name for declared in keys_of(cls).values()]  # type: ignore[arg-type]
    if edit.key not in known:
        guess = did_you_mean(edit.key, known)
        hint = f"did you mean `{guess}`?" if guess else f"it has {', '.join(known)}"
        raise UsageError(f"{edit}: [{section.name}] has no key `{edit.key}`", where=document.path, hint=hint)
