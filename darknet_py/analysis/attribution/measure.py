"""Measuring what pools are worth to trained weights, and what an edit does to their AP, without training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from darknet_py.analysis.attribution.changes import (
    Change,
    channel_means,
    muted,
    unchanged,
    with_identity,
    with_means,
    with_smaller_window,
)
from darknet_py.analysis.attribution.effects import Effect, Effects, shapley_weights
from darknet_py.analysis.attribution.kept_maps import KeptMaps, MapBatch
from darknet_py.analysis.attribution.norms import AdjustedNorms
from darknet_py.analysis.attribution.scorer import MatchedDetections, RawMapScorer
from darknet_py.analysis.attribution.shares import (
    gradient_shares,
    outside_share,
    weight_shares,
    window_on_input,
)
from darknet_py.analysis.attribution.sites import Branch, Site
from darknet_py.analysis.attribution.worth import BranchWorth, EditEffect, SiteWorth
from darknet_py.data.dataset import Dataset
from darknet_py.model.network import Network
from darknet_py.progress import Progress, no_progress
from darknet_py.scoring.matches import Matches

AS_IT_IS = "as it is"
MOST_PLAYERS = 4  # branches of a block whose subsets are all measured
FEWEST_NORM_IMAGES = 64
FEWEST = 10  # objects of a range of sizes that an effect is measured on
RANGES = ("ap_small", "ap_medium", "ap_large")  # of `RawMapScorer.by_window`


@dataclass
class Attribution:
    """A network, the images that it is scored on, and those by which its norms are adjusted.

    Args:
        network: with its weights, composite layers expanded, in evaluation mode.
        norm_data: its labels are not read; None: norms stay as they are.
        norm_images: how many of them, at most; None: half as many as are scored, so that what they add to the
            noise stays small beside that of the scored images, and 64 at least.
    """

    network: Network
    dataset: Dataset
    norm_data: Dataset | None
    norm_images: int | None = None
    progress: Progress = no_progress
    scorer: RawMapScorer = field(init=False)

    def __post_init__(self) -> None:
        """Check the data."""
        self.network.eval()
        asked = self.norm_images or max(FEWEST_NORM_IMAGES, len(self.dataset) // 2)
        self.norm_images = 0 if self.norm_data is None else min(asked, len(self.norm_data))
        self.scorer = RawMapScorer(self.network, self.dataset)

    def worth(self, site: Site) -> SiteWorth:
        """Measure a site."""
        layers = {*self.network.reads_from(site.behind), site.source, *(b.layer for b in site.branches)}
        kept, norms = self.kept(site.behind, sorted(layers))
        changes = dict(self._changes(site, norms.images if norms else kept))
        found: dict[str, MatchedDetections] = {}
        for number, (name, (change, adjusted)) in enumerate(changes.items()):
            found[name] = self.detections_after(
                self.network, site.behind, kept, norms if adjusted else None, change
            )
            self.progress(number + 1, len(changes))
        effects = Effects({name: one.matches for name, one in found.items()})
        weights = weight_shares(self.network, site) if site.is_block else {}
        gradients = gradient_shares(self.network, site, self.dataset, kept) if site.is_block else {}
        branches = tuple(
            BranchWorth(
                branch=branch,
                window=window_on_input(self.network.graph, site, branch),
                reliance=effects.lost(_name(branch, "reliance"), of=AS_IT_IS),
                muted=effects.lost(_name(branch, "muted"), of=AS_IT_IS),
                muted_alone=effects.lost(_name(branch, "muted alone"), of=AS_IT_IS),
                identity=effects.lost(_name(branch, "identity"), of=AS_IT_IS),
                mean=effects.lost(_name(branch, "mean"), of=AS_IT_IS),
                shapley=_shapley(site, branch, effects),
                weight_share=weights.get(branch.layer),
                gradient_share=gradients.get(branch.layer),
                outside=outside_share(self.network.graph, site, branch, self.dataset, kept),
                by_size=self._by_size(site, branch, found, kept),
            )
            for branch in site.branches
        )
        return SiteWorth(site, effects.ap(AS_IT_IS), branches, _warnings(effects))

    def what_if(self, variant: Network, layer: int) -> EditEffect:
        """What an edit does to the AP of the same weights.

        Args:
            variant: the edited network, with the same weights.
            layer: the first that differs; those before are the same in both.
        """
        layers = {*self.network.reads_from(layer), *variant.reads_from(layer)}
        kept, norms = self.kept(layer, sorted(layers))
        found = {}
        for number, (name, network, adjusted) in enumerate(
            ((AS_IT_IS, self.network, None), ("edited alone", variant, None), ("edited", variant, norms))
        ):
            found[name] = self.detections_after(network, layer, kept, adjusted, unchanged).matches
            self.progress(number + 1, 3)
        effects = Effects(found)
        gained, alone = (effects.combined({name: 1.0, AS_IT_IS: -1.0}) for name in ("edited", "edited alone"))
        by_size = _by_range(found, AS_IT_IS, "edited")
        aps = effects.ap(AS_IT_IS), effects.ap("edited")
        return EditEffect(layer, *aps, gained, alone, by_size, _warnings(effects))

    def kept(self, layer: int, layers: Sequence[int]) -> tuple[KeptMaps, AdjustedNorms | None]:
        """Maps of some layers, of the images that are scored, and what adjusts the norms from a layer on."""
        kept = KeptMaps(self.network, self.dataset, layers, count=len(self.dataset))
        if self.norm_data is None or not self.norm_images:
            return kept, None
        images = KeptMaps(self.network, self.norm_data, layers, count=self.norm_images)
        return kept, AdjustedNorms(self.network, layer, images)

    def detections_after(
        self, network: Network, layer: int, kept: KeptMaps, norms: AdjustedNorms | None, change: Change
    ) -> MatchedDetections:
        """What is detected after a change of the maps before a layer.

        Args:
            network: runs from `layer` on.
            norms: adjusted to the change; None: they stay as they are.
        """

        def raws() -> Iterator[Any]:
            with torch.inference_mode():
                for batch in kept:
                    yield batch, network.resume(change(batch.maps), layer)

        if norms is None:
            return self.scorer.score(raws())
        with norms.after(network, change):
            return self.scorer.score(raws())

    def _changes(self, site: Site, means_of: Iterable[MapBatch]) -> Iterator[tuple[str, tuple[Change, bool]]]:
        """Every change by name, and whether norms are adjusted."""
        yield AS_IT_IS, (unchanged, False)
        for branch in site.branches:
            means = channel_means(means_of, branch.layer)
            yield _name(branch, "reliance"), (with_smaller_window(site, branch), True)
            yield _name(branch, "muted"), (muted([branch]), True)
            yield _name(branch, "muted alone"), (muted([branch]), False)
            yield _name(branch, "identity"), (with_identity(site, branch), True)
            yield _name(branch, "mean"), (with_means(branch, means), False)
        if 1 < len(site.branches) <= MOST_PLAYERS:
            for kept in _subsets(len(site.branches)):
                gone = [b for number, b in enumerate(site.branches) if number not in kept]
                if len(gone) > 1:
                    yield _subset_name(site, kept), (muted(gone), True)

    def _by_size(
        self, site: Site, branch: Branch, found: dict[str, MatchedDetections], kept: KeptMaps
    ) -> tuple[Effect | None, ...]:
        """Reliance among objects of each size."""
        window = window_on_input(self.network.graph, site, branch)
        fits = {
            self.dataset.record(at).image_id: fit
            for b in kept
            for at, fit in zip(b.indices, b.fits, strict=True)
        }
        ordered = [fits[image] for image in self.scorer.truth.image_ids.tolist()]
        chosen = {name: found[name] for name in (AS_IT_IS, _name(branch, "reliance"))}
        matches = {name: self.scorer.by_window(one, ordered, window) for name, one in chosen.items()}
        return _by_range(matches, _name(branch, "reliance"), AS_IT_IS)


def _by_range(matches: Mapping[str, Matches], name: str, of: str) -> tuple[Effect | None, ...]:
    """What a change loses among small, medium and large objects; None where it cannot be measured."""
    objects = matches[of].truths_per_class().sum(axis=0)[1:].tolist()
    found: list[Effect | None] = []
    for figure, count in zip(RANGES, objects, strict=True):
        found.append(None)
        if count >= FEWEST:
            effects = Effects({one: matches[one] for one in (of, name)}, figure)
            if effects.ap(of) > 0 or effects.ap(name) > 0:
                found[-1] = effects.lost(name, of=of)
    return tuple(found)


def _warnings(effects: Effects) -> tuple[str, ...]:
    """Why intervals may be wrong."""
    if effects.ap(AS_IT_IS) > 0:
        return effects.warnings
    text = "the weights find no object of these images (AP 0), so nothing can be lost: do they fit the data?"
    return (text, *effects.warnings)


def _name(branch: Branch, kind: str) -> str:
    return f"layer {branch.layer}, {kind}"


def _subsets(players: int) -> Iterator[frozenset[int]]:
    for bits in range(1 << players):
        yield frozenset(one for one in range(players) if bits >> one & 1)


def _subset_name(site: Site, kept: frozenset[int]) -> str:
    """The change that leaves these branches, by its name."""
    gone = [b for number, b in enumerate(site.branches) if number not in kept]
    if not gone:
        return AS_IT_IS
    if len(gone) == 1:
        return _name(gone[0], "muted")
    return f"layers {', '.join(str(b.layer) for b in gone)}, muted"


def _shapley(site: Site, branch: Branch, effects: Effects) -> Effect | None:
    if not 1 < len(site.branches) <= MOST_PLAYERS:
        return None
    weights = shapley_weights(len(site.branches), site.branches.index(branch))
    return effects.combined({_subset_name(site, kept): weight for kept, weight in weights.items()})
