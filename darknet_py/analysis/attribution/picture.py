"""The figures of `attribute` as a picture: reliance of each branch, and reliance by the size of objects."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from darknet_py.analysis.attribution.effects import Effect
from darknet_py.analysis.attribution.worth import BranchWorth, SiteWorth

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = {  # the words of the table, and a colour
    "reliance": ("reliance", "#1f5fa8"),
    "muted": ("muted", "#b5541c"),
    "muted_alone": ("muted, norms kept", "#c9a27e"),
    "shapley": ("Shapley", "#4a7a3a"),
}
RANGES = ("up to half\nthe window", "half to\none and a half", "larger")
INCHES = (11.0, 1.1)  # width, and height of a branch
OFFSET = 0.17  # between two intervals of a row


def picture(found: Sequence[SiteWorth], title: str) -> bytes:
    """A PNG: on the left AP lost by each change, on the right reliance by the size of objects."""
    from matplotlib.figure import Figure

    branches = [branch for one in found for branch in one.branches]
    figure = Figure(figsize=(INCHES[0], 1.6 + INCHES[1] * len(branches)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _effects(left, branches)
    _by_size(right, branches)
    figure.suptitle(
        f"{title}: what trained weights rely on (AP lost in points, 95 % over images)", fontsize=11
    )
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=110, metadata={"Software": None})
    return target.getvalue()


def _effects(axes: Axes, branches: Sequence[BranchWorth]) -> None:
    for number, (kind, (word, colour)) in enumerate(KINDS.items()):
        offset = (number - (len(KINDS) - 1) / 2) * OFFSET
        rows = [(row + offset, getattr(branch, kind)) for row, branch in enumerate(branches)]
        _intervals(axes, [(row, effect) for row, effect in rows if effect], word, colour)
    axes.set_yticks(
        range(len(branches)),
        [f"layer {b.branch.layer}\n{b.branch.size} x {b.branch.size}" for b in branches],
    )
    axes.set_ylim(len(branches) - 0.5, -0.5)
    axes.axvline(0, color="#888888", linewidth=0.8)
    axes.set_xlabel("AP lost")
    axes.legend(fontsize=8, loc="best")


def _by_size(axes: Axes, branches: Sequence[BranchWorth]) -> None:
    """One line of three intervals for each branch."""
    for number, branch in enumerate(branches):
        offset = (number - (len(branches) - 1) / 2) * OFFSET
        points = [(at + offset, effect) for at, effect in enumerate(branch.by_size) if effect]
        if points:
            places, values = zip(*points, strict=True)
            centre = [100 * effect.value for effect in values]
            reach = [
                [100 * (effect.value - effect.low) for effect in values],
                [100 * (effect.high - effect.value) for effect in values],
            ]
            word = f"layer {branch.branch.layer}, {branch.branch.size} x {branch.branch.size}"
            axes.errorbar(places, centre, yerr=reach, fmt="o", capsize=3, markersize=4, label=word)
    axes.axhline(0, color="#888888", linewidth=0.8)
    axes.set_xticks(range(len(RANGES)), RANGES)
    axes.set_xlim(-0.6, len(RANGES) - 0.4)
    axes.set_xlabel("side of the object over the branch's window on the input")
    axes.set_ylabel("reliance")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, loc="best")


def _intervals(axes: Axes, rows: Sequence[tuple[float, Effect]], word: str, colour: str) -> None:
    if not rows:
        return
    places, effects = zip(*rows, strict=True)
    values = [100 * effect.value for effect in effects]
    reach = [
        [100 * (effect.value - effect.low) for effect in effects],
        [100 * (effect.high - effect.value) for effect in effects],
    ]
    axes.errorbar(values, places, xerr=reach, fmt="o", capsize=3, markersize=4, color=colour, label=word)
