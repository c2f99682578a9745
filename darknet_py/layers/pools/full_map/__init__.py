"""Pools whose every output reads the full map."""
