"""Where the tests find the project, its golden files, and data that is not part of it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden"
SHARED = ROOT.parent / "shared"  # data, weights and public cfgs; absent on most machines
SHARED_DATA = SHARED / "data"
