"""Edits of a network: keys set, layers put in, replaced and taken out, all at once, by the numbers of the cfg
as given; and what has to follow them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from darknet_py.cfg.diagnostics import did_you_mean
from darknet_py.cfg.document import Document
from darknet_py.cfg.edits import KIND, Edit, position, set_value, without_keys
from darknet_py.cfg.keys import keys_of
from darknet_py.cfg.sections import New
from darknet_py.edit.folding import expand, fold
from darknet_py.edit.reordering import Layout, Plan, heirs_of, layers_of, reads
from darknet_py.errors import UsageError
from darknet_py.graph.references import plain
from darknet_py.layers.base import Layer, layer_class
from darknet_py.layers.heads.head import Head
from darknet_py.lint.check import compile_checked

Called = int | str | None  # a layer as a person calls it: a number, a name, None for [net]


@dataclass(frozen=True)
class Changes:
    """What is to be done to a cfg; layers are called as in the cfg as given.

    Args:
        inserts: behind which layer, and the section.
        replaces: which layer, and the section in its place; keys that both have stay as they are.
        expands: layers to write out in Darknet's sections; None for all.
        folds: layers of which the run is read back as one of ours; None for all.
        plain: write numbers in the place of names.
    """

    sets: tuple[Edit, ...] = ()
    inserts: tuple[tuple[Called, New], ...] = ()
    replaces: tuple[tuple[Called, New], ...] = ()
    deletes: tuple[Called, ...] = ()
    expands: tuple[Called, ...] | None = ()
    folds: tuple[Called, ...] | None = ()
    plain: bool = False

    def __post_init__(self) -> None:
        for new in [new for _, new in (*self.inserts, *self.replaces)]:
            for key, _ in new.entries:
                must_have(new.section, key, asked=f"[{new.section}] {key}=")


@dataclass(frozen=True)
class Edited:
    """An edited cfg.

    Args:
        places: where each layer of the cfg as given stands now.
        new: where the layers that were inserted stand.
    """

    document: Document
    places: dict[int, int]
    new: tuple[int, ...]


def must_have(section: str, key: str, *, asked: str, where: str = "") -> None:
    """Refuse a key that a section does not have; `compile` knows what to say of a section that is unknown.

    Raises:
        UsageError: with the key that was probably meant.
    """
    cls = layer_class(section)
    known = [declared.name for declared in keys_of(cls).values()] if cls else [key]  # type: ignore[arg-type]
    if key not in known:
        guess = did_you_mean(key, known)
        hint = f"did you mean `{guess}`?" if guess else f"it has {', '.join(known)}"
        raise UsageError(f"{asked}: [{section}] has no key `{key}`", where=where, hint=hint)


def changed(document: Document, changes: Changes) -> Edited:
    """The cfg with everything done, and `filters` before the heads that were touched made to fit.

    The result may have errors; `compile` says which.

    Raises:
        UsageError: when a layer does not exist, or something that is asked for cannot be done.
        CfgError: when layers are to be expanded or folded in a cfg that has errors.
    """
    if not document.sections:
        compile_checked(document)  # which says what is missing
    told = _Told(document, changes)
    after = told.keys_set()
    plan = told.plan(after)
    layout = Layout(after, plan)
    places = {item: at for item, at in layout.place.items() if isinstance(item, int)}
    result = layout.written() if plan.instead or plan.after else after
    result = replace(_fitted(result, told, places), path=document.path)
    if changes.plain:
        result = plain(result)
    inserted = tuple(layout.place[new] for _, new in changes.inserts)
    return Edited(result, places, inserted)


class _Told:
    """What a person asks for, with layers by their numbers."""

    def __init__(self, document: Document, changes: Changes) -> None:
        self.document, self.changes = document, changes
        self.sets = [(edit.position(document) - 1, edit) for edit in changes.sets]
        self.replaces = [(self.at(one, "--replace"), new) for one, new in changes.replaces]
        self.inserts = [(self.at(one, "--insert-after", net=True), new) for one, new in changes.inserts]
        self.deletes = [self.at(one, "--delete") for one in changes.deletes]
        both = {at for at, _ in (*self.sets, *self.replaces)} & set(self.deletes)
        if both:
            raise UsageError(f"layer {min(both)} is deleted and changed", where=document.path)

    def at(self, called: Called, asked: str, *, net: bool = False) -> int:
        """A layer's number."""
        found = position(self.document, called, asked=f"{asked} {'net' if called is None else called}") - 1
        if found < 0 and not net:
            raise UsageError(f"{asked} net: [net] is no layer", where=self.document.path)
        return found

    def all_at(self, called: tuple[Called, ...] | None, asked: str) -> list[int] | None:
        """Layers' numbers; None stays."""
        return None if called is None else [self.at(one, asked) for one in called]

    def keys_set(self) -> Document:
        """The document with its sections as they are replaced, and keys as they are set."""
        document = self.document
        for at, new in self.replaces:
            cls = layer_class(new.section)
            known = {declared.name for declared in keys_of(cls).values()} if cls else set()  # type: ignore[arg-type]
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
                must_have(name, edit.key, asked=str(edit), where=document.path)
        return document

    def plan(self, document: Document) -> Plan:
        """Which layers go, and what is put in."""
        gone = sorted(set(self.deletes))
        plan = Plan(dict.fromkeys(gone, ()), {}, dict(heirs_of(layers_of(document), gone)))
        for at, new in self.inserts:
            plan.after.setdefault(at, []).append(new)
        expands, folds = self.changes.expands, self.changes.folds
        if expands != () or folds != ():
            graph = compile_checked(document)
            of = Plan()
            if expands != ():
                expand(graph, self.all_at(expands, "--expand"), of)
            if folds != ():
                fold(graph, self.all_at(folds, "--fold"), of)
            twice = set(of.instead) & set(plan.instead)
            if twice:
                raise UsageError(f"layer {min(twice)} is deleted and rewritten", where=document.path)
            plan.instead |= of.instead
            plan.heirs |= of.heirs
            plan.readers = of.readers
        return plan

    def filters_told(self) -> set[int]:
        """Layers whose `filters` a person set."""
        replaced = {at for at, new in self.replaces if "filters" in dict(new.entries)}
        return replaced | {at for at, edit in self.sets if edit.key == "filters"}

    def touched(self) -> set[int]:
        """Layers of which a key was set."""
        return {at for at, _ in (*self.sets, *self.replaces)}


