"""Where an error of maps that do not fit probably comes from: one small change with which they do.

A wrong reference, kernel or input size is told where its consequence shows, which may be a hundred lines
further on. Here each of a few usual mistakes is undone on trial; one without which no error is left is told
first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.document import Document, Entry, Section
from darknet_py.layers.base import layer_class
from darknet_py.layers.heads.head import Head
from darknet_py.layers.net import Net
from darknet_py.layers.parametric.convolutional import Convolutional

OF_MEANING = {"shapes-differ", "bad-filters", "too-small", "bad-groups", "reads-head"}
OF_LOST_LINES = {"duplicate-key", "unknown-key"}  # a header may be missing: then every number is another
COARSEST = 32  # the stride of most networks
MOST_TRIALS = 16
COUNTED = "layers count from 0 after [net]; [net] itself has no number"


@dataclass(frozen=True)
class Suspect:
    """Values to put in the place of others, and what to say if they leave no error."""

    position: int
    changes: dict[int, dict[str, str]]
    complaint: Complaint


def suspect(document: Document, *, fits: Callable[[Document, frozenset[int]], bool]) -> Suspect | None:
    """The first change that leaves no error.

    Args:
        fits: whether a document, of which sections of these positions are changed, has no error.
    """
    for number, tried in enumerate(_all(document)):
        if number == MOST_TRIALS:
            break
        if fits(_changed(document, tried), frozenset(tried.changes)):
            return tried
    return None


def _all(document: Document) -> Iterator[Suspect]:
    yield from off_the_grid(document)
    yield from unlike_other_heads(document)
    yield from counting_net(document)
    yield from even_kernels(document)


def off_the_grid(document: Document) -> Iterator[Suspect]:
    """Sides of the input that are no multiple of the coarsest stride."""
    net = document.sections[0]
    sides = {key: _number(net.first(key)) for key in ("width", "height")}
    odd = {key: side for key, side in sides.items() if side > COARSEST and side % COARSEST}
    near = {key: str(max(1, side // COARSEST) * COARSEST) for key, side in odd.items()}
    for key, side in odd.items():
        message = f"{key}={side} is not a multiple of {COARSEST}"
        reason = f"with {near[key]} the maps fit, and with {int(near[key]) + COARSEST}"
        complaint = Complaint(message, key=key, code="odd-size", reason=reason, severity="warning")
        yield Suspect(0, {0: near}, complaint)


def unlike_other_heads(document: Document) -> Iterator[Suspect]:
    """Classes that one head has, where the others and the filters before it have other ones."""
    heads = [p for p, s in enumerate(document.sections) if _is(s, Head) and s.first("classes")]
    values = Counter(document.sections[p].first("classes").value for p in heads)  # type: ignore[union-attr]
    if len(values) != 2:
        return
    usual, other = (value for value, _ in values.most_common())
    for odd, most in ((other, usual), (usual, other)):
        for position in [p for p in heads if document.sections[p].first("classes").value == odd]:  # type: ignore[union-attr]
            message = f"classes={odd} here, and classes={most} in the other heads"
            reason = f"the filters before it are for {most} classes"
            complaint = Complaint(
                message, key="classes", code="heads-differ", reason=reason, severity="warning"
            )
            yield Suspect(position, {position: {"classes": most}}, complaint)


def counting_net(document: Document) -> Iterator[Suspect]:
    """References by number that are one too high."""
    for position, section in enumerate(document.sections):
        for key in ("layers", "from"):
            entry = section.first(key)
            numbers = entry.value.split(",") if entry else []
            for at, number in enumerate(numbers):
                if number.isascii() and number.isdigit() and 0 < int(number) < position:
                    less = ",".join([*numbers[:at], str(int(number) - 1), *numbers[at + 1 :]])
                    message = f"{key}={','.join(numbers)} does not fit what reads it, and {less} does"
                    complaint = Complaint(
                        message,
                        key=key,
                        code="counts-net",
                        reason=COUNTED,
                        suggestion=less,
                        severity="warning",
                    )
                    yield Suspect(position, {position: {key: less}}, complaint)


def even_kernels(document: Document) -> Iterator[Suspect]:
    """Kernels of even size: with size // 2 zeros around they move the map's size by one."""
    for position, section in enumerate(document.sections):
        size = _number(section.first("size")) if _is(section, Convolutional) else 0
        if size > 1 and size % 2 == 0 and section.first("pad"):
            message = f"a kernel of {size} with pad=1 moves the size of the map by one"
            reason = f"with size={size - 1} or {size + 1} the maps fit"
            complaint = Complaint(message, key="size", code="map-grows", reason=reason, severity="warning")
            yield Suspect(position, {position: {"size": str(size + 1)}}, complaint)


def _is(section: Section, cls: type) -> bool:
    found = layer_class(section.name)
    return found is not None and found is not Net and issubclass(found, cls)


def _number(entry: Entry | None) -> int:
    return int(entry.value) if entry and entry.value.isascii() and entry.value.isdigit() else 0


def _changed(document: Document, tried: Suspect) -> Document:
    sections = list(document.sections)
    for position, values in tried.changes.items():
        entries = tuple(replace(e, value=values.get(e.key, e.value)) for e in sections[position].entries)
        sections[position] = replace(sections[position], entries=entries)
    return replace(document, sections=tuple(sections))
