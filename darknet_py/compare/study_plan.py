"""`compare --plan`: what a comparison takes and what it could resolve, before anything is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from darknet_py.compare.durations import format_duration
from darknet_py.compare.experiment import Experiment
from darknet_py.compare.known_noise import KnownNoise, known_noise
from darknet_py.compare.warm_up import UPDATES, RunCost, measure_runs
from darknet_py.errors import quoted
from darknet_py.runs.folders import RunFolder
from darknet_py.stats.judging import POWER
from darknet_py.stats.sequential import FEWEST_SEEDS, Looks
from darknet_py.tasks.metrics import TASKS

SEEDS, TIMES_IMAGES = (2, 3, 5, 10, 20), (1, 2, 4, 10)  # of the table


@dataclass(frozen=True)
class StudyPlan:
    """A comparison before it is trained.

    Args:
        costs: of a run of each variant.
        runs, left: how many runs there are at most, and how many of them have not been finished.
        seconds, size: of those.
        looks: where seeds are added in stages.
    """

    experiment: Experiment
    costs: tuple[RunCost, ...]
    known: KnownNoise
    runs: int
    left: int
    seconds: float
    size: int
    looks: Looks | None

    @property
    def images(self) -> int:
        """Validation images."""
        return len(self.experiment.val)

    @property
    def visible(self) -> float:
        """The smallest difference that 80 % of such comparisons resolve, with all seeds."""
        return self.known.noise.visible(len(self.costs), self.seeds, self.images)

    @property
    def seeds(self) -> int:
        """Of each variant, at most."""
        return self.looks.seeds[-1] if self.looks else self.experiment.seeds

    def table(self) -> dict[int, dict[int, float]]:
        """By seeds and images, what 80 % of such comparisons resolve."""
        sizes = sorted({*SEEDS, self.seeds} - {1})
        counts = [self.images * times for times in TIMES_IMAGES]
        noise, variants = self.known.noise, len(self.costs)
        return {s: {n: noise.visible(variants, s, n) for n in counts} for s in sizes} if variants > 1 else {}


def make_plan(experiment: Experiment, pilot: Path | None) -> StudyPlan:
    """Measure what a run of each variant takes, and look up what is known of the noise.

    Raises:
        UsageError: when the pilot has too few runs.
        DarknetPyError: as `train`.
    """
    known = known_noise(experiment, pilot)
    costs = measure_runs(experiment)
    by_name, looks = {cost.name: cost for cost in costs}, None
    if until := experiment.until:
        most, per_seed = until.most, sum(cost.seconds for cost in costs)
        if until.budget is not None:
            most = min(most, max(FEWEST_SEEDS, int(until.budget / per_seed)))
        looks = Looks.up_to(most, until.error, until.exponent)
    plans = [plan for plan in experiment.plans if not looks or plan.seed < looks.seeds[-1]]
    left = [by_name[plan.name] for plan in plans if not RunFolder(plan.out).finished]
    seconds, size = sum(cost.seconds for cost in left), sum(cost.size for cost in left)
    return StudyPlan(experiment, costs, known, len(plans), len(left), seconds, size, looks)


def plan_json(plan: StudyPlan) -> dict[str, Any]:
    """The plan as JSON: differences are 0..1."""
    until, noise = plan.experiment.until, plan.known.noise
    stages = None
    if plan.looks and until:
        looks = [
            {"seeds": s, "level": level} for s, level in zip(plan.looks.seeds, plan.looks.levels, strict=True)
        ]
        stages = {"budget_seconds": until.budget, "error": plan.looks.error, "looks": looks}
    return {
        "variants": [asdict(cost) | {"seconds": cost.seconds} for cost in plan.costs],
        "seeds": plan.seeds,
        "images": plan.images,
        "runs": plan.runs,
        "runs_left": plan.left,
        "seconds": plan.seconds,
        "hours": plan.seconds / 3600,
        "disk_bytes": plan.size,
        "noise": {
            "source": plan.known.source,
            "text": plan.known.text,
            "comparisons": plan.known.comparisons,
            "remarks": plan.known.remarks,
            "deviation": noise.deviation,
            "images": noise.images,
            "nested": asdict(noise.nested),
            "crossed": asdict(noise.crossed),
        },
        "power": POWER,
        "visible": plan.visible if len(plan.costs) > 1 else None,
        "resolvable": [
            {"seeds": s, "images": n, "effect": effect}
            for s, row in plan.table().items()
            for n, effect in row.items()
        ],
        "stages": stages,
    }


def plan_lines(plan: StudyPlan) -> list[str]:
    """The plan as text; differences in points of 100."""
    width = max(7, *(len(quoted(cost.name)) for cost in plan.costs))
    most = "at most " if plan.looks else ""
    lines = [f"{'variant':{width}}  updates  s each  evaluation     a run     disk"]
    lines += [
        f"{quoted(cost.name):{width}}  {cost.iterations:7}  {cost.iteration:6.3f}"
        f"  {cost.evaluations} x {format_duration(cost.evaluation):>6}"
        f"  {format_duration(cost.seconds):>8}  {_bytes(cost.size):>7}"
        for cost in plan.costs
    ]
    lines += [
        f"measured here, with {UPDATES} updates and one evaluation of each variant. Untrained networks "
        "detect more than trained ones: evaluations and disk are upper limits.",
        "",
        f"{most}{plan.runs} runs, {plan.left} of them to train: {most}{format_duration(plan.seconds)}, "
        f"{_bytes(plan.size)} on disk",
    ]
    if plan.looks:
        seeds = ", ".join(map(str, plan.looks.seeds))
        lines.append(f"looks at {seeds} seeds of each variant; a variant with a verdict gets no more")
    return [*lines, "", *_noise_lines(plan)]


def _noise_lines(plan: StudyPlan) -> list[str]:
    noise, lines = plan.known.noise, list(plan.known.remarks)
    lines.append(f"noise: {plan.known.text}")
    lines.append(f"  between trainings a deviation of {100 * noise.deviation:.2f} on {noise.images} images")
    table = plan.table()
    if not table:
        return [*lines, "  a single variant has nothing to be compared with"]
    counts = list(next(iter(table.values())))
    word = TASKS["detection" if plan.experiment.variants[0].graph.heads else "classification"].word
    lines += ["", f"differences in {word} x 100 that {100 * POWER:.0f} of 100 such comparisons resolve"]
    lines.append("  seeds" + "".join(f"{f'{count:,} images':>17}" for count in counts))
    for seeds, row in table.items():
        mark = ">" if seeds == plan.seeds else " "
        lines.append(f"{mark} {seeds:5}" + "".join(f"{_points(row[count]):>17}" for count in counts))
    return lines


def _points(value: float) -> str:
    return f"{100 * value:.1f}" if value >= 0.01 else f"{100 * value:.2g}"


def _bytes(size: float) -> str:
    for unit, times in (("GB", 1e9), ("MB", 1e6)):
        if size >= times:
            return f"{size / times:.1f} {unit}"
    return f"{size / 1e3:.0f} kB"
