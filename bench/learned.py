"""The results of several `learning.py`, as one table and one picture of curves.

`python bench/learned.py --picture curves.png OUT/result.json ...` prints the table in Markdown: AP50 and AP
of each training by its last network; for a peer also by the best of those that were judged, chosen on the
validation images, where that is better.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")
from matplotlib import pyplot as plt

COLOURS = {"ours": "#0072b2", "ultralytics": "#d55e00", "pytorchyolo": "#009e73"}  # Okabe and Ito
STARTS = {"conv15": "from the first 15 layers of the published weights", "scratch": "from scratch"}
DASHES = ("-", "--", ":", "-.")  # of seeds
Result = dict[str, Any]


def table(results: Sequence[Result]) -> str:
    """One row a start and project, one column a seed."""
    rows: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for result in results:
        rows[result["start"], result["project"]][result["seed"]] = cell(result)
    seeds = sorted({result["seed"] for result in results})
    lines = [
        f"| start | project |{''.join(f' seed {seed} |' for seed in seeds)}",
        f"|---|---|{'---:|' * len(seeds)}",
    ]
    for start in STARTS:
        for project in COLOURS:
            if cells := rows.get((start, project)):
                lines.append(f"| {start} | {project} | {' | '.join(cells.get(s, '-') for s in seeds)} |")
    return "\n".join(lines)


def cell(result: Result) -> str:
    """AP50 / AP in per cent."""
    last = result["scores"]["last"]
    text = f"{100 * last['ap50']:.1f} / {100 * last['ap']:.1f}"
    best = max(result["scores"].values(), key=lambda figures: figures["ap50"])
    if result["project"] != "ours" and best["ap50"] > last["ap50"]:
        text += f" (best {100 * best['ap50']:.1f} / {100 * best['ap']:.1f})"
    return text


def curve(result: Result) -> list[tuple[int, float]]:
    """(epochs, AP50 in per cent), along the training."""
    points = {result["epochs"]: result["scores"]["last"]["ap50"]}
    for which, figures in result["scores"].items():
        if found := re.fullmatch(r"epoch-(\d+)", which):
            points[int(found[1])] = figures["ap50"]
    return [(epoch, 100 * points[epoch]) for epoch in sorted(points)]


def draw(results: Sequence[Result], path: Path) -> None:
    """A panel a start."""
    starts = [start for start in STARTS if any(result["start"] == start for result in results)]
    figure, axes = plt.subplots(
        1, len(starts), figsize=(5 * len(starts) + 1.6, 3.6), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, start in zip(axes[0], starts, strict=True):
        for result in (result for result in results if result["start"] == start):
            project, seed = result["project"], result["seed"]
            style = {
                "color": COLOURS[project],
                "linestyle": DASHES[seed % len(DASHES)],
                "marker": ".",
                "lw": 1.4,
            }
            axis.plot(*zip(*curve(result), strict=True), label=f"{project}, seed {seed}", **style)
        axis.set(title=STARTS[start], xlabel="epochs", ylim=(0, 100))
        axis.grid(alpha=0.3)
    lines = {line.get_label(): line for axis in axes[0] for line in axis.lines}
    figure.legend(lines.values(), lines, loc="outside right center", fontsize=8, frameon=False)
    axes[0][0].set_ylabel("AP50, %")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Print the table, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", type=Path, help="result.json of `learning.py`")
    parser.add_argument("--picture", type=Path, help="a PNG of the curves")
    args = parser.parse_args()
    order = list(COLOURS)
    results = [json.loads(path.read_text()) for path in args.results]
    for path, result in zip(args.results, results, strict=True):
        if not {"start", "project", "seed", "scores"} <= set(result):
            parser.error(f"{path} is no result of learning.py")
    results.sort(key=lambda result: (result["start"], order.index(result["project"]), result["seed"]))
    print(table(results))
    if args.picture:
        draw(results, args.picture)


if __name__ == "__main__":
    main()
