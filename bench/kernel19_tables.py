"""The figures of bench/kernel19.py as the tables of docs/kernel-19.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from darknet_py.stats.components import Parts
from darknet_py.stats.noise import DEFAULT_NOISE, NoiseComponents

COCO_IMAGES, KERNELS = 5000, 4  # of val2017; kernel sets that are compared
HOURS = {"V100": 155, "A100": 62, "H100": 20}  # of a training at 608 x 608, docs/scale.md
SEEDS = (3, 5, 10)
EFFECTS = ("reliance", "muted", "muted_alone", "shapley")


def tables(facts: Mapping[str, Any]) -> str:
    """All tables that there are figures for, as Markdown."""
    parts = [_shares(facts["shares"])]
    for side in ("320", "608"):
        parts += [_branches(facts[f"branches-{side}"], side), _edits(facts[f"edits-{side}"], side)]
    compared = {name: one for name, one in facts.items() if isinstance(one, dict) and "verdicts" in one}
    parts += [_comparison(name, one) for name, one in compared.items()]
    noises = {f"of {name}": _noise(one["plan"]["noise"]) for name, one in compared.items() if "coco" in name}
    parts.append(_cost(noises | {"assumed": DEFAULT_NOISE}))
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shares(shares: Sequence[Mapping[str, Any]]) -> str:
    """The share of the map in the middle window and on average, and of the cells that see all of it."""
    by_side: dict[int, dict[int, Mapping[str, Any]]] = {}
    for one in shares:
        by_side.setdefault(one["input"], {})[one["size"]] = one
    head = ["input", "map", *(f"{size}: {word}" for size in (13, 19) for word in ("middle", "mean", "all"))]
    rows = [
        [f"{side}", _square(sizes[13]["map"])]
        + [_percent(sizes[size][word]) for size in (13, 19) for word in ("middle", "mean", "all")]
        for side, sizes in by_side.items()
    ]
    return _table(head, rows)


def _square(side: int | str) -> str:
    return f"{side} x {side}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _effect(one: Mapping[str, float]) -> str:
    return _signed(*(one[key] for key in ("value", "low", "high")))


def _signed(value: float, low: float, high: float) -> str:
    return f"{100 * value:+.2f} ({100 * low:+.2f} .. {100 * high:+.2f})".replace("-", "−")


def _branches(found: Mapping[str, Any], side: str) -> str:
    (site,) = found["sites"]
    kinds = {
        "reliance": "reliance",
        "muted": "muted",
        "muted_alone": "muted, norms kept",
        "shapley": "Shapley",
    }
    head = [f"{side} x {side}, AP {100 * site['ap']:.2f}", *kinds.values(), "maximum outside"]
    rows = [
        [_square(one["size"]), *(_effect(one[kind]) for kind in kinds), _percent(one["outside"]["all"])]
        for one in site["branches"]
    ]
    return _table(head, rows)


def _edits(found: Mapping[str, Any], side: str) -> str:
    head = [f"9 x 9 at {side} becomes", "gained", "gained, norms kept", "small", "medium", "large"]
    sizes = {one["edit"]: one["edit"].partition("=")[2] for one in found["edits"]}
    rows = [
        [_square(sizes[one["edit"]]), _effect(one["gained"]), _effect(one["gained_alone"])]
        + [_effect(each) if each else "-" for each in one["by_size"].values()]
        for one in found["edits"]
    ]
    return _table(head, rows)


def _comparison(name: str, found: Mapping[str, Any]) -> str:
    """Scores, and differences from the first variant."""
    verdicts = {one["variant"]: one for one in found["verdicts"]}
    seeds = max(len(one["runs"]) for one in found["ap"].values())
    head = [f"{name}: {found['images']} images, {seeds} seeds", "AP", "difference", "verdict", "visible"]
    return _table(head, list(_compared_rows(found, verdicts)))


def _compared_rows(found: Mapping[str, Any], verdicts: Mapping[str, Any]) -> Iterator[list[str]]:
    for label, ap in found["ap"].items():
        score = f"{100 * ap['mean']:.2f} ± {100 * ap['half_range']:.2f}"
        one = verdicts.get(label)
        if one is None:
            yield [label, score, "", "", ""]
        else:
            difference = _signed(one["effect"], one["low"], one["high"])
            yield [label, score, difference, one["outcome"], f"{100 * one['visible']:.2f}"]


def _noise(noise: Mapping[str, Any]) -> NoiseComponents:
    nested, crossed = (Parts(**noise[key]) for key in ("nested", "crossed"))
    return NoiseComponents(nested, crossed, df=float("inf"), images=noise["images"])


def _cost(noises: Mapping[str, NoiseComponents]) -> str:
    """Trainings of yolov3-spp on COCO: GPU-hours, and the difference that 80 % of such studies resolve."""
    head = ["seeds", "runs", *(f"{gpu}-hours" for gpu in HOURS), *(f"noise {name}" for name in noises)]
    rows = [
        [f"{seeds}", f"{KERNELS * seeds}", *(f"{KERNELS * seeds * hours:,}" for hours in HOURS.values())]
        + [f"{100 * one.visible(KERNELS, seeds, COCO_IMAGES):.2f} AP" for one in noises.values()]
        for seeds in SEEDS
    ]
    return _table(head, rows)
