"""Comparison of repeated runs: arrays in, intervals out."""

from darknet_py.stats.judging import Verdict, verdict

__all__ = ["Verdict", "verdict"]
