"""What is known of kernels of 19 in SPP: reach, reliance of weights, adapted weights, and what is left.

    python -m bench.kernel19 --weights ../shared/weights --data ../shared/data --out runs/kernel19 [--quick]

Everything that is there is kept, and a training that was stopped goes on. `kernel19.json` in the folder has
all figures, and `tables.md` those of docs/kernel-19.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.kernel19_tables import tables
from darknet_py.arithmetic.shape import Shape
from darknet_py.edit.variant import compile_variant
from darknet_py.files.atomic import publish_bytes
from darknet_py.files.json_text import json_text

WINDOWS, SIDES, STRIDE = (5, 9, 13, 19), range(320, 609, 32), 32
XL, TINY = "yolo-fastest-1.1-xl", "yolov3-tiny"
AT_608 = "net.width=608,net.height=608"
WHAT_IFS = ("113.size=7", "113.size=13", "113.size=19")


@dataclass(frozen=True)
class Comparison:
    """Variants that start from the same published weights, and differ from one layer on.

    Args:
        variants: edits by the words of the table; the first is the baseline.
    """

    name: str
    network: str
    data: str
    variants: Mapping[str, str]


def spp(*sizes: int) -> str:
    """The edit that makes [spp] of these sizes of YOLO-Fastest-1.1-XL's block; its own pools are not read."""
    return f"109.section=spp,109.sizes={','.join(map(str, sizes))},114.layers=-5"


KERNELS = {
    "5, 9, 13": spp(5, 9, 13),
    "5, 9, 19": spp(5, 9, 19),
    "5, 9, 13, 19": spp(5, 9, 13, 19),
    "none": "114.layers=-6",
}
POOLS = {
    "max": "11.size=2",
    "stochastic": "11.section=stochpool",
    "median": "11.section=medianpool",
    "mixed": "11.section=mixpool",
}
COMPARISONS = tuple(
    Comparison(f"{word}-{data}", network, data, variants)
    for word, network, variants in (("kernels", XL, KERNELS), ("pools", TINY, POOLS))
    for data in ("coco-mini", "bccd")
)


@dataclass(frozen=True)
class Effort:
    """How much is trained: seeds of each variant, updates of four images, and augmentations of an image."""

    seeds: int
    updates: int
    versions: int

    @property
    def schedule(self) -> str:
        """The edits of [net]: a cosine, with a short warm-up. At a rate of 0.0005 some were not finite."""
        steps = f"net.max_batches={self.updates},net.burn_in={self.updates // 10}"
        return f"net.batch=4,net.subdivisions=1,{steps},net.policy=sgdr,net.learning_rate=0.0001"


FULL, QUICK = Effort(seeds=5, updates=1000, versions=4), Effort(seeds=5, updates=200, versions=1)