def _fitted(document: Document, told: _Told, places: dict[int, int]) -> Document:
    """The document with the `filters` that the touched heads need, but where a person says how many."""
    kept = {places[at] for at in told.filters_told() if at in places}
    touched = {places[at] for at in told.touched() if at in places}
    layers = layers_of(document)
    for at in sorted(touched):
        head = layers[at]
        if not isinstance(head, Head):
            continue
        source = next(_with_filters(layers, at), None)
        needed = head.boxes_per_cell * head.entries
        if source is not None and source not in kept and getattr(layers[source], "filters", 0) != needed:
            document = set_value(document, source + 1, "filters", str(needed))
    return document


def _with_filters(layers: list[Layer | None], at: int) -> Iterator[int]:
    """The layer that decides how many channels a layer reads, if its key `filters` does."""
    while True:
        inputs = reads(layers[at], at)
        at = inputs[0]
        layer = layers[at] if at >= 0 and len(inputs) == 1 else None
        if layer is None:
            return
        if hasattr(layer, "filters"):
            yield at
            return
        if type(layer).shape is not Layer.shape:
            return


def unread(edited: Edited, outputs: Iterable[int], inputs: Iterable[int]) -> list[int]:
    """The layers that were inserted and that nobody reads."""
    used = {*outputs, *inputs}
    return [at for at in edited.new if at not in used]
