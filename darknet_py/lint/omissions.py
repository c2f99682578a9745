"""Lines that are probably missing: a key that all similar sections have but one.

Only a line that makes the layer another one is missed: in 269 public cfgs, every convolution without the
`batch_normalize` of its like feeds a head or a classifier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.document import Document, Section
from darknet_py.cfg.keys import keys_of
from darknet_py.layers.base import layer_class
from darknet_py.layers.heads.head import Head
from darknet_py.layers.net import Net
from darknet_py.layers.parametric.rare import RareKeys
from darknet_py.lint.base import NET, GraphRule, LayerComplaint

Kind = tuple[frozenset[str], str]  # the keys of a section, and its activation
MOST_COMMON = 3  # sections with a key, from which on the one without it is reported
SCHEDULE = ("batch", "subdivisions", "momentum", "decay", "learning_rate", "max_batches", "policy")
PASSING = ("softmax", "cost", "dropout", "activation", "logistic", "l2norm", "upsample")  # without weights
FOR_TRAINING = len(SCHEDULE) - 1  # of those keys: networks that are only run lack several


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
            yield from _missing_one(document, positions)


def _schedule(net: Section) -> Iterator[LayerComplaint]:
    lacking = [key for key in SCHEDULE if not net.first(key) and key not in net.invalid_keys]
    if lacking and len(SCHEDULE) - len(lacking) >= FOR_TRAINING:
        for key in lacking:
            message = f"[net] has no `{key}`"
            yield NET, Complaint(message, reason="it has the other keys of a training schedule")


def _of_heads(document: Document, positions: Sequence[int]) -> Iterator[LayerComplaint]:
    """Keys that every other head has."""
    keys = {p: _keys(document.sections[p]) for p in positions}
    for position in positions:
        others = [p for p in positions if p != position]
        lacking = frozenset.intersection(*(keys[p] for p in others)) - keys[position] if others else ()
        for key in sorted(frozenset(lacking) - {"random", "name"}):  # the last head's `random` counts
            if not _matters(document, position, others, key):
                continue
            name = document.sections[position].name
            message = f"this [{name}] has no `{key}`"
            yield position - 1, Complaint(message, reason="every other head has it")


def _missing_one(document: Document, positions: Sequence[int]) -> Iterator[LayerComplaint]:
    """Sections that have one key less than many others, and whose set of keys no other section has."""
    kinds: dict[int, Kind] = {}
    for position in positions:
        section = document.sections[position]
        written = section.first("activation")
        kinds[position] = _keys(section), written.value if written else ""
    counts = Counter(kinds.values())
    for position, (keys, activation) in kinds.items():
        if counts[keys, activation] > 1 or not keys:
            continue
        more = [
            (count, kind)
            for kind, count in counts.items()
            if count >= MOST_COMMON and len(kind[0]) == len(keys) + 1 and kind[0] > keys
            if kind[1] == activation or "activation" not in keys
        ]
        if more:
            count, kind = max(more, key=lambda item: item[0])
            (key,) = kind[0] - keys
            others = [p for p, other in kinds.items() if other == kind]
            if not _matters(document, position, others, key):
                continue
            section = document.sections[position]
            message = f"this [{section.name}] has no `{key}`"
            reason = f"{count} others have it, and the same other keys"
            yield position - 1, Complaint(message, reason=reason)


def _matters(document: Document, position: int, others: Sequence[int], key: str) -> bool:
    """Whether a section without the key is another layer than the others, and probably not by intent.

    It is by intent where a convolution without batch normalisation feeds a head or ends a classifier, or one
    without groups is the first; and it makes no difference where the others have the default, or the key has
    no effect on results.
    """
    section = document.sections[position]
    cls = layer_class(section.name)
    declared = next((one for one in keys_of(cls).values() if one.name == key), None) if cls else None
    if declared is None or declared.ignored or declared.not_executable or key in RareKeys.__annotations__:
        return False
    values = {entry.value for p in others if (entry := document.sections[p].first(key))}
    if values == {_as_text(declared.default)}:
        return False
    size = section.first("size")
    if key in ("pad", "dilation") and (size is None or size.value == "1"):
        return False
    if key == "groups" and position == 1:  # it reads the image, whose channels are not so many
        return False
    return key != "batch_normalize" or not _ends_network(document, position)


def _ends_network(document: Document, position: int) -> bool:
    """Whether nothing but pools and functions lies between a layer and a head, or the end of the cfg."""
    for section in document.sections[position + 1 :]:
        cls = layer_class(section.name)
        if cls is not None and issubclass(cls, Head):
            return True
        if cls is None or not (cls.category == "pool" or cls.section in PASSING):
            return False
    return True


def _as_text(default: object) -> str:
    return f"{default:g}" if isinstance(default, int | float) else str(default)


def _keys(section: Section) -> frozenset[str]:
    """The keys of a section, also those of lines that are errors."""
    return frozenset([*(entry.key for entry in section.entries), *section.invalid_keys]) - {"name"}


OMITTED_KEY = GraphRule(
    "omitted-key",
    "hint",
    "a key that all similar sections have but one",
    "All other heads, or at least three sections with the same other keys, have this key with a value that "
    "is not the default; a line may have been lost. Darknet takes the default, which `darknet-py layers "
    "NAME` prints. Add the line, or ignore the hint where the default is meant. The convolution that feeds "
    "a head or ends a classifier has no batch normalisation by intent, and is not reported.",
    lambda graph: omitted(graph.document),
)
