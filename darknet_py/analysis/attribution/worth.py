"""What pools are worth to trained weights, as figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from darknet_py.analysis.attribution.effects import Effect
from darknet_py.analysis.attribution.shares import SIZES, OutsideShare
from darknet_py.analysis.attribution.sites import Branch, Site


@dataclass(frozen=True)
class BranchWorth:
    """What a branch is worth to the weights. Effects are AP lost, 0..1, positive where the branch helps.

    Args:
        window: rows and columns on the network's input, in pixels.
        reliance: the next smaller pool of the block takes its place; norms behind it are adjusted.
        muted: zeros take its place; norms adjusted.
        muted_alone: the same with the norms as they are.
        identity: the map itself takes its place; norms adjusted.
        mean: each channel's mean takes its place; norms as they are, for adjusted ones remove any mean.
        shapley: of the subsets of branches that are not muted; None of a pool on its own, or of many.
        weight_share, gradient_share: of the inputs of its block, 0..1; None of a pool on its own.
        outside: how often its maximum lies outside the next smaller window; None of other pools.
        by_size: reliance among objects by their side in windows; None where there are too few, or none is
            found.
    """

    branch: Branch
    window: tuple[float, float]
    reliance: Effect
    muted: Effect
    muted_alone: Effect
    identity: Effect
    mean: Effect
    shapley: Effect | None
    weight_share: float | None
    gradient_share: float | None
    outside: OutsideShare | None
    by_size: tuple[Effect | None, ...]

    def to_json(self) -> dict[str, Any]:
        """For programs; the words are stable."""
        effects = ("reliance", "muted", "muted_alone", "identity", "mean", "shapley")
        found = {name: getattr(self, name) for name in effects}
        return {
            "layer": self.branch.layer,
            "size": self.branch.size,
            "smaller": self.branch.smaller,
            "window": list(self.window),
            **{name: one.to_json() if one else None for name, one in found.items()},
            "weight_share": self.weight_share,
            "gradient_share": self.gradient_share,
            "outside": self.outside.to_json() if self.outside else None,
            "by_size": {
                name: one.to_json() if one else None for name, one in zip(SIZES, self.by_size, strict=True)
            },
        }


@dataclass(frozen=True)
class SiteWorth:
    """The branches of a block, or a pool on its own.

    Args:
        ap: of the network as it is.
    """

    site: Site
    ap: float
    branches: tuple[BranchWorth, ...]
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For programs; the words are stable."""
        return {
            "join": self.site.join if self.site.is_block else None,
            "source": self.site.source,
            "ap": self.ap,
            "branches": [one.to_json() for one in self.branches],
        }


@dataclass(frozen=True)
class EditEffect:
    """What an edit that keeps the shapes of all weights does to the AP of the same weights.

    Args:
        layer: the first that differs.
        ap: before.
        ap_edited: after; the norms behind are adjusted.
        gained: the difference.
        gained_alone: the difference when the norms stay as they are.
        by_size: `gained` among COCO's small, medium and large objects; None where there are too few, or none
            is found.
    """

    layer: int
    ap: float
    ap_edited: float
    gained: Effect
    gained_alone: Effect
    by_size: tuple[Effect | None, ...]
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For programs; the words are stable."""
        return {
            "layer": self.layer,
            "ap": self.ap,
            "ap_edited": self.ap_edited,
            "gained": self.gained.to_json(),
            "gained_alone": self.gained_alone.to_json(),
            "by_size": {
                name: one.to_json() if one else None
                for name, one in zip(("small", "medium", "large"), self.by_size, strict=True)
            },
        }
