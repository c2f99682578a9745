"""Pools whose every output reads the complete map."""
