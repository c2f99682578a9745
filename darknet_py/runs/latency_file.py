"""latency.json: milliseconds per image of every variant of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darknet_py.files.json_fields import file_exists, read_json_object
from darknet_py.runs.log import write_json
from darknet_py.runs.records import Latency


def write_latencies(
    file: Path, setting: Mapping[str, Any], latencies: Mapping[str, Latency], *, cfgs: Mapping[str, str]
) -> None:
    """Write the latency of each variant.

    Args:
        setting: in which they were measured.
        cfgs: the digest of each variant's cfg.
    """
    variants = {
        name: {"median": row.median, "min": row.low, "max": row.high, "share": row.share, "cfg": cfgs[name]}
        for name, row in latencies.items()
    }
    write_json(file, {**setting, "variants": variants})


def is_measured(file: Path, setting: Mapping[str, Any], *, cfgs: Mapping[str, str]) -> bool:
    """Whether the file is of this setting and of these cfgs, by digest.

    Raises:  ReportError: when it is damaged.
    """
    if not file_exists(file):
        return False
    content = read_json_object(file)
    variants = content.child("variants")
    measured = {name: variants.child(name).values.get("cfg") for name in variants.values}
    return _setting(content.values) == setting and measured == cfgs


def read_latencies(file: Path) -> tuple[Mapping[str, Any], Mapping[str, Latency]]:
    """The setting of the measurement, and the latency of each variant; both empty without a measurement.

    Raises:  ReportError: when the file is damaged.
    """
    if not file_exists(file):
        return {}, {}
    content = read_json_object(file)
    variants = content.child("variants")
    rows = {name: variants.child(name) for name in variants.values}
    latencies = {}
    for name, row in rows.items():
        median, low, high = (row.number(key, low=0) for key in ("median", "min", "max"))
        share = row.number("share", low=0) if "share" in row.values else 1.0
        latencies[name] = Latency(median, low, high, share)
    return _setting(content.values), latencies


def _setting(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != "variants"}
