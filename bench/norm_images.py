"""How much it matters by which images batch normalisations are adjusted: AP after muting, by several sets.

    python bench/norm_images.py CFG --weights W --data DATA [--images 64]

For each set of so many training images, and for all of them: the AP of the network, and with each branch of
its first block muted; with the statistics of these images alone, as torch's `update_bn` has them, and with
those of the weights, adjusted by these images.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from darknet_py.analysis.attribution.changes import Change, muted, unchanged
from darknet_py.analysis.attribution.effects import Effects
from darknet_py.analysis.attribution.kept_maps import BATCH, KeptMaps, MapBatch
from darknet_py.analysis.attribution.measure import Attribution
from darknet_py.analysis.attribution.norms import AdjustedNorms, norms_with, statistics_of
from darknet_py.analysis.attribution.sites import sites_of
from darknet_py.data.formats.registry import open_data
from darknet_py.edit.folding import expanded
from darknet_py.edit.variant import compile_variant
from darknet_py.model.restoring import restore
from darknet_py.scoring.matches import Matches
from darknet_py.tasks.api import open_in_network_order


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("cfg")
    parser.add_argument("--weights", required=True, type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--images", type=int, default=64, help=f"a multiple of {BATCH}")
    args = parser.parse_args()
    network = restore(expanded(compile_variant(args.cfg)), args.weights)
    site = next(site for site in sites_of(network.graph) if site.is_block)
    layers, train = network.reads_from(site.behind), open_data(args.data, split="train")
    val = open_in_network_order(network.graph, args.data, "val", names=None)
    attribution = Attribution(network, val, train)
    kept = KeptMaps(network, val, layers, count=len(val))
    batches = list(KeptMaps(network, train, layers, count=len(train)))
    few = args.images // BATCH
    complete = len(batches) // few * few
    sets = {
        f"{start * BATCH + 1} to {(start + few) * BATCH}": batches[start : start + few]
        for start in range(0, complete, few)
    } | {f"all {len(train)}": batches}
    changes = {"none": unchanged} | {f"{one.layer} muted": muted([one]) for one in site.branches}

    def matches(images: Sequence[MapBatch], change: Change, *, adjusted: bool) -> Matches:
        norms = AdjustedNorms(network, site.behind, images)
        if adjusted:
            return attribution.detections_after(network, site.behind, kept, norms, change).matches
        alone = statistics_of(network, site.behind, (change(batch.maps) for batch in images))
        with norms_with(network, site.behind, alone), torch.inference_mode():
            return attribution.detections_after(network, site.behind, kept, None, change).matches

    print(f"{'norms':<10}{'images':<12}" + "".join(f"{name:>12}" for name in changes))
    for adjusted, word in ((False, "of images"), (True, "adjusted")):
        for name, images in sets.items():
            found = {what: matches(images, change, adjusted=adjusted) for what, change in changes.items()}
            effects = Effects(found)
            print(f"{word:<10}{name:<12}" + "".join(f"{100 * effects.ap(what):>12.2f}" for what in changes))


if __name__ == "__main__":
    main()
