"""Which splits of a data set are checked."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from darknet_py.data.dataset import SPLITS
from darknet_py.data.findings import Findings
from darknet_py.data.formats.splits import ALL, DIVIDE, WORDS


def splits_to_check(found: Collection[str], where: Path, findings: Findings) -> tuple[str, ...]:
    """Train, val and test as far as they are there, or all of a data set that is not divided.

    Train and val are returned where they are missing too: looking for them reports what was looked for.
    """
    if ALL in found:
        findings.add("not-divided", f"is not divided into splits: {DIVIDE}", where)
        return (ALL,)
    return tuple(split for split in WORDS if split in found or split in SPLITS)
