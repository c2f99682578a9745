"""Scenes that are drawn on the spot."""
