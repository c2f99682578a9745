"""A cfg with layers removed, inserted or rewritten, and every reference renumbered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from darknet_py.cfg.diagnostics import Span
from darknet_py.cfg.document import Document, parse
from darknet_py.cfg.edits import NAME, names_of, put_all
from darknet_py.cfg.section_reader import read_keys
from darknet_py.cfg.sections import New, arranged
from darknet_py.errors import UsageError
from darknet_py.graph.references import CALL, Reference, by_numbers, references
from darknet_py.layers.base import Layer, layer_class

IMAGE = -1
Item = int | New  # a layer of the given cfg by its number, or an inserted one


@dataclass
class ReorderPlan:
    """What becomes of the layers of a cfg, by their numbers in it.

    Args:
        instead: the sections that replace a layer; none remove it.
        after: the sections that are inserted after a layer, or where it stood; -1 is [net].
        replacements: for a removed layer, what its readers read: a layer, the image (-1) or a new one.
        readers: for a layer that is rewritten, the new one that reads what it read.
    """

    instead: dict[int, tuple[New, ...]] = field(default_factory=dict)
    after: dict[int, list[New]] = field(default_factory=dict)
    replacements: dict[int, Item] = field(default_factory=dict)
    readers: dict[int, New] = field(default_factory=dict)


def layers_of(document: Document) -> list[Layer | None]:
    """Every layer as its keys declare it, whether maps fit or not; None where a section cannot be read."""
    numbered = by_numbers(document)
    found: list[Layer | None] = []
    for section in numbered.sections[1:]:
        cls = layer_class(section.name)
        found.append(read_keys(cls, section, numbered)[0] if cls else None)
    return found


def reads(layer: Layer | None, at: int) -> tuple[int, ...]:
    """The layers that a layer reads; the one before where its keys cannot be read."""
    return layer.inputs(at) if layer else (at - 1,)


class Reordering:
    """A document and a plan for it."""

    def __init__(self, document: Document, plan: ReorderPlan) -> None:
        self.document, self.plan = document, plan
        self.names = names_of(document)
        self.order: list[Item] = list(plan.after.get(IMAGE, ()))
        for at in range(len(document.sections) - 1):
            self.order += [*plan.instead.get(at, [] if at in plan.instead else [at]), *plan.after.get(at, ())]
        self.place: dict[Item, int] = {item: number for number, item in enumerate(self.order)}

    def written(self) -> Document:
        """The document with its layers as planned.

        Raises:
            UsageError: when a layer that stays would read nothing, or another map than is meant.
        """
        for at, layer in enumerate(layers_of(self.document)):
            if at in self.place or at in self.plan.readers:
                self.check_input(at, layer)
        document = put_all(self.document, self.renumbered())
        instead = {at + 1: tuple(map(self.numbered, new)) for at, new in self.plan.instead.items()}
        after = {at + 1: tuple(map(self.numbered, new)) for at, new in self.plan.after.items()}
        return arranged(document, instead=instead, after=after)

    def before(self, at: int) -> Item:
        """The item before a layer that stays, or before what it is rewritten as."""
        place = self.place[self.plan.readers.get(at, at)]
        return self.order[place - 1] if place else IMAGE

    def check_input(self, at: int, layer: Layer | None) -> None:
        """Refuse that a layer which reads the one before it would read another map than now."""
        if len(self.plan.instead.get(at, ())) > 1 and self.before(at) == IMAGE:
            message = (
                f"{self.called(at)} cannot be expanded: it would read the image, which no layer can name"
            )
            raise UsageError(message, where=self.document.path)
        if not _reads_before(self.document, at, layer):
            return
        there = self.before(at)
        if self.resolved(at - 1, reader=at) == there or self.reads_inserted(at):
            return
        there = self.before_inserted(there)
        what = "the image" if there == IMAGE else self.called(there)
        message = (
            f"{self.called(at)} reads {self.called(at - 1)}; without it, it would read {what}, another map"
        )
        hint = f"put something in its place, --replace {at - 1}=SECTION, or delete layer {at} too"
        raise UsageError(message, where=self.document.path, hint=hint)

    def reads_inserted(self, at: int) -> bool:
        """Whether a new layer stands before a layer that stays, and reads what that one read."""
        there = self.before(at)
        if there in self.plan.after.get(at - 1, ()):
            return True
        return isinstance(there, New) and self.before_inserted(there) == self.resolved(at - 1, reader=at)

    def before_inserted(self, item: Item) -> int:
        """The layer of the given cfg that stands before a new one and the new ones before that."""
        while isinstance(item, New):
            item = self.order[self.place[item] - 1] if self.place[item] else IMAGE
        return item

    def called(self, at: int) -> str:
        """A layer, for messages."""
        return f"layer {at} [{self.document.sections[at + 1].name}]"

    def resolved(self, at: int, *, reader: int) -> Item:
        """A layer, or what its readers read when it is removed."""
        item: Item = at
        while isinstance(item, int) and item in self.plan.instead:
            if item not in self.plan.replacements:
                removed = f"{self.called(item)}, which is removed"
                message = f"layer {reader} reads {removed}, and no single map replaces it"
                hint = f"set what layer {reader} reads with --set, or delete it too"
                raise UsageError(message, where=self.document.path, hint=hint)
            item = self.plan.replacements[item]
        return item

    def renumbered(self) -> Iterator[tuple[Span, str]]:
        """The new text of the references of the layers that stay."""
        for at in range(len(self.document.sections) - 1):
            for item in references(self.document, at + 1) if at in self.place else ():
                text = self.reference(item, at)
                if text != item.text:
                    yield item.span, text

    def reference(self, item: Reference, at: int) -> str:
        """A reference of a layer that stays, as it is written in the new order."""
        target = item.layer(at, self.names)
        if target is None or not 0 <= target < len(self.document.sections) - 1:
            return item.text
        if item.text == "-1" and self.reads_inserted(at):
            return item.text
        read = self.resolved(target, reader=at)
        if read == target and item.text.startswith(CALL):
            return item.text
        if read == IMAGE:
            message = f"layer {at} would read the image in the place of layer {target}; no layer can name it"
            raise UsageError(message, where=self.document.path)
        name = dict(read.entries).get(NAME) if isinstance(read, New) else self.name(read)
        if item.text.startswith(CALL) and name:
            return f"{CALL}{name}"
        return str(self.place[read] - (self.place[at] if item.relative else 0))

    def name(self, at: int) -> str | None:
        """A layer's name, if it has one."""
        entry = self.document.sections[at + 1].first(NAME)
        return entry.value if entry else None

    def numbered(self, new: New) -> New:
        """A new section with its references in the new order; those that count back stay."""
        text = parse("[net]\n" + "".join(new.lines("\n")))
        texts = []
        for item in references(text, 1):
            at = item.layer(0, {})
            if at is not None and not item.relative and 0 <= at < len(self.document.sections) - 1:
                read = self.resolved(at, reader=at)
                texts.append((item.span, str(self.place[read]) if read != IMAGE else item.text))
        (section,) = put_all(text, texts).sections[1:]
        return New(section.name, tuple((entry.key, entry.value) for entry in section.entries))


def _reads_before(document: Document, at: int, layer: Layer | None) -> bool:
    """Whether a layer reads the one before it because it stands there, whatever its references say."""
    if layer is None or type(layer).inputs is Layer.inputs:
        return True
    names = names_of(document)
    named = Counter(item.layer(at, names) for item in references(document, at + 1))
    return Counter(layer.inputs(at))[at - 1] > named[at - 1]


def replacements_of(layers: Sequence[Layer | None], removed: Sequence[int]) -> dict[int, Item]:
    """For each layer that is removed, what its readers read: the layer before it, or its only input."""
    found: dict[int, Item] = {}
    for at in removed:
        inputs = set(reads(layers[at], at))
        if at - 1 in inputs or len(inputs) == 1:
            found[at] = at - 1 if at - 1 in inputs else inputs.pop()
    return found
