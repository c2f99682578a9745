"""What became of every tensor: the ledger of an adaptation, as text and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

What = Literal["copied", "permuted", "grown", "cut", "initialised"]
WORST: tuple[What, ...] = ("initialised", "cut", "grown", "permuted", "copied")
MOST_REASONS = 8  # in the text; JSON has all


@dataclass(frozen=True)
class TensorEntry:
    """One tensor of B.

    Args:
        floats: it has.
        carried: of those, how many are A's.
        zero: how many new ones start at zero.
        cut: how many of A's are lost.
    """

    name: str
    what: What
    floats: int
    carried: int
    zero: int = 0
    cut: int = 0

    @property
    def drawn(self) -> int:
        """How many start as the layer's own rule says, or as an identity."""
        return self.floats - self.carried - self.zero


@dataclass(frozen=True)
class LayerEntry:
    """One layer with weights: of B, of A, or of both.

    Args:
        to: its index in B; None where it was removed.
        source: its index in A; None where it is new.
        note: why it is not copied as it is, where that needs words.
    """

    to: int | None
    source: int | None
    section: str
    tensors: tuple[TensorEntry, ...]
    note: str = ""

    @property
    def what(self) -> What:
        """What became of it, in one word."""
        found = {tensor.what for tensor in self.tensors}
        if "initialised" in found and len(found) > 1:
            found.discard("initialised")
        return next(word for word in WORST if word in found)

    @property
    def floats(self) -> int:
        """Floats in B, or those lost with a layer of A that was removed."""
        return sum(t.floats for t in self.tensors) if self.to is not None else self.cut

    @property
    def carried(self) -> int:
        """Floats that are A's."""
        return sum(tensor.carried for tensor in self.tensors)

    @property
    def zero(self) -> int:
        """Floats that start at zero."""
        return sum(tensor.zero for tensor in self.tensors)

    @property
    def cut(self) -> int:
        """Floats of A that are lost."""
        return sum(tensor.cut for tensor in self.tensors)


@dataclass(frozen=True)
class Reason:
    """Why B does not compute what A does: at which layer of B, or of A where B has none, and what."""

    layer: str
    why: str


@dataclass(frozen=True)
class AdaptLedger:
    """What became of the weights.

    Args:
        floats: of A and of B.
        same_maps: pairs (layer of B, layer of A) that compute the same map.
        reasons: why the outputs are not preserved; empty where they are.
        difference: of the outputs in a forward pass, as a share of the greatest; None where none is left.
    """

    a: str
    b: str
    floats: tuple[int, int]
    layers: tuple[LayerEntry, ...]
    same_maps: tuple[tuple[int, int], ...]
    reasons: tuple[Reason, ...]
    difference: float | None = None

    @property
    def preserving(self) -> bool:
        """Whether B's outputs are A's, but for the grouping of sums."""
        return not self.reasons

    @property
    def carried(self) -> int:
        """Floats of B that are A's."""
        return sum(layer.carried for layer in self.layers)

    @property
    def share(self) -> float:
        """The share of B's floats that are A's, 0 to 1."""
        return self.carried / max(1, self.floats[1])

    def json(self) -> dict[str, Any]:
        """As JSON; its keys are stable."""
        return {
            "preserving": self.preserving,
            "difference": self.difference if math.isfinite(self.difference or 0) else None,
            "from": self.a,
            "to": self.b,
            "floats": {"from": self.floats[0], "to": self.floats[1], "carried": self.carried},
            "share": round(self.share, 6),
            "reasons": [{"layer": reason.layer, "why": reason.why} for reason in self.reasons],
            "same_maps": [list(pair) for pair in self.same_maps],
            "layers": [_layer_json(layer) for layer in self.layers],
        }

    def lines(self) -> Iterator[str]:
        """As text: the verdict, the layers that are not copied as they are, and totals."""
        yield f"{self.a} -> {self.b}"
        yield from self._verdict()
        copied = [layer for layer in self.layers if layer.what == "copied"]
        rest = [layer for layer in self.layers if layer.what != "copied"]
        if rest:
            yield "    A ->  B   layer           what            floats    carried       zero        cut"
        yield from map(_line, rest)
        yield f"{_count(copied)} copied as they are, {sum(layer.floats for layer in copied):,} floats"
        yield f"{self.carried:,} of {self.floats[1]:,} floats carried over ({100 * self.share:.2f} %)"

    def _verdict(self) -> Iterator[str]:
        measured = "" if self.difference is None else f"; measured difference {self.difference:.2g}"
        if self.preserving:
            yield f"preserving: the outputs are the same{measured} of the greatest value"
            return
        yield f"not preservable{measured}{' of the greatest value' if measured else ''}:"
        for reason in self.reasons[:MOST_REASONS]:
            yield f"  {reason.layer}: {reason.why}"
        if len(self.reasons) > MOST_REASONS:
            yield f"  and {len(self.reasons) - MOST_REASONS} more"


def _count(layers: Sequence[LayerEntry]) -> str:
    return f"{len(layers)} layer{'s' if len(layers) != 1 else ''}"


def _line(layer: LayerEntry) -> str:
    a, b = (f"{'' if at is None else at:>3}" for at in (layer.source, layer.to))
    arrow = "->" if layer.source is not None and layer.to is not None else "  "
    what = layer.what if layer.to is not None else "removed"
    numbers = "".join(f"{number:>11,}" for number in (layer.floats, layer.carried, layer.zero, layer.cut))
    return f"  {a} {arrow} {b}   {layer.section:<14}  {what:<11}{numbers}   {layer.note}".rstrip()


def _layer_json(layer: LayerEntry) -> dict[str, Any]:
    return {
        "to": layer.to,
        "from": layer.source,
        "section": layer.section,
        "what": layer.what,
        "floats": layer.floats,
        "carried": layer.carried,
        "zero": layer.zero,
        "cut": layer.cut,
        "note": layer.note,
        "tensors": [
            {
                "name": tensor.name,
                "what": tensor.what,
                "floats": tensor.floats,
                "carried": tensor.carried,
                "zero": tensor.zero,
                "initialised": tensor.drawn,
                "cut": tensor.cut,
            }
            for tensor in layer.tensors
        ],
    }
