"""The probable cause of maps that do not fit: one small change with which they do.

A wrong reference, kernel or input size is reported where two maps no longer fit, which may be a hundred lines
further on. Here each of a few usual mistakes is undone on trial; the first one without which all maps fit is
the suspect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.document import Document, Entry, Section
from darknet_py.graph.references import input_keys
from darknet_py.layers.base import layer_class
from darknet_py.layers.heads.head import Head
from darknet_py.layers.net import Net
from darknet_py.layers.parametric.convolutional import Convolutional
from darknet_py.lint.base import GraphRule
from darknet_py.lint.heads import HEADS_DIFFER
from darknet_py.lint.maps import MAP_GROWS
from darknet_py.lint.net import ODD_SIZE
from darknet_py.lint.references import COUNTS_NET

OF_MEANING = {"shapes-differ", "bad-filters", "too-small", "bad-groups", "reads-head"}
OF_WORDS = {"unknown-value"}  # it changes no shape, and what was meant is known
OF_LOST_LINES = {"duplicate-key", "unknown-key"}  # a header may be missing: then every number is another
MOST_TRIALS = 16
COUNTED = "layers count from 0 after [net]; [net] itself has no number"


@dataclass(frozen=True)
class Suspect:
    """A usual mistake at a section: the values that undo it, and what to report if they leave no error.

    Args:
        changes: by position and key, the value to try.
        rule: the rule that has the code and the severity.
    """

    position: int
    changes: dict[int, dict[str, str]]
    rule: GraphRule
    complaint: Complaint


def find_suspect(
    document: Document,
    *,
    strides: tuple[int, int],
    error_codes: Callable[[Document, frozenset[int]], set[str]],
) -> Suspect | None:
    """The first mistake without which all maps fit.

    Args:
        strides: of the coarsest map, rows and columns.
        error_codes: those of a document of which the sections at these positions are edited.
    """
    kinds = (partial(odd_input_sizes, strides), differing_heads, references_counting_net, even_kernels)
    for suspect in islice((one for kind in kinds for one in kind(document)), MOST_TRIALS):
        left = error_codes(_with_changes(document, suspect), frozenset(suspect.changes))
        if left <= OF_WORDS:
            return suspect
    return None


def odd_input_sizes(strides: tuple[int, int], document: Document) -> Iterator[Suspect]:
    """Sides of the input that are no multiple of the coarsest stride."""
    net = document.sections[0]
    steps = {"height": strides[0], "width": strides[1]}
    sides = {key: _number(net.first(key)) for key in ("width", "height")}
    odd = [key for key, side in sides.items() if side > steps[key] and side % steps[key]]
    if not odd:
        return
    below = {key: sides[key] // steps[key] * steps[key] for key in odd}
    above = " x ".join(str(below[key] + steps[key]) for key in odd)
    if len(odd) == 1 or steps["width"] != steps["height"]:
        parts = [f"{key}={sides[key]} is not a multiple of {steps[key]}" for key in odd]
        message = ", and ".join(parts)
    else:
        message = (
            " and ".join(f"{key}={sides[key]}" for key in odd) + f" are not multiples of {steps['width']}"
        )
    reason = f"with {' x '.join(map(str, below.values()))} the maps fit, and with {above}"
    near = {key: str(size) for key, size in below.items()}
    yield Suspect(0, {0: near}, ODD_SIZE, Complaint(message, key=odd[0], reason=reason))


def differing_heads(document: Document) -> Iterator[Suspect]:
    """Classes that one head has, where the others and the filters before it have other ones."""
    classes = {
        position: entry.value
        for position, section in enumerate(document.sections)
        if _is(section, Head) and (entry := section.first("classes"))
    }
    counts = Counter(classes.values()).most_common()
    if len(counts) != 2:
        return
    (usual, _), (other, _) = counts
    for odd, most in ((other, usual), (usual, other)):
        for position in [position for position, value in classes.items() if value == odd]:
            message = f"classes={odd} here, and classes={most} in the other heads"
            complaint = Complaint(
                message, key="classes", reason=f"the filters before it are for {most} classes"
            )
            yield Suspect(position, {position: {"classes": most}}, HEADS_DIFFER, complaint)


def references_counting_net(document: Document) -> Iterator[Suspect]:
    """References by number that are one too high."""
    for position, section in enumerate(document.sections):
        cls = layer_class(section.name)
        for key in input_keys(cls) if cls else ():
            entry = section.first(key)
            numbers = entry.value.split(",") if entry else []
            for at, number in enumerate(numbers):
                if number.isascii() and number.isdigit() and 0 < int(number) < position:
                    less = ",".join([*numbers[:at], str(int(number) - 1), *numbers[at + 1 :]])
                    message = f"{key}={','.join(numbers)} does not fit what reads it, and {less} does"
                    complaint = Complaint(message, key=key, reason=COUNTED, suggestion=less)
                    yield Suspect(position, {position: {key: less}}, COUNTS_NET, complaint)


def even_kernels(document: Document) -> Iterator[Suspect]:
    """Kernels of even size: with size // 2 zeros around they move the map's size by one."""
    for position, section in enumerate(document.sections):
        size = _number(section.first("size")) if _is(section, Convolutional) else 0
        if size > 1 and size % 2 == 0 and section.first("pad"):
            message = f"a kernel of {size} with pad=1 moves the size of the map by one"
            reason = f"with size={size - 1} or {size + 1} the maps fit"
            complaint = Complaint(message, key="size", reason=reason)
            yield Suspect(position, {position: {"size": str(size + 1)}}, MAP_GROWS, complaint)


def _is(section: Section, cls: type) -> bool:
    found = layer_class(section.name)
    return found is not None and found is not Net and issubclass(found, cls)


def _number(entry: Entry | None) -> int:
    return int(entry.value) if entry and entry.value.isascii() and entry.value.isdigit() else 0


def _with_changes(document: Document, suspect: Suspect) -> Document:
    sections = list(document.sections)
    for position, values in suspect.changes.items():
        entries = tuple(replace(e, value=values.get(e.key, e.value)) for e in sections[position].entries)
        sections[position] = replace(sections[position], entries=entries)
    return replace(document, sections=tuple(sections))
