"""compare.json: the variants and seeds of a comparison; `compare` writes it, the report reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from darknet_py.errors import ReportError, UsageError, quoted
from darknet_py.files.json_fields import JsonObject, file_exists, name_if_absolute, read_json_object
from darknet_py.runs.log import write_json
from darknet_py.stats.sequential import ERROR, EXPONENT

MARGIN = 0.005  # half a point of AP: less matters to nobody


@dataclass(frozen=True)
class PlannedVariant:
    """A variant by name; `edits` are applied to the cfg."""

    name: str
    cfg: str
    edits: tuple[str, ...]


@dataclass(frozen=True)
class Until:
    """A comparison that grows in stages until every variant has a verdict.

    Args:
        most: seeds of each variant at most.
        budget: seconds of training; None: no limit.
        error, exponent: what is spent after a share t of the seeds: `error * t ** exponent`.
    """

    most: int
    budget: float | None = None
    error: float = ERROR
    exponent: float = EXPONENT


@dataclass(frozen=True)
class ComparisonPlan:
    """What is compared: every variant with every seed.

    Args:
        data: the name of the data set, as the user gave it.
        epochs: passes over the training images.
        margin: a difference of at most this is none for practical purposes.
        until: where it grows in stages; its seeds are then those of the stages so far, and a variant that
            has its verdict may have fewer.
        options: of `compare` that decide the trainings, word by word; absolute paths are reduced to names.
    """

    data: str
    epochs: float
    seeds: tuple[int, ...]
    variants: tuple[PlannedVariant, ...]
    margin: float = MARGIN
    until: Until | None = None
    options: tuple[str, ...] = ()


def write_plan(file: Path, plan: ComparisonPlan) -> None:
    """Write a plan, atomically."""
    variants = [{"name": v.name, "cfg": v.cfg, "edits": list(v.edits)} for v in plan.variants]
    content = {"data": plan.data, "epochs": plan.epochs, "seeds": list(plan.seeds), "margin": plan.margin}
    until = {"until": _until_json(plan.until)} if plan.until else {}
    write_json(file, {**content, **until, "options": list(plan.options), "variants": variants})


def read_plan(file: Path) -> ComparisonPlan:
    """Read an untrusted plan; names of variants are checked to be names of folders.

    Raises:  ReportError: when it is missing or damaged.
    """
    content = read_json_object(file)
    plan = ComparisonPlan(
        data=content.text("data"),
        epochs=content.number("epochs", low=0),
        seeds=content.counts("seeds"),
        variants=tuple(_read_variant(entry) for entry in content.children("variants")),
        margin=content.number("margin", low=0) if "margin" in content.values else MARGIN,
        until=_read_until(content.child("until")) if "until" in content.values else None,
        options=content.texts("options") if "options" in content.values else (),
    )
    names = {variant.name for variant in plan.variants}
    if not names or not plan.seeds or len(names) < len(plan.variants) or len({*plan.seeds}) < len(plan.seeds):
        raise ReportError("it needs variants and seeds, each named once", where=file)
    return plan


def check_until(file: Path, until: Until | None) -> None:
    """Refuse to go on with a comparison in another way than it was planned: its error would not hold.

    Raises: UsageError: when the plan in the folder has another `until`.
    """
    if not file_exists(file):
        return
    try:
        planned = read_plan(file).until
    except ReportError:  # it is replaced after the first run, as that of any other comparison
        return
    if planned == until:
        return
    if planned is None:
        message = "has a comparison of fixed size: its verdicts spent the whole error"
    elif until is None:
        message = "has a comparison that was planned with --until resolved"
    else:
        seeds, budget = f"--seeds {planned.most}", f"{planned.budget:g} s" if planned.budget else "none"
        message = f"has a comparison that was planned with {seeds} and a budget of {budget}"
    hint = "give the same options, or name another --out; --plan uses the noise of this one"
    raise UsageError(message, where=file.parent, hint=hint)


def _until_json(until: Until) -> dict[str, float | None]:
    limits = {"most_seeds": until.most, "budget_seconds": until.budget}
    return {**limits, "error": until.error, "exponent": until.exponent}


def _read_until(entry: JsonObject) -> Until:
    budget = None if entry.values.get("budget_seconds") is None else entry.number("budget_seconds", low=0)
    error, exponent = entry.number("error", low=1e-6), entry.number("exponent", low=0.1)
    most = entry.count("most_seeds")
    if most < 2 or error >= 1 or exponent > 10:
        raise ReportError(
            "until: most_seeds is 2 or more, error below 1, exponent 0.1 .. 10", where=entry.where
        )
    return Until(most, budget, error, exponent)


def _read_variant(entry: JsonObject) -> PlannedVariant:
    name = entry.text("name")
    if name in {"", ".", ".."} or any(c in name for c in "/\\\0"):
        raise ReportError(f"the variant {quoted(name)!r} cannot be the name of a folder", where=entry.where)
    return PlannedVariant(name, name_if_absolute(entry.text("cfg")), entry.texts("edits"))
