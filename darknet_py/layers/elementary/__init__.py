"""Layers without weights that transform or rearrange one map."""
