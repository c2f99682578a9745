"""The rows of one layer of B filled from one layer of A."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from darknet_py.model.adapt.choices import NONE
from darknet_py.model.adapt.columns import Columns, match_columns, nearest_columns
from darknet_py.model.adapt.ledger import TensorEntry, What
from darknet_py.model.adapt.parameters import WEIGHTS, Parameters
from darknet_py.model.adapt.terms import Map, Terms

Rows = list[int | None]  # for each row of B the row of A that it is; None for a new one


@dataclass(frozen=True)
class Pairing:
    """A layer of B and the layer of A that it continues: parameters, and the channels that they read.

    Args:
        read: the input maps of A's layer and of B's; none of a layer without columns.
        start: what new columns start from, of `choices.STARTS`.
    """

    old: Parameters
    new: Parameters
    read: tuple[Map, Map]
    terms: Terms
    start: str


@dataclass(frozen=True)
class RowBlock:
    """Rows that read the same columns, in A and in B."""

    rows: list[int]
    sources: list[int]
    columns: Columns
    nearest: list[int | None]
    read: tuple[Map, Map]


def group_rows(pair: Pairing) -> Rows:
    """Rows by position; of a layer in groups, by the group of A that reads the same channels."""
    groups, rows, before = pair.new.groups, pair.new.rows, pair.old.rows
    if groups == 1 or groups != pair.old.groups:
        return [row if row < before else None for row in range(rows)]
    keys = [_group_terms(m, groups) for m in pair.read]
    places: dict[tuple[int, ...], list[int]] = {}
    for group in range(groups - 1, -1, -1):
        places.setdefault(keys[0][group], []).append(group)
    found: Rows = []
    per, per_before = rows // groups, before // groups
    for group in range(groups):
        equal = places.get(keys[1][group])
        source = equal.pop() if equal else group if keys[0][group] not in keys[1] else None
        for row in range(per):
            found.append(None if source is None or row >= per_before else source * per_before + row)
    return found


def blocks_of(pair: Pairing, rows: Rows) -> list[RowBlock]:
    """The carried rows by the columns that they read."""
    found = []
    per, per_before = pair.new.rows // pair.new.groups, pair.old.rows // pair.old.groups
    parts = [
        _parts(m, groups) for m, groups in zip(pair.read, (pair.old.groups, pair.new.groups), strict=True)
    ]
    for group in range(pair.new.groups):
        own = [row for row in range(group * per, (group + 1) * per) if rows[row] is not None]
        sources = {row: source for row in own if (source := rows[row]) is not None}
        for before in sorted({source // per_before for source in sources.values()}):
            chosen = [row for row, source in sources.items() if source // per_before == before]
            old, new = parts[0][before], parts[1][group]
            columns = match_columns(new, old, pair.terms)
            nearest = nearest_columns(new, old, columns, pair.terms)
            found.append(RowBlock(chosen, [sources[row] for row in chosen], columns, nearest, (old, new)))
    return found


def _parts(channels: Map, groups: int) -> list[Map]:
    width = len(channels) // groups
    return [channels[group * width : (group + 1) * width] for group in range(groups)]


def _group_terms(channels: Map, groups: int) -> list[tuple[int, ...]]:
    return [tuple(channel.term for channel in part) for part in _parts(channels, groups)]


def copy_vectors(pair: Pairing, rows: Rows) -> list[TensorEntry]:
    """Copy biases and batch normalisation of the carried rows."""
    to = [row for row, source in enumerate(rows) if source is not None]
    sources = [source for source in rows if source is not None]
    entries = []
    for name, tensor in pair.new.vectors.items():
        old = pair.old.vectors[name]
        tensor[to] = old[sources]
        carried = len(to) * (tensor[0].numel() if len(tensor) else 0)
        moved = sources != list(range(len(sources)))
        entries.append(entry(name, tensor.numel(), old.numel(), carried, moved=moved))
    return entries


def copy_weights(pair: Pairing, blocks: Sequence[RowBlock]) -> tuple[TensorEntry, dict[int, bool]]:
    """Copy the matched columns of the carried rows.

    Returns:
        The entry, and for each carried row whether it reads all that it read, and nothing else.
    """
    assert pair.old.weights is not None
    assert pair.new.weights is not None
    carried = zero = 0
    exact: dict[int, bool] = {}
    moved = False
    cells = pair.new.weights[0, 0].numel()
    for block in blocks:
        source, fresh = (
            block.columns.source,
            [at for at, old in enumerate(block.columns.source) if old is None],
        )
        to = [at for at, old in enumerate(source) if old is not None]
        values, before = pair.new.weights[block.rows], pair.old.weights[block.sources]
        values[:, to] = before[:, [old for old in source if old is not None]]
        if pair.start != NONE:
            values[:, fresh] = 0
        near = [(at, old) for at, old in enumerate(block.nearest) if old is not None]
        if pair.start == "copy" and near:
            values[:, [at for at, _ in near]] = before[:, [old for _, old in near]]
        pair.new.weights[block.rows] = values
        exact |= dict(zip(block.rows, _unhurt(block, before, values, fresh), strict=True))
        carried += len(block.rows) * len(to) * cells
        started = len(near) if pair.start == "copy" else 0
        zero += len(block.rows) * (len(fresh) - started) * cells * (pair.start != NONE)
        moved = moved or source != list(range(len(source))) or block.rows != block.sources
    sizes = pair.new.weights.numel(), pair.old.weights.numel()
    return entry(WEIGHTS, *sizes, carried, zero=zero, moved=moved), exact


def _unhurt(block: RowBlock, before: Tensor, values: Tensor, fresh: list[int]) -> list[bool]:
    """For each row, whether what it loses was multiplied by zero, and what it gains is."""
    old, new = block.read
    kept = {
        source
        for source, same, channel in zip(block.columns.source, block.columns.same, new, strict=True)
        if source is not None and same and channel.exact
    }
    lost = [at for at, channel in enumerate(old) if at not in kept and channel.term != Terms.ZERO]
    gained = [at for at in fresh if new[at].term != Terms.ZERO]
    hurt = torch.zeros(len(block.rows), dtype=torch.bool)
    for part in (before[:, lost], values[:, gained]):
        hurt |= (part != 0).flatten(1).any(dim=1)
    return [not one for one in hurt.tolist()]


def entry(name: str, floats: int, before: int, carried: int, *, zero: int = 0, moved: bool) -> TensorEntry:
    """The entry of a tensor of B."""
    what: What = "permuted" if moved else "copied"
    if not carried:
        what = "initialised"
    elif carried < before:
        what = "cut"
    elif carried < floats:
        what = "grown"
    return TensorEntry(name, what, floats, carried, zero, cut=before - carried)
