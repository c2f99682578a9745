"""Does what trained weights rely on predict what they lose when they are trained without it?

    python bench/reliance.py --out runs/reliance

trains a small network on `scenes`, asks `attribute` for the reliance of each pool and branch, trains it on
without each of them (a branch is left out, a pool has a window of one cell), and prints both, with Spearman's
and Kendall's rank correlation. What is trained is not trained again. `--seeds` are those of the second step.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
CFG, DATA = "bench/reliance.cfg", "scenes:train=900,val=300,size=128"
ABLATIONS = {  # by the words of the table: the edit
    "layer 1, 2 x 2": "1.size=1",
    "layer 3, 2 x 2": "3.size=1",
    "layer 5, 2 x 2": "5.size=1",
    "layer 7, 2 x 2": "7.size=1",
    "layer 9, 2 x 2": "9.size=1",
    "layer 11, 2 x 2": "11.size=1",
    "spp, 3 x 3": "14.sizes=5,9",
    "spp, 5 x 5": "14.sizes=3,9",
    "spp, 9 x 9": "14.sizes=3,5",
}
RESAMPLES = 2000


def main() -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=2, help="of the second step")
    args = parser.parse_args()
    base, weights = args.out / "base", args.out / "base" / "final.weights"
    if not weights.is_file():
        words = ["--data", DATA, "--recipe", "darknet", "--evaluations", "3", "--out", str(base)]
        _run("train", "--cfg", CFG, *words, *(["--resume"] if base.exists() else []))
    found = args.out / "attribute.json"
    if not found.is_file():
        _run("attribute", CFG, "--weights", str(weights), "--data", DATA, "--json", "-o", str(found))
    variants = [f"{CFG}@{edit}" for edit in ABLATIONS.values()]
    trained = args.out / "trained"
    words = ["--weights", str(weights), "--weights-cfg", CFG, "--data", DATA, "--recipe", "darknet"]
    words += ["--seeds", str(args.seeds), "--epochs", str(args.epochs), "--evaluations", "1"]
    _run("compare", CFG, *variants, *words, "--out", str(trained))
    report = json.loads((trained / "report.json").read_text())
    print_table(json.loads(found.read_text()), report)


def _run(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "darknet_py", *words], check=True)  # noqa: S603


def print_table(attributed: dict[str, Any], report: dict[str, Any]) -> None:
    """Print each pool's reliance and what training without it lost, and their correlation."""
    reliance = [branch["reliance"] for site in attributed["sites"] for branch in site["branches"]]
    trained = [one["ap"]["runs"] for one in report["variants"]]
    base, ablated = np.array(trained[0]), np.array(trained[1:])
    lost = base.mean() - ablated.mean(axis=1)
    print(f"AP of the complete network after training on: {100 * base.mean():.2f}, {len(base)} seeds")
    print("| pool | reliance, without training | AP lost, trained on without it |")
    print("|---|---:|---:|")
    for name, one, found, seeds in zip(ABLATIONS, reliance, lost, ablated, strict=True):
        value, low, high = (100 * one[key] for key in ("value", "low", "high"))
        spread = 50 * float(np.ptp(base - seeds))
        row = f"{value:+.2f} ({low:+.2f} .. {high:+.2f}) | {100 * found:+.2f} ± {spread:.2f}"
        print(f"| {name} | {row} |".replace("-", "−"))
    relied = np.array([one["value"] for one in reliance])
    for name, correlation in (("Spearman", spearman), ("Kendall", kendall)):
        low, high = interval(relied, base, ablated, correlation)
        print(f"{name}: {correlation(relied, lost):+.2f}, 95 % interval {low:+.2f} to {high:+.2f}")


def spearman(a: Doubles, b: Doubles) -> float:
    """The correlation of ranks; equal values have the mean of their ranks."""
    ranks = [(one[:, None] > one).sum(axis=1) + (one[:, None] == one).sum(axis=1) / 2 for one in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1]) if all(np.ptp(one) > 0 for one in ranks) else np.nan


def kendall(a: Doubles, b: Doubles) -> float:
    """Kendall's tau-b: of pairs, those in the same order less those in the other."""
    signs = [np.sign(one[:, None] - one) for one in (a, b)]
    known = np.sqrt(np.prod([np.abs(one).sum() for one in signs]))
    return float((signs[0] * signs[1]).sum() / known) if known else np.nan


def interval(
    relied: Doubles, base: Doubles, ablated: Doubles, correlation: Callable[[Doubles, Doubles], float]
) -> tuple[float, float]:
    """By the bootstrap over pools and, within, over seeds."""
    draw, found = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        pools = draw.integers(len(relied), size=len(relied))
        seeds = draw.integers(len(base), size=len(base))
        lost = base[seeds].mean() - ablated[pools][:, seeds].mean(axis=1)
        found.append(correlation(relied[pools], lost))
    low, high = np.nanquantile(found, (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    main()
