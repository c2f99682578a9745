"""Layers that predict boxes, and the keys that they share."""
