"""Folders of large comparisons: many variants, seeds and classes, whose files are those of three variants."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.report.comparison_folder import (
    CLASSES,
    NAMES,
    POINTS,
    cfg_text,
    draw_sample,
    log_text,
    matches_of,
    write_json,
)
from tests.report.comparison_folder import result as result_of


def errors_of(classes: int, seed: int) -> dict[str, Any]:
    """Errors of a detector, as `compare` records them."""
    kinds = ("classification", "localisation", "both", "duplicate", "background", "missed")
    matrix = [[10 * (row == column) + seed for column in range(classes + 1)] for row in range(classes + 1)]
    return {
        "detections": "d" * 64,
        "kinds": {kind: {"count": at + seed, "cost": at / 97 + seed / 53} for at, kind in enumerate(kinds)},
        "confusion": {"score": 0.25, "iou": 0.5, "matrix": matrix},
        "slices": slices_of(seed),
    }


def slices_of(seed: int) -> list[dict[str, Any]]:
    """Figures by two properties; a group has no objects."""
    groups = {
        "size in square pixels": ("small: up to 32²", "medium", "large: above 96²"),
        "objects in the image": ("none", "1 to 3", "4 to 10", "11 or more"),
    }
    return [
        {
            "title": title,
            "groups": [
                {"name": name, "objects": 0, "recall": None, "ap": None, "ap50": None}
                if name == "none"
                else {
                    "name": name,
                    "objects": 40 + 613 * at,
                    "recall": (at + 5 + seed) / 13,
                    "ap": (at + 2 + seed) / 17,
                    "ap50": (at + 3 + seed) / 11,
                }
                for at, name in enumerate(names)
            ],
        }
        for title, names in groups.items()
    ]


def write_large(
    folder: Path,
    names: tuple[str, ...],
    *,
    seeds: int = 1,
    classes: tuple[str, ...] = CLASSES,
    samples: int = 0,
    errors: bool = True,
) -> Path:
    """Write a complete comparison of these variants."""
    entries = [{"name": name, "cfg": f"cfg/{at}.cfg", "edits": []} for at, name in enumerate(names)]
    plan = {"data": "scenes", "epochs": 40, "seeds": list(range(seeds)), "variants": entries}
    write_json(folder / "compare.json", plan)
    kinds = [(kind, seed) for kind in range(len(NAMES)) for seed in range(2)]
    stored = folder.parent / "stored"
    for kind, seed in kinds:
        (stored / f"{kind}{seed}").mkdir(parents=True)
        matches_of(POINTS[kind][seed], seed=seed).save(stored / f"{kind}{seed}" / "matches.npz")
    records = {one: result_of(*one, name="", classes=classes) for one in kinds}
    logs = {one: log_text(*one, records[one]["scores"]["ap50"]) for one in kinds}
    for at, name in enumerate(names):
        for seed in range(seeds):
            home, kind = folder / "runs" / name / f"seed-{seed}", (at % len(NAMES), seed % 2)
            write_json(home / "result.json", records[kind] | {"variant": name, "seed": seed})
            os.link(stored / f"{kind[0]}{kind[1]}" / "matches.npz", home / "matches.npz")
            (home / "net.cfg").write_text(cfg_text(kind[0]), encoding="utf-8")
            (home / "log.jsonl").write_text(logs[kind], encoding="utf-8")
            if errors:
                (home / "errors.json").write_text(json.dumps(errors_of(len(classes), seed)))
        for picture in range(samples):
            draw_sample(folder / "runs" / name / "samples" / f"{picture}.png", at % 3, picture)
    times = {name: {"median": 6.1 + at, "min": 5.9 + at, "max": 7.2 + at} for at, name in enumerate(names)}
    setting = {"unit": "ms per image", "batch": 1, "threads": 2, "device": "cpu", "rounds": 7}
    write_json(folder / "latency.json", setting | {"variants": times})
    return folder
