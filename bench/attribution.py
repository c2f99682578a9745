"""Time of all subsets of an SPP block's branches, over that of one `eval`: whole processes in turn.

python bench/attribution.py CFG --weights W --data DATA [--norm-images 64]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path


def main() -> None:
    """Print medians of `eval` and of all subsets, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("cfg")
    parser.add_argument("--weights", required=True, type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--norm-images", type=int, help="default: that of `attribute`")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only-subsets", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only_subsets:
        _subsets(args)
        return
    words = [args.cfg, "--weights", str(args.weights), "--data", args.data]
    commands = {
        "eval": ["-m", "darknet_py", "eval", "--cfg", *words],
        "all subsets": [__file__, *words, "--only-subsets"],
    }
    if args.norm_images:
        commands["all subsets"] += ["--norm-images", str(args.norm_images)]
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(args.rounds):
        for name, command in commands.items():
            times[name].append(_seconds([sys.executable, *command]))
    for at, kind in enumerate(("passed", "of processors")):
        of_eval, of_subsets = ([one[at] for one in each] for each in times.values())
        ratios = [b / a for a, b in zip(of_eval, of_subsets, strict=True)]
        medians = " and ".join(f"{statistics.median(values):.2f} s" for values in (of_eval, of_subsets))
        spread = f"{min(ratios):.2f} .. {max(ratios):.2f}"
        print(f"time {kind}: {medians}, ratio {statistics.median(ratios):.2f} ({spread})")


def _seconds(command: list[str]) -> tuple[float, float]:
    """That pass, and that processors work."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, worked


def _subsets(args: argparse.Namespace) -> None:
    """AP of every subset of the branches of the first block, the map itself kept, norms adjusted."""
    from darknet_py.analysis.attribution.changes import muted
    from darknet_py.analysis.attribution.effects import Effects
    from darknet_py.analysis.attribution.measure import Attribution
    from darknet_py.analysis.attribution.sites import sites_of
    from darknet_py.data.formats.registry import open_data
    from darknet_py.edit.folding import expanded
    from darknet_py.edit.variant import compile_variant
    from darknet_py.model.restoring import restore
    from darknet_py.tasks.api import open_in_network_order

    network = restore(expanded(compile_variant(args.cfg)), args.weights)
    site = next(site for site in sites_of(network.graph) if site.is_block)
    val = open_in_network_order(network.graph, args.data, "val", names=None)
    attribution = Attribution(network, val, open_data(args.data, split="train"), args.norm_images)
    kept, norms = attribution.kept(site.behind, network.reads_from(site.behind))
    found = {}
    for count in range(len(site.branches) + 1):
        for gone in combinations(site.branches, count):
            change = muted(gone)
            name = " ".join(str(branch.layer) for branch in gone) or "none"
            after = attribution.detections_after(network, site.behind, kept, norms if gone else None, change)
            found[name] = after.matches
    effects = Effects(found)
    for name in found:
        print(f"muted: {name:<14} AP {100 * effects.ap(name):6.2f}")


if __name__ == "__main__":
    main()
