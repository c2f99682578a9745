"""Fixtures that the tests of comparisons share with others."""

from __future__ import annotations

from tests.report.comparison_folder import change, run_folder

__all__ = ["change", "run_folder"]
