"""Fixtures of the report's tests."""

from __future__ import annotations

from tests.report.comparison_folder import change, make_folder, run_folder

__all__ = ["change", "make_folder", "run_folder"]
