"""Layers that transform one map, without parameters."""
