"""What a variant changes in its baseline, edit by edit: as it was named, or from the two cfgs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from darknet_py.cfg.document import parse
from darknet_py.edit.diff import Change, GraphDiff, Pair
from darknet_py.errors import UsageError, quoted
from darknet_py.graph.compile import compile
from darknet_py.report.bisect import Bisection
from darknet_py.report.leaderboard.standing import RankedVariant, Standing, choose_baseline


def bisection(
    found: Sequence[Standing],
    name: str,
    *,
    baseline: str | None,
    texts: Mapping[str, str],
    margin: float,
    folder: Path | None,
) -> Bisection:
    """What is known of the edits of a variant.

    Args:
        baseline: None: the variant of the same cfg with the fewest of its edits, else the first of `texts`.
        texts: the cfgs that were trained, by the names of variants; empty where there are no folders.
        folder: of the comparison; None: of several, or of none.

    Raises: UsageError: when there is no such variant, no baseline, or nothing to tell from each other.
    """
    standing = choose_baseline(found, name, where="")[0]
    variants = {one.name: one for one in standing.variants}
    variant = variants[name]
    if baseline is not None:
        base = {one.name: one for one in choose_baseline([standing], baseline, where="")[0].variants}[
            baseline
        ]
    else:
        base = _base_of(variant, standing, texts)
    edits = _named_edits(base, variant)
    if edits is None:
        edits = _edits_between(base.name, variant.name, texts)
    if len(edits) < 2:
        only = f"in `{quoted(edits[0])}` alone" if edits else "in nothing"
        message = f"{quoted(name)} differs from {quoted(base.name)} {only}"
        raise UsageError(
            message, hint="--bisect is for variants of several edits; see the verdict on this one"
        )
    return Bisection(standing, base, variant, edits, margin, folder)


def _base_of(variant: RankedVariant, standing: Standing, texts: Mapping[str, str]) -> RankedVariant:
    """The baseline of a variant."""
    parents = [one for one in standing.variants if one is not variant and _named_edits(one, variant)]
    if parents:
        return min(parents, key=lambda one: len(one.first.edits))
    by_name = {one.name: one for one in standing.variants if one is not variant}
    for name in texts:
        if name in by_name:
            return by_name[name]
    message = (
        f"no run of {quoted(variant.first.origin)} with fewer edits than {quoted(variant.name)} is there"
    )
    raise UsageError(message, hint="--baseline NAME names the variant that it is compared with")


def _named_edits(base: RankedVariant, variant: RankedVariant) -> tuple[str, ...] | None:
    """The edits that a variant has on top of those of its baseline; None where it is no such variant."""
    if base.first.origin != variant.first.origin or not {*base.first.edits} <= {*variant.first.edits}:
        return None
    return tuple(edit for edit in variant.first.edits if edit not in base.first.edits)


def _edits_between(base: str, variant: str, texts: Mapping[str, str]) -> tuple[str, ...]:
    """The edits that make one cfg the other.

    Raises: UsageError: when edits of keys cannot: layers were added or removed, or there are no cfgs.
    """
    if base not in texts or variant not in texts:
        message = f"{quoted(variant)} is no variant of the cfg of {quoted(base)}"
        raise UsageError(message, hint="name the folders of the runs: their cfgs show what differs")
    graphs = [compile(parse(texts[name], path=f"net.cfg of {name}")) for name in (base, variant)]
    diff = GraphDiff(*graphs)
    edits = [_spelt("net", change, variant) for change in diff.net]
    for pair in diff.pairs:
        edits += _edits_of(pair, variant)
    return tuple(edits)


def _edits_of(pair: Pair, variant: str) -> Iterator[str]:
    if pair.a is None or pair.b is None:
        node = pair.a or pair.b
        assert node
        what = f"layer {node.index}, [{quoted(node.layer.section)}], is {pair.kind}"
        hint = "compare variants with one such change each, and judge them by `report`"
        raise UsageError(f"{quoted(variant)} cannot be divided into edits of keys: {what}", hint=hint)
    changes = [_spelt(str(pair.a.index), change, variant) for change in pair.changes]
    if pair.kind == "replaced":  # the keys of another kind of layer come with it
        yield ",".join([f"{pair.a.index}.section={pair.b.layer.section}", *changes])
    else:
        yield from changes


def _spelt(layer: str, change: Change, variant: str) -> str:
    if change.after is None:
        what = f"{quoted(change.key)} of {'layer ' * (layer != 'net')}{layer} is removed"
        raise UsageError(f"{quoted(variant)} cannot be divided into edits of keys: {what}")
    return f"{layer}.{change.key}={change.after}"
