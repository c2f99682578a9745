"""Which layer of B continues which of A: the alignment behind `diff`, refused where it guesses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product

from darknet_py.edit.alignment import Pins, aligned, candidates
from darknet_py.errors import UsageError
from darknet_py.graph.graph import Graph, Node

Pair = tuple[int, int]  # a layer of A and one of B


def correspondence(a: Graph, b: Graph, pins: Pins) -> dict[int, int]:
    """For each layer of B that corresponds to one of A, that one's index.

    Of candidates that match equally well, the one is taken whose neighbours, the layers that it reads and
    those that read it, correspond more often.

    Raises:
        UsageError: when two candidates are equal in that, too.
    """
    known = dict(pins)
    while True:
        pairs = candidates(a, b, known)
        found = _ambiguous(a, b, pairs)
        if found is None:
            return {j: i for i, j in aligned(a, b, known) if i is not None and j is not None}
        certain = _certain(pairs)
        support = {pair: _support((a, b), pair, certain) for pair in found}
        best = max(support.values())
        chosen = [pair for pair in found if support[pair] == best]
        if len(chosen) > 1 and has_weights(a[chosen[0][0]]):
            raise _guess((a, b), chosen)
        known[chosen[0][0]] = chosen[0][1]


def _ambiguous(a: Graph, b: Graph, pairs: set[Pair]) -> list[Pair] | None:
    """The pairs of the first layer that has several candidates; None where none has.

    Layers with weights come first, then sums and others of several maps; of a layer without weights that
    reads one map it does not matter which it is.
    """
    weighted = sorted((i, j) for i, j in pairs if has_weights(a[i]) and has_weights(b[j]))
    joins = sorted((i, j) for i, j in pairs if min(len(a[i].inputs), len(b[j].inputs)) > 1)
    for chosen, side in product((weighted, joins), (0, 1)):
        found: dict[int, list[Pair]] = {}
        for pair in chosen:
            found.setdefault(pair[side], []).append(pair)
        for choices in found.values():
            if len(choices) > 1:
                return choices
    return None


def _certain(pairs: set[Pair]) -> set[Pair]:
    """The pairs of layers that have no other candidate."""
    counts = [Counter(pair[side] for pair in pairs) for side in (0, 1)]
    return {pair for pair in pairs if counts[0][pair[0]] == counts[1][pair[1]] == 1} | {(-1, -1)}


def _support(graphs: tuple[Graph, Graph], pair: Pair, certain: set[Pair]) -> int:
    """How many neighbours of two layers correspond."""
    (a, b), (i, j) = graphs, pair
    inputs = sum(one in certain for one in zip(a[i].inputs, b[j].inputs, strict=False))
    readers = sum(i in a[one].inputs and j in b[other].inputs for one, other in certain - {(-1, -1)})
    return inputs + readers + (i in a.outputs and j in b.outputs)


def has_weights(node: Node) -> bool:
    """Whether a layer has parameters, its own or those of another layer."""
    return bool(node.cost.parameters) or bool(getattr(node.layer, "shared", False))


def parse_pins(texts: Sequence[str], a: Graph, b: Graph) -> dict[int, int]:
    """The pairs of `--map 12=14`, by number or name: layer 12 of A is layer 14 of B.

    Raises:
        UsageError: when a layer does not exist, is named twice, or pairs cross.
    """
    pins: dict[int, int] = {}
    for text in texts:
        left, equals, right = text.partition("=")
        if not equals:
            raise UsageError(f"--map {text} is no pair of layers", hint="expected A=B, as in --map 12=14")
        at_a, at_b = _layer(left, a, "A", text), _layer(right, b, "B", text)
        if at_a in pins or at_b in pins.values():
            raise UsageError(f"--map {text}: a layer is mapped twice")
        pins[at_a] = at_b
    places = [at_b for _, at_b in sorted(pins.items())]
    if places != sorted(places):
        message = f"--map {' '.join(texts)}: the pairs cross"
        raise UsageError(message, hint="layers keep their order; map only one of the two")
    return pins


def _layer(text: str, graph: Graph, side: str, asked: str) -> int:
    named: Mapping[str, int] = {node.layer.name: node.index for node in graph if node.layer.name}
    text = text.strip().removeprefix("@")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else named.get(text, -1)
    if not 0 <= number < len(graph):
        message = f"--map {asked}: {side} has no layer {text!r}"
        raise UsageError(
            message, where=graph.document.path, hint=f"expected a name, or 0 to {len(graph) - 1}"
        )
    return number


def _guess(graphs: tuple[Graph, Graph], choices: Sequence[Pair]) -> UsageError:
    """The refusal of a layer with several candidates, the first and the last of them named."""
    first, last = choices[0], choices[-1]
    side = 0 if first[0] == last[0] else 1
    layer, others = graphs[side][first[side]], [graphs[1 - side][pair[1 - side]] for pair in (first, last)]
    message = f"{layer.name} of {'AB'[side]} matches {others[0].name} and {others[1].name} of {'BA'[side]}"
    hint = f"--map {first[0]}={first[1]} or --map {last[0]}={last[1]} decides"
    return UsageError(f"{message} equally well, and which one it is would be a guess", hint=hint)
