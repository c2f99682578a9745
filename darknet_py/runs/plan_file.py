"""compare.json: the variants and seeds of a comparison; `compare` writes it, the report reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from darknet_py.errors import ReportError, quoted
from darknet_py.files.json_fields import JsonObject, name_if_absolute, read_json_object
from darknet_py.runs.log import write_json

MARGIN = 0.005  # half a point of AP: less matters to nobody


@dataclass(frozen=True)
class PlannedVariant:
    """A variant by name; `edits` are applied to the cfg."""

    name: str
    cfg: str
    edits: tuple[str, ...]


@dataclass(frozen=True)
class ComparisonPlan:
    """What is compared: every variant with every seed.

    Args:
        data: the name of the data set, as the user gave it.
        epochs: passes over the training images.
        margin: a difference of at most this is none for practical purposes.
    """

    data: str
    epochs: float
    seeds: tuple[int, ...]
    variants: tuple[PlannedVariant, ...]
    margin: float = MARGIN


def write_plan(file: Path, plan: ComparisonPlan) -> None:
    """Write a plan, atomically."""
    variants = [{"name": v.name, "cfg": v.cfg, "edits": list(v.edits)} for v in plan.variants]
    content = {"data": plan.data, "epochs": plan.epochs, "seeds": list(plan.seeds), "margin": plan.margin}
    write_json(file, {**content, "variants": variants})


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
    )
    names = {variant.name for variant in plan.variants}
    if not names or not plan.seeds or len(names) < len(plan.variants) or len({*plan.seeds}) < len(plan.seeds):
        raise ReportError("it needs variants and seeds, each named once", where=file)
    return plan


def _read_variant(entry: JsonObject) -> PlannedVariant:
    name = entry.text("name")
    if name in {"", ".", ".."} or any(c in name for c in "/\\\0"):
        raise ReportError(f"the variant {quoted(name)!r} cannot be the name of a folder", where=entry.where)
    return PlannedVariant(name, name_if_absolute(entry.text("cfg")), entry.texts("edits"))
