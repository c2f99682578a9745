"""Lines that are probably missing: a key that all sections but one say that are otherwise alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.document import Document, Section
from darknet_py.layers.base import layer_class
from darknet_py.layers.heads.head import Head
from darknet_py.layers.net import Net

LayerComplaint = tuple[int, Complaint]
Kind = tuple[frozenset[str], str]  # the keys of a section, and its activation
ALIKE = 3  # so many others make a custom
SCHEDULE = ("batch", "subdivisions", "momentum", "decay", "learning_rate", "max_batches", "policy")
NEARLY = 5  # of those keys: then the cfg means to be trained


def omitted(document: Document) -> Iterator[LayerComplaint]:
    """For each section that lacks a line, its layer (-1 for [net]) and a hint."""
    groups: dict[type | None, list[int]] = {}
    for position, section in enumerate(document.sections):
        groups.setdefault(layer_class(section.name), []).append(position)
    for cls, positions in groups.items():
        sections = [document.sections[p] for p in positions]
        if cls is Net:
            yield from _schedule(sections[0])
        elif cls is not None and issubclass(cls, Head):
            yield from _of_heads(document, positions)
        elif cls is not None:
            yield from _unlike(document, positions)


def _schedule(net: Section) -> Iterator[LayerComplaint]:
    lacking = [key for key in SCHEDULE if not net.first(key) and key not in net.unread]
    if lacking and len(SCHEDULE) - len(lacking) >= NEARLY:
        for key in lacking:
            yield -1, _hint(f"[net] says nothing of `{key}`", "it has the other keys of a training")


def _of_heads(document: Document, positions: Sequence[int]) -> Iterator[LayerComplaint]:
    """A key that every other head has."""
    said = {p: _keys(document.sections[p]) for p in positions}
    for position in positions:
        others = [said[p] for p in positions if p != position]
        lacking = frozenset.intersection(*others) - said[position] if others else frozenset()
        for key in sorted(lacking - {"random", "name"}):  # the last head's `random` is the network's
            name = document.sections[position].name
            yield position - 1, _hint(f"this [{name}] has no `{key}`", "every other head has it")


def _unlike(document: Document, positions: Sequence[int]) -> Iterator[LayerComplaint]:
    """A section whose keys no other has, and that would be one of many with a key more."""
    kinds = {p: _kind(document.sections[p]) for p in positions}
    counts = Counter(kinds.values())
    for position, (keys, activation) in kinds.items():
        if counts[keys, activation] > 1 or not keys:
            continue
        more = [
            (count, kind)
            for kind, count in counts.items()
            if count >= ALIKE and len(kind[0]) == len(keys) + 1 and kind[0] > keys
            if kind[1] == activation or "activation" not in keys
        ]
        if more:
            count, kind = max(more, key=lambda item: item[0])
            (key,) = kind[0] - keys
            section = document.sections[position]
            message = f"this [{section.name}] has no `{key}`"
            yield position - 1, _hint(message, f"{count} others have it, and are like it otherwise")


def _hint(message: str, reason: str) -> Complaint:
    return Complaint(message, code="omitted-key", reason=reason, severity="hint")


def _keys(section: Section) -> frozenset[str]:
    """What it says; a line that is an error of its own has said it."""
    return frozenset([*(entry.key for entry in section.entries), *section.unread]) - {"name"}


def _kind(section: Section) -> Kind:
    activation = section.first("activation")
    return _keys(section), activation.value if activation else ""