def main() -> int:
    """Measure and train what is missing, and write all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--weights", required=True, type=Path, help=f"folder of {XL}.weights and others")
    parser.add_argument("--data", required=True, type=Path, help="folder of coco-mini and bccd")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK.updates} updates, not {FULL.updates}")
    names = [one.name for one in COMPARISONS]
    parser.add_argument("--only", choices=[*names, "nothing"], help="train this comparison alone")
    args = parser.parse_args()
    if missing := _missing(args.weights, args.data):
        print(f"error: the study needs {', '.join(map(str, missing))}", file=sys.stderr)
        print("  = docs/kernel-19.md says where they are from; WEIGHTS=FOLDER DATA=FOLDER", file=sys.stderr)
        return 3
    effort = QUICK if args.quick else FULL
    args.out.mkdir(parents=True, exist_ok=True)
    facts: dict[str, Any] = {"effort": asdict(effort), "shares": shares()}
    facts |= {name: _once(args.out / f"{name}.json", words) for name, words in _attributions(args).items()}
    for comparison in COMPARISONS:
        folder = args.out / comparison.name
        words = _compare_words(comparison, args, effort, folder)
        if args.only in (None, comparison.name):
            code = _run(words)
            if code not in (0, 4):
                return code
        if (folder / "report.json").is_file():
            plan = _once(
                args.out / f"{comparison.name}-plan.json", [*words, "--plan", "--pilot", str(folder)]
            )
            facts[comparison.name] = summary(comparison, folder, words, plan)
    publish_bytes(args.out / "kernel19.json", json_text(facts).encode())
    publish_bytes(args.out / "tables.md", tables(facts).encode())
    print(f"written {args.out / 'tables.md'} and kernel19.json")
    return 0


def _missing(weights: Path, data: Path) -> list[Path]:
    files = [weights / f"{XL}.cfg", weights / f"{XL}.weights", weights / f"{TINY}.weights"]
    folders = [data / name for name in ("coco-mini", "bccd")]
    return [one for one in files if not one.is_file()] + [one for one in folders if not one.is_dir()]


def _run(words: Sequence[str]) -> int:
    print("darknet-py", *words, flush=True)
    return subprocess.run([sys.executable, "-m", "darknet_py", *words], check=False).returncode  # noqa: S603


def _once(path: Path, words: Sequence[str]) -> Any:
    """The JSON that a command writes, from an earlier time if it is there."""
    if not path.is_file() and (code := _run([*words, "--json", "-o", str(path)])):
        sys.exit(code)
    return json.loads(path.read_text())


def shares() -> list[dict[str, Any]]:
    """Of the map that yolov3-spp pools, what windows see: in the middle, on average, and how many see all."""
    found, pool = [], compile_variant("yolov3-spp")[82]
    for side in SIDES:
        cells = side // STRIDE
        for size in WINDOWS:
            layer = pool.layer.with_values(size=size, padding=size - 1)
            rows = layer.window(Shape(pool.shape.channels, cells, cells)).rows
            inside = [len(rows.inside(cell, cells)) for cell in range(cells)]
            found.append(
                {
                    "input": side,
                    "map": cells,
                    "size": size,
                    "middle": (inside[cells // 2] / cells) ** 2,
                    "mean": (sum(inside) / cells**2) ** 2,
                    "all": (inside.count(cells) / cells) ** 2,
                }
            )
    return found


def _attributions(args: argparse.Namespace) -> dict[str, list[str]]:
    """What `attribute` is asked, by the name of its file: at the cfg's 320 x 320, and at 608 x 608."""
    cfg, found = args.weights / f"{XL}.cfg", {}
    for word, variant in (("320", str(cfg)), ("608", f"{cfg}@{AT_608}")):
        common = ["attribute", variant, "--weights", str(args.weights / f"{XL}.weights")]
        common += ["--data", str(args.data / "coco-mini")]
        found[f"branches-{word}"] = [*common, "--layer", "114"]
        found[f"edits-{word}"] = common + [word for edit in WHAT_IFS for word in ("--what-if", edit)]
    return found


def _compare_words(
    comparison: Comparison, args: argparse.Namespace, effort: Effort, folder: Path
) -> list[str]:
    cfg = str(args.weights / f"{XL}.cfg") if comparison.network == XL else f"cfg/{TINY}.cfg"
    words = ["compare", *(f"{cfg}@{edit}" for edit in comparison.variants.values())]
    words += ["--set", f"{AT_608},{effort.schedule}"]
    words += ["--weights", str(args.weights / f"{comparison.network}.weights"), "--weights-cfg", cfg]
    words += ["--data", str(args.data / comparison.data), "--train-from", "auto", "--recipe", "darknet"]
    words += ["--seeds", str(effort.seeds), "--evaluations", "1"]
    words += ["--versions", str(effort.versions), "--maps-dir", str(args.out / "maps")]
    return [*words, "--out", str(folder)]


def summary(
    comparison: Comparison, folder: Path, words: Sequence[str], plan: Mapping[str, Any]
) -> dict[str, Any]:
    """The figures of a comparison that docs/kernel-19.md prints, without weights and detections."""
    report = json.loads((folder / "report.json").read_text())
    labels = list(comparison.variants)
    names = [one["name"] for one in report["variants"]]
    by_name = dict(zip(names, labels, strict=True))
    return {
        "command": " ".join(["darknet-py", *words]),
        "images": report["data"]["images"],
        "edits": dict(comparison.variants),
        "ap": {by_name[one["name"]]: one["ap"] for one in report["variants"]},
        "verdicts": [
            {"variant": by_name[one["variant"]]}
            | {key: one[key] for key in ("outcome", "sentence", "effect", "low", "high", "seeds", "visible")}
            for one in report["verdicts"]
        ],
        "seconds_a_run": [one["seconds_a_run"] for one in report["trainings"]],
        "plan": {key: plan[key] for key in ("runs", "seconds", "noise", "resolvable", "visible")},
    }


if __name__ == "__main__":
    sys.exit(main())
