"""Edits of a network, all at once: set keys; insert, replace and delete layers, by number or name.

References are renumbered, and `filters` before an edited head follow it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from darknet_py.cfg.document import Document
from darknet_py.cfg.edits import KIND, Edit, position, set_value, without_keys
from darknet_py.cfg.keys import keys_of
from darknet_py.cfg.sections import New
from darknet_py.cfg.synonyms import meant_key
from darknet_py.edit.folding import expand, fold
from darknet_py.edit.reordering import Reordering, ReorderPlan, layers_of, reads, replacements_of
from darknet_py.errors import UsageError
from darknet_py.graph.graph import Graph
from darknet_py.graph.references import plain
from darknet_py.layers.base import Layer, layer_class
from darknet_py.layers.heads.head import Head
from darknet_py.lint.check import compile_checked

LayerRef = int | str | None  # a layer by number or name, None for [net]


@dataclass(frozen=True)
class Changes:
    """What is to be done to a cfg; layers have the numbers and names of the given cfg.

    Args:
        inserts: after which layer, and the section.
        replaces: which layer, and the section in its place; keys that both have stay as they are.
        expands: layers to write out in Darknet's sections; None for all.
        folds: layers whose run of sections is folded into one of ours; None for all.
        plain: write numbers instead of names.
    """

    sets: tuple[Edit, ...] = ()
    inserts: tuple[tuple[LayerRef, New], ...] = ()
    replaces: tuple[tuple[LayerRef, New], ...] = ()
    deletes: tuple[LayerRef, ...] = ()
    expands: tuple[LayerRef, ...] | None = ()
    folds: tuple[LayerRef, ...] | None = ()
    plain: bool = False

    def __post_init__(self) -> None:
        for new in [new for _, new in (*self.inserts, *self.replaces)]:
            for key, _ in new.entries:
                require_key(new.section, key, asked=f"[{new.section}] {key}=")


@dataclass(frozen=True)
class EditResult:
    """An edited cfg.

    Args:
        places: for each layer of the given cfg that stays, its new index.
        new: the indices of the inserted layers.
    """

    document: Document
    places: dict[int, int]
    new: tuple[int, ...]


def require_key(section: str, key: str, *, asked: str, where: str = "") -> None:
    """Refuse a key that a section does not have; `compile` reports sections that are unknown.

    Raises:
        UsageError: with the key that was probably meant.
    """
    cls = layer_class(section)
    known = [declared.name for declared in keys_of(cls).values()] if cls else [key]
    if key not in known:
        guess = meant_key(cls.section if cls else section, key, known).word
        hint = f"did you mean `{guess}`?" if guess else f"it has {', '.join(known)}"
        raise UsageError(f"{asked}: [{section}] has no key `{key}`", where=where, hint=hint)


def apply_edits(document: Document, changes: Changes) -> EditResult:
    """The cfg with all changes, and with `filters` before the edited heads made to fit.

    The result may have errors; `compile` reports them.

    Raises:
        UsageError: when a layer does not exist, or something that is asked for cannot be done.
        CfgError: when layers are to be expanded or folded in a cfg that has errors.
    """
    if not document.sections:
        compile_checked(document)  # which reports what is missing
    resolved = ResolvedChanges(document, changes)
    after = resolved.with_values()
    plan = resolved.plan(after)
    reordering = Reordering(after, plan)
    places = {item: at for item, at in reordering.place.items() if isinstance(item, int)}
    result = reordering.written() if plan.instead or plan.after else after
    result = replace(_fit_filters(result, resolved, places), path=document.path)
    if changes.plain:
        result = plain(result)
    inserted = tuple(reordering.place[new] for _, new in changes.inserts)
    return EditResult(result, places, inserted)


class ResolvedChanges:
    """The changes with layers by their numbers."""

    def __init__(self, document: Document, changes: Changes) -> None:
        self.document, self.changes = document, changes
        self.sets = [(edit.position(document) - 1, edit) for edit in changes.sets]
        self.replaces = [(self.at(one, "--replace"), new) for one, new in changes.replaces]
        self.inserts = [(self.at(one, "--insert-after", net=True), new) for one, new in changes.inserts]
        self.deletes = [self.at(one, "--delete") for one in changes.deletes]
        both = {at for at, _ in (*self.sets, *self.replaces)} & set(self.deletes)
        if both:
            raise UsageError(f"layer {min(both)} is deleted and changed", where=document.path)

    def at(self, layer: LayerRef, option: str, *, net: bool = False) -> int:
        """A layer's number.

        Args:
            option: of the command line, for messages.
            net: whether [net] is allowed.

        Raises:
            UsageError: when the layer does not exist.
        """
        found = position(self.document, layer, asked=f"{option} {'net' if layer is None else layer}") - 1
        if found < 0 and not net:
            raise UsageError(f"{option} net: [net] is no layer", where=self.document.path)
        return found

    def with_values(self) -> Document:
        """The document with sections replaced and keys set, before layers are moved."""
        document = self.document
        for at, new in self.replaces:
            cls = layer_class(new.section)
            known = {declared.name for declared in keys_of(cls).values()} if cls else set()
            present = {entry.key for entry in document.sections[at + 1].entries}
            document = set_value(document, at + 1, KIND, new.section)
            document = without_keys(document, at + 1, present - known if cls else ())
            for key, value in new.entries:
                document = set_value(document, at + 1, key, value)
        for at, edit in self.sets:
            document = set_value(document, at + 1, edit.key, edit.value)
        for at, edit in self.sets:
            if edit.key != KIND:
                name = document.sections[at + 1].name
                require_key(name, edit.key, asked=str(edit), where=document.path)
        return document

    def plan(self, document: Document) -> ReorderPlan:
        """Which layers are removed, and what is inserted.

        Raises:
            CfgError: when layers are to be expanded or folded in a cfg that has errors.
            UsageError: when one of them cannot be.
        """
        removed = sorted(set(self.deletes))
        plan = ReorderPlan(dict.fromkeys(removed, ()), {}, replacements_of(layers_of(document), removed))
        for at, new in self.inserts:
            plan.after.setdefault(at, []).append(new)
        expands, folds = self.changes.expands, self.changes.folds
        if expands != () or folds != ():
            graph = compile_checked(document)
            rewritten = ReorderPlan()
            if expands != ():
                which = None if expands is None else [self.at(one, "--expand") for one in expands]
                expand(graph, which, rewritten)
            if folds != ():
                which = None if folds is None else [self.at(one, "--fold") for one in folds]
                fold(graph, which, rewritten)
            twice = set(rewritten.instead) & set(plan.instead)
            if twice:
                raise UsageError(f"layer {min(twice)} is deleted and rewritten", where=document.path)
            plan.instead |= rewritten.instead
            plan.replacements |= rewritten.replacements
            plan.readers = rewritten.readers
        return plan


def _fit_filters(document: Document, changes: ResolvedChanges, places: dict[int, int]) -> Document:
    """The document with the `filters` that the edited heads need, except where the changes set them."""
    edited_layers = {at for at, _ in (*changes.sets, *changes.replaces)}
    fixed = {at for at, new in changes.replaces if "filters" in dict(new.entries)}
    fixed |= {at for at, edit in changes.sets if edit.key == "filters"}
    kept = {places[at] for at in fixed if at in places}
    layers = layers_of(document)
    for at in sorted(places[at] for at in edited_layers if at in places):
        head = layers[at]
        if not isinstance(head, Head):
            continue
        source = _source_with_filters(layers, at)
        needed = head.boxes_per_cell * head.entries
        if source is not None and source not in kept and getattr(layers[source], "filters", 0) != needed:
            document = set_value(document, source + 1, "filters", str(needed))
    return document


def _source_with_filters(layers: list[Layer | None], at: int) -> int | None:
    """The layer that sets by its `filters` how many channels a layer reads; None where none does."""
    while True:
        inputs = reads(layers[at], at)
        at = inputs[0]
        layer = layers[at] if at >= 0 and len(inputs) == 1 else None
        if layer is None or hasattr(layer, "filters"):
            return at if layer else None
        if type(layer).shape is not Layer.shape:
            return None


def unread_inserts(result: EditResult, graph: Graph) -> list[int]:
    """The inserted layers that no layer reads and that are no output, by index in the edited network."""
    used = {*graph.outputs, *(source for node in graph for source in node.inputs)}
    return [at for at in result.new if at not in used]
